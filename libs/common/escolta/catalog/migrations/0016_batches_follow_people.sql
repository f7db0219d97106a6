-- label-gateway writes ------------------------------------------------------------------------------

-- An audio that was taken from a group of which nobody had answered it, because groups had changed. Somebody of
-- that group may be hearing it just then: whoever answers first has it.
CREATE TABLE label.withdrawals (
    iteration_id uuid NOT NULL,
    audio_id     uuid NOT NULL,
    group_id     integer NOT NULL REFERENCES label.groups,
    withdrawn_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (iteration_id, audio_id, group_id)
);

-- For which group the labeler answered: people move, and two thirds are counted within a group.
ALTER TABLE label.submissions ADD COLUMN group_id integer REFERENCES label.groups;
UPDATE label.submissions AS s SET group_id = coalesce(
    (SELECT a.group_id FROM label.assignments a JOIN audio.labelers l USING (group_id)
     WHERE (a.iteration_id, a.audio_id, l.labeler_id) = (s.iteration_id, s.audio_id, s.labeler_id)),
    (SELECT min(a.group_id) FROM label.assignments a
     WHERE (a.iteration_id, a.audio_id) = (s.iteration_id, s.audio_id)));
