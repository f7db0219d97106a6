-- label-gateway writes ------------------------------------------------------------------------------

-- An agreement may be corrected. Its version is another, higher one after every change of the row, so that a
-- reader who keeps the version it has read beside its own row finds both what is new and what was corrected.
-- Compare row by row (IS DISTINCT FROM), never with the highest version seen: a transaction that took a lower
-- version may commit later.
CREATE SEQUENCE label.agreement_versions;
ALTER TABLE label.agreements
    ADD COLUMN version bigint,
    ADD CONSTRAINT agreements_percent_of_a_hundred CHECK (agreement_percent BETWEEN 0 AND 100) NOT VALID;
UPDATE label.agreements AS t SET version = ordered.version
    FROM (SELECT iteration_id, audio_id, nextval('label.agreement_versions') AS version
          FROM (SELECT iteration_id, audio_id FROM label.agreements
                ORDER BY agreed_at, iteration_id, audio_id) AS in_order) AS ordered
    WHERE (t.iteration_id, t.audio_id) = (ordered.iteration_id, ordered.audio_id);
ALTER TABLE label.agreements ALTER COLUMN version SET NOT NULL;

-- With its owner's rights, so that who writes agreements needs none on the sequence.
CREATE FUNCTION label.next_agreement_version() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    NEW.version := nextval('label.agreement_versions');
    RETURN NEW;
END $$;
CREATE TRIGGER agreements_have_a_version BEFORE INSERT OR UPDATE ON label.agreements
    FOR EACH ROW EXECUTE FUNCTION label.next_agreement_version();

-- al-engine writes ----------------------------------------------------------------------------------

-- The version of the agreement that the label was read from; NULL: none has been read.
ALTER TABLE al.wavs_proposed ADD COLUMN agreement_version bigint;
UPDATE al.wavs_proposed AS w SET agreement_version = t.version
    FROM label.agreements AS t
    WHERE w.labeled_at IS NOT NULL AND (t.iteration_id, t.audio_id) = (w.iteration_id, w.audio_id);
