-- al-engine writes ----------------------------------------------------------------------------------

-- What a message alone has told, and no row of label-gateway, is not believed any longer.
UPDATE al.wavs_proposed AS w SET label = NULL, labelers = NULL, agreement_percent = NULL, labeled_at = NULL
    WHERE labeled_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM label.agreements AS g WHERE (g.iteration_id, g.audio_id) = (w.iteration_id, w.audio_id));
UPDATE al.wavs_proposed AS w SET label = o.name, labelers = g.labelers, agreement_percent = g.agreement_percent
    FROM label.agreements AS g LEFT JOIN audio.ontology AS o USING (class_id)
    WHERE (g.iteration_id, g.audio_id) = (w.iteration_id, w.audio_id) AND labeled_at IS NOT NULL
    AND (w.label, w.labelers, w.agreement_percent) IS DISTINCT FROM (o.name, g.labelers, g.agreement_percent);
UPDATE al.al_preprocessing AS i SET status = 'proposed', closed_at = NULL
    WHERE status = 'closed' AND NOT EXISTS (
        SELECT FROM label.closed_iterations AS c WHERE c.iteration_id = i.iteration_id);

-- Work in the background (escolta/work.py): why it cannot be done yet, and that somebody wants it no longer.
ALTER TABLE al.al_preprocessing
    ADD COLUMN waits_for text,
    ADD COLUMN canceled  boolean NOT NULL DEFAULT false;
