-- label-gateway writes ------------------------------------------------------------------------------

-- The listening policy of a batch whose audios are not heard by everybody of their group.
CREATE TABLE label.listening (
    iteration_id uuid PRIMARY KEY,
    policy       text NOT NULL
);

-- Who was asked to hear an audio of such a batch: one after another, as the answers come. Nobody else waits for it.
CREATE TABLE label.asked (
    iteration_id uuid NOT NULL,
    audio_id     uuid NOT NULL,
    labeler_id   integer NOT NULL REFERENCES audio.labelers,
    asked_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (iteration_id, audio_id, labeler_id)
);
