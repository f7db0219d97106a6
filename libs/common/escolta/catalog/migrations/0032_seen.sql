-- ingest writes -------------------------------------------------------------------------------------

-- recorded: audios since the node was started, as it counts them; NULL from a node of before. heard_at: when ingest
-- heard it, by its own clock; `at` is the node's.
ALTER TABLE audio.node_status
    ADD COLUMN recorded    bigint,
    ADD COLUMN clock_state text NOT NULL DEFAULT 'unknown',
    ADD COLUMN heard_at    timestamptz;

-- `escolta backup` and `escolta drill` write ---------------------------------------------------------

-- When each kind of backup ended well last, and what the last drill found: ingest tells it to whoever watches.
CREATE TABLE audio.backups (
    what text PRIMARY KEY CHECK (what IN ('catalog', 'objects', 'drill')),
    at   timestamptz NOT NULL,
    good boolean NOT NULL
);
