-- ingest writes -------------------------------------------------------------------------------------

-- How long the quarantine list is, kept as the counts of audios are (0008). Its rows are written one by one, and
-- two processes may bring the same ones: each counts in a lane of its own, so that none waits for the other's
-- count while the other waits for its row.
CREATE TABLE audio.quarantine_counts (
    kind     text NOT NULL,
    lane     smallint NOT NULL,
    messages bigint NOT NULL,
    PRIMARY KEY (kind, lane)
) WITH (fillfactor = 50);

CREATE FUNCTION audio.count_quarantined() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    own smallint := pg_backend_pid() % 64;
BEGIN
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO audio.quarantine_counts AS kept (kind, lane, messages)
        SELECT kind, own, count(*) FROM came GROUP BY 1 ORDER BY 1
        ON CONFLICT (kind, lane) DO UPDATE SET messages = kept.messages + excluded.messages;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO audio.quarantine_counts AS kept (kind, lane, messages)
        SELECT kind, own, -count(*) FROM went GROUP BY 1 ORDER BY 1
        ON CONFLICT (kind, lane) DO UPDATE SET messages = kept.messages + excluded.messages;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER messages_came AFTER INSERT ON audio.quarantine REFERENCING NEW TABLE AS came
    FOR EACH STATEMENT EXECUTE FUNCTION audio.count_quarantined();
CREATE TRIGGER messages_changed AFTER UPDATE ON audio.quarantine
    REFERENCING NEW TABLE AS came OLD TABLE AS went
    FOR EACH STATEMENT EXECUTE FUNCTION audio.count_quarantined();
CREATE TRIGGER messages_went AFTER DELETE ON audio.quarantine REFERENCING OLD TABLE AS went
    FOR EACH STATEMENT EXECUTE FUNCTION audio.count_quarantined();
INSERT INTO audio.quarantine_counts (kind, lane, messages)
    SELECT kind, 0, count(*) FROM audio.quarantine GROUP BY 1;
