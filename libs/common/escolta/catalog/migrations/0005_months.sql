-- A month's partitions, as before, without waiting for those who read or write another month: CREATE TABLE …
-- PARTITION OF would lock the whole table, and a batch of the embedder or a window of the al-engine may hold it
-- for a minute, with everybody else behind.
CREATE OR REPLACE FUNCTION audio.ensure_month(moment timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    month_start timestamptz := date_trunc('month', moment, 'UTC');
    month_end   timestamptz := date_trunc('month', month_start + interval '40 days', 'UTC');
    suffix      text := to_char(month_start AT TIME ZONE 'UTC', 'YYYY_MM');
    parent      text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('escolta.ensure_month'));
    FOREACH parent IN ARRAY ARRAY['audios', 'embeddings'] LOOP
        IF to_regclass(format('audio.%s_%s', parent, suffix)) IS NULL THEN
            EXECUTE format('CREATE TABLE audio.%I (LIKE audio.%I'
                           ' INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED)',
                           parent || '_' || suffix, parent);
            EXECUTE format('ALTER TABLE audio.%I ATTACH PARTITION audio.%I FOR VALUES FROM (%L) TO (%L)',
                           parent, parent || '_' || suffix, month_start, month_end);
        END IF;
    END LOOP;
END $$;
