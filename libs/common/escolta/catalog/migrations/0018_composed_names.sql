-- label-gateway writes ------------------------------------------------------------------------------

-- Names are kept composed (NFC), so that one that was typed on a Mac is the same as one typed elsewhere. Where a
-- name exists in both forms, both stay: which labels of two classes mean the same only people can say.
DO $$ BEGIN
    IF current_setting('server_encoding') <> 'UTF8' THEN
        RETURN;
    END IF;
    UPDATE audio.labelers AS l SET name = normalize(name, NFC)
        WHERE name IS NOT NFC NORMALIZED AND NOT EXISTS (
            SELECT FROM audio.labelers o
            WHERE o.labeler_id <> l.labeler_id AND normalize(o.name, NFC) = normalize(l.name, NFC));
    UPDATE label.groups AS g SET name = normalize(name, NFC)
        WHERE name IS NOT NFC NORMALIZED AND NOT EXISTS (
            SELECT FROM label.groups o
            WHERE o.group_id <> g.group_id AND normalize(o.name, NFC) = normalize(g.name, NFC));
    -- al-engine keeps the names of classes beside what it proposed.
    WITH composed AS (
        UPDATE audio.ontology AS c SET name = normalize(name, NFC)
            WHERE name IS NOT NFC NORMALIZED AND NOT EXISTS (
                SELECT FROM audio.ontology o
                WHERE o.class_id <> c.class_id AND lower(normalize(o.name, NFC)) = lower(normalize(c.name, NFC)))
            RETURNING name)
    UPDATE al.wavs_proposed AS w SET label = composed.name FROM composed
        WHERE normalize(w.label, NFC) = composed.name AND w.label <> composed.name;
END $$;
