-- label-gateway writes ------------------------------------------------------------------------------

-- What one user of BAT says of one wav of a project. audio_id: NULL for a wav that we have not brought there.
-- seen: in how many lists in a row it was finished, two at most; 0: it is no longer. said: what was read, as
-- [[class, start, end]], by names of BAT; read_at: NULL while it is to be read (again). pending: it is still to be
-- taken over. labeler_id: for whom it was. reason, todo, detail: why it is not, what somebody does about it, and what is wrong with this one.
CREATE TABLE label.bat_annotations (
    iteration_id  uuid NOT NULL,
    group_id      integer NOT NULL,
    wav_name      text NOT NULL,
    bat_user      text NOT NULL,
    audio_id      uuid,
    annotation_id bigint NOT NULL,
    seen          smallint NOT NULL,
    tried_at      timestamptz,
    read_at       timestamptz,
    region_ids    bigint[] NOT NULL DEFAULT '{}',
    said          jsonb,
    pending       boolean NOT NULL DEFAULT true,
    labeler_id    integer REFERENCES audio.labelers,
    imported_at   timestamptz,
    reason        text,
    todo          text,
    detail        text,
    PRIMARY KEY (iteration_id, group_id, wav_name, bat_user),
    FOREIGN KEY (iteration_id, group_id) REFERENCES label.bat_projects
);
CREATE INDEX bat_annotations_by_audio ON label.bat_annotations (audio_id);
