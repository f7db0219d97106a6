-- label-gateway writes ------------------------------------------------------------------------------

-- Who is signed in, and with what. The token that a browser or a program holds names its row, signed; where
-- the row is gone, so is the session. Every service with pages reads it, with the labeler's role beside it.
CREATE TABLE label.sessions (
    session_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    labeler_id integer NOT NULL REFERENCES audio.labelers,
    kind       text NOT NULL CHECK (kind IN ('browser', 'token')),
    name       text NOT NULL,
    made_at    timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL
);
CREATE INDEX sessions_by_labeler ON label.sessions (labeler_id, made_at);
CREATE INDEX sessions_by_end ON label.sessions (ends_at);
