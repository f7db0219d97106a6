-- Counts that are kept where rows are written, so that nobody counts millions of them for a request. They are
-- exact: a transaction brings rows and count, or neither. One row a node (or model) and month: those who write
-- at the same time seldom write the same row, and wait for each other's commit where they do. In order of the
-- key, so that two of them never wait for each other in a circle.

-- ingest writes -------------------------------------------------------------------------------------

CREATE TABLE audio.audio_counts (
    node_id integer NOT NULL REFERENCES audio.nodes,
    month   timestamptz NOT NULL,
    audios  bigint NOT NULL,
    PRIMARY KEY (node_id, month)
) WITH (fillfactor = 50);

CREATE FUNCTION audio.count_audios() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audio.audio_counts AS kept (node_id, month, audios)
    SELECT node_id, date_trunc('month', start_utc, 'UTC'),
           CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END * count(*)
    FROM changed GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (node_id, month) DO UPDATE SET audios = kept.audios + excluded.audios;
    RETURN NULL;
END $$;
-- A trigger before its count: it keeps others from writing until this is committed, so none is missed.
CREATE TRIGGER audios_came AFTER INSERT ON audio.audios REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION audio.count_audios();
CREATE TRIGGER audios_went AFTER DELETE ON audio.audios REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION audio.count_audios();
INSERT INTO audio.audio_counts (node_id, month, audios)
    SELECT node_id, date_trunc('month', start_utc, 'UTC'), count(*) FROM audio.audios GROUP BY 1, 2;

-- embedder writes -----------------------------------------------------------------------------------

-- The start leads to the audio's month. Of an audio that the catalog does not have no failure need be known.
ALTER TABLE audio.embedding_failures ADD COLUMN start_utc timestamptz;
UPDATE audio.embedding_failures AS f SET start_utc = a.start_utc
    FROM audio.audios AS a WHERE a.audio_id = f.audio_id;
DELETE FROM audio.embedding_failures WHERE start_utc IS NULL;
ALTER TABLE audio.embedding_failures ALTER COLUMN start_utc SET NOT NULL;
CREATE INDEX embedding_failures_by_time ON audio.embedding_failures (model_id, start_utc);

-- What came of the audios of a month: 'embedded' or 'failed'.
CREATE TABLE audio.embedding_counts (
    model_id text NOT NULL REFERENCES audio.models,
    outcome  text NOT NULL CHECK (outcome IN ('embedded', 'failed')),
    month    timestamptz NOT NULL,
    audios   bigint NOT NULL,
    PRIMARY KEY (model_id, outcome, month)
) WITH (fillfactor = 50);

CREATE FUNCTION audio.count_embeddings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audio.embedding_counts AS kept (model_id, outcome, month, audios)
    SELECT model_id, TG_ARGV[0], date_trunc('month', start_utc, 'UTC'),
           CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END * count(*)
    FROM changed GROUP BY 1, 3 ORDER BY 1, 3
    ON CONFLICT (model_id, outcome, month) DO UPDATE SET audios = kept.audios + excluded.audios;
    RETURN NULL;
END $$;
CREATE TRIGGER embeddings_came AFTER INSERT ON audio.embeddings REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION audio.count_embeddings('embedded');
CREATE TRIGGER embeddings_went AFTER DELETE ON audio.embeddings REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION audio.count_embeddings('embedded');
CREATE TRIGGER failures_came AFTER INSERT ON audio.embedding_failures REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION audio.count_embeddings('failed');
CREATE TRIGGER failures_went AFTER DELETE ON audio.embedding_failures REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION audio.count_embeddings('failed');
INSERT INTO audio.embedding_counts (model_id, outcome, month, audios)
    SELECT model_id, 'embedded', date_trunc('month', start_utc, 'UTC'), count(*)
    FROM audio.embeddings GROUP BY 1, 3
    UNION ALL
    SELECT model_id, 'failed', date_trunc('month', start_utc, 'UTC'), count(*)
    FROM audio.embedding_failures GROUP BY 1, 3;

-- Where catching up is, in the order of entry: every audio up to here is embedded, has failed, or is in the
-- queue. It moves forward only.
CREATE TABLE audio.embedding_marks (
    model_id     text PRIMARY KEY REFERENCES audio.models,
    cataloged_at timestamptz NOT NULL,
    audio_id     uuid NOT NULL
);

-- What catching up has found without an embedding, until it has one or has failed.
CREATE TABLE audio.embedding_queue (
    model_id     text NOT NULL REFERENCES audio.models,
    audio_id     uuid NOT NULL,
    start_utc    timestamptz NOT NULL,
    cataloged_at timestamptz NOT NULL,
    PRIMARY KEY (model_id, audio_id)
);
CREATE INDEX embedding_queue_in_order ON audio.embedding_queue (model_id, cataloged_at, audio_id);
