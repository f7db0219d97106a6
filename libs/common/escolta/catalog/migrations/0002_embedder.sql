-- embedder writes -----------------------------------------------------------------------------------

-- What the tagger says at each moment of an audio, for models that look at patches of it.
-- onsets_s: where each patch begins. scores: float16, little endian, [patches, classes], between 0 and 1.
CREATE TABLE audio.patch_scores (
    audio_id  uuid NOT NULL,
    start_utc timestamptz NOT NULL,
    model_id  text NOT NULL REFERENCES audio.models,
    onsets_s  real[] NOT NULL,
    scores    bytea NOT NULL,
    PRIMARY KEY (audio_id, model_id)
);
-- Compressing 20 kB a row costs more than it saves.
ALTER TABLE audio.patch_scores ALTER COLUMN scores SET STORAGE EXTERNAL;

-- Windows that a lead wants embedded by a model before everything else. Open until nothing in it waits.
CREATE TABLE audio.embedding_windows (
    model_id     text NOT NULL REFERENCES audio.models,
    window_start timestamptz NOT NULL,
    window_end   timestamptz NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    done_at      timestamptz,
    PRIMARY KEY (model_id, window_start, window_end),
    CHECK (window_end > window_start)
);
