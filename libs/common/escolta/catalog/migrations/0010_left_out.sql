-- ingest writes -------------------------------------------------------------------------------------

-- refused: a message or an object was no good. left_out: a node did not make an audio of a file, or of from_s
-- to to_s of it. doubtful: it did, and says what is doubtful about it.
ALTER TABLE audio.quarantine
    ADD COLUMN kind       text NOT NULL DEFAULT 'refused' CHECK (kind IN ('refused', 'left_out', 'doubtful')),
    ADD COLUMN file_name  text,
    ADD COLUMN from_s     double precision,
    ADD COLUMN to_s       double precision,
    ADD COLUMN size_bytes bigint;
CREATE INDEX quarantine_by_kind ON audio.quarantine (kind);

-- What a node's source holds, in its own sentence.
ALTER TABLE audio.node_status ADD COLUMN source text NOT NULL DEFAULT '';
