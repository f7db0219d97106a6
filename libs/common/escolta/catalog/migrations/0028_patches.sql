-- embedder writes -----------------------------------------------------------------------------------

-- What the tagger says at each moment of an audio, in place of audio.patch_scores: in months, which can be emptied
-- as a whole, and in bytes, of which nearly all are 0 and compress. onsets_s: where each patch begins. scores:
-- uint8 [patches, classes], in 255ths. What stands in audio.patch_scores, float16, stays there until it is too old
-- (`escolta retain`); the version before writes there.
CREATE TABLE audio.patches (
    audio_id  uuid NOT NULL,
    start_utc timestamptz NOT NULL,
    model_id  text NOT NULL REFERENCES audio.models,
    onsets_s  real[] NOT NULL,
    scores    bytea NOT NULL,
    PRIMARY KEY (audio_id, start_utc, model_id)
) PARTITION BY RANGE (start_utc);

-- ingest calls --------------------------------------------------------------------------------------

-- As before (0005, 0021), with the months of one table more.
CREATE OR REPLACE FUNCTION audio.ensure_month(moment timestamptz) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    month_start timestamptz := date_trunc('month', moment, 'UTC');
    month_end   timestamptz := date_trunc('month', month_start + interval '40 days', 'UTC');
    suffix      text := to_char(month_start AT TIME ZONE 'UTC', 'YYYY_MM');
    parent      text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('escolta.ensure_month'));
    FOREACH parent IN ARRAY ARRAY['audios', 'embeddings', 'patches'] LOOP
        IF to_regclass(format('audio.%s_%s', parent, suffix)) IS NULL THEN
            EXECUTE format('CREATE TABLE audio.%I (LIKE audio.%I'
                           ' INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED)',
                           parent || '_' || suffix, parent);
            EXECUTE format('ALTER TABLE audio.%I ATTACH PARTITION audio.%I FOR VALUES FROM (%L) TO (%L)',
                           parent, parent || '_' || suffix, month_start, month_end);
        END IF;
    END LOOP;
END $$;

-- The months that there are already: ingest remembers them, and asks for none of them again.
SELECT audio.ensure_month(to_timestamp(right(inhrelid::regclass::text, 7), 'YYYY_MM')::timestamp AT TIME ZONE 'UTC')
FROM pg_inherits WHERE inhparent = 'audio.audios'::regclass;
