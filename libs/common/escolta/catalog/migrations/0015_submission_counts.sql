-- label-gateway writes ------------------------------------------------------------------------------

-- How many audios each labeler has labeled, kept as the counts of audios are (0008): it is told with every
-- submission, after years of them.
CREATE TABLE label.submission_counts (
    labeler_id integer PRIMARY KEY REFERENCES audio.labelers,
    audios     bigint NOT NULL
) WITH (fillfactor = 50);

CREATE FUNCTION label.count_submissions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO label.submission_counts AS kept (labeler_id, audios)
    SELECT labeler_id, CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END * count(*)
    FROM changed GROUP BY 1 ORDER BY 1
    ON CONFLICT (labeler_id) DO UPDATE SET audios = kept.audios + excluded.audios;
    RETURN NULL;
END $$;
CREATE TRIGGER submissions_came AFTER INSERT ON label.submissions REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION label.count_submissions();
CREATE TRIGGER submissions_went AFTER DELETE ON label.submissions REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION label.count_submissions();
INSERT INTO label.submission_counts (labeler_id, audios)
    SELECT labeler_id, count(*) FROM label.submissions GROUP BY 1;
