-- ingest writes -------------------------------------------------------------------------------------

-- run_id: drawn by a node at each start; number: of its statuses since. NULL from a node of before.
ALTER TABLE audio.node_status
    ADD COLUMN run_id uuid,
    ADD COLUMN number bigint;
