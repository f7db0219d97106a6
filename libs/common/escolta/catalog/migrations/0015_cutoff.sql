-- The moment before which no embedding can still appear. Whoever writes embeddings holds a lock, shared, until
-- the commit; a cutoff waits for its holders. It is an advisory one because a lock on the table, as before,
-- wants the right to write the table, and the al-engine only reads it.

-- embedder writes -----------------------------------------------------------------------------------

CREATE FUNCTION audio.hold_off_cutoffs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(x'6375746f6666'::bigint);  -- "cutoff"
    RETURN NULL;
END $$;
CREATE TRIGGER embeddings_hold_off_cutoffs BEFORE INSERT ON audio.embeddings
    FOR EACH STATEMENT EXECUTE FUNCTION audio.hold_off_cutoffs();

-- al-engine calls -----------------------------------------------------------------------------------

CREATE FUNCTION audio.cutoff() RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(x'6375746f6666'::bigint);
    RETURN clock_timestamp();
END $$;
