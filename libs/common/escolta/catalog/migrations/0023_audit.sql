-- every service appends -----------------------------------------------------------------------------

-- Who did what, to which, by which service. Nobody changes what stands here, its owner neither. No foreign key:
-- a name stays as it was then.
CREATE TABLE audio.audit (
    audit_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT now(),
    service    text NOT NULL,
    labeler_id integer,
    name       text NOT NULL,
    what       text NOT NULL,
    which      text NOT NULL
);
-- What a lead looks for; the newest of all come by the primary key. Each way a page costs the same after years.
CREATE INDEX audit_by_what ON audio.audit (what, audit_id);
CREATE INDEX audit_but_labels ON audio.audit (audit_id) WHERE what <> 'labeled';

CREATE FUNCTION audio.refuse_a_change_of_the_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audio.audit is only ever added to: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audio.audit
    FOR EACH STATEMENT EXECUTE FUNCTION audio.refuse_a_change_of_the_audit_log();
ALTER TABLE audio.audit ENABLE ALWAYS TRIGGER audit_stays;

-- A row for each time that somebody says what is in an audio; what it was is in audio.chunks. By a trigger, for
-- it comes with the statement that keeps the labels: a labeler waits for nothing more.
CREATE FUNCTION label.note_submissions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audio.audit (service, labeler_id, name, what, which)
    SELECT 'label-gateway', labeler_id, l.name, 'labeled',
           format('audio %s of iteration %s', audio_id, iteration_id)
    FROM changed JOIN audio.labelers l USING (labeler_id);
    RETURN NULL;
END $$;
CREATE TRIGGER submissions_are_noted AFTER INSERT ON label.submissions REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION label.note_submissions();
CREATE TRIGGER submissions_are_noted_again AFTER UPDATE ON label.submissions REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION label.note_submissions();
