-- ingest writes -------------------------------------------------------------------------------------

-- What waits at the nodes and goes through by itself once time or the operator has mended it. A row for each
-- node and kind; names of nodes that nobody has registered come from outside, so ingest bounds their number.
CREATE TABLE audio.held (
    node     text NOT NULL,         -- not node_id: it may be unknown
    kind     text NOT NULL CHECK (kind IN ('unknown_node', 'clock')),
    first_at timestamptz NOT NULL,
    last_at  timestamptz NOT NULL,
    until    timestamptz,           -- clock: the latest time that a node gave; once it is past, all is well
    audios   bigint NOT NULL,       -- at least so many wait
    reason   text NOT NULL,         -- with what to do
    PRIMARY KEY (node, kind)
);
