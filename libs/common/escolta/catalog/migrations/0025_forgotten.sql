-- the operator writes, by `escolta forget` -----------------------------------------------------------

-- Audios that are to be nowhere any more, so that no node brings them back. object_key: what to remove once more,
-- because an upload may have been under way.
CREATE TABLE audio.forgotten (
    audio_id     uuid PRIMARY KEY,
    start_utc    timestamptz NOT NULL,
    object_key   text NOT NULL,
    forgotten_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX forgotten_in_time ON audio.forgotten (forgotten_at);
