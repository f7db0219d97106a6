-- What may be heard, as in 0035 and cheaper: of most nodes the latest moment is their own, and one comparison decides. Only
-- of those that keep their sounds for longer is their own moment looked up.

CREATE OR REPLACE VIEW audio.hearable AS
    SELECT audio_id, start_utc, node_id, path_id, object_name, file_name, rate_hz, duration_s,
           coalesce(a.channels_heard, (SELECT max(e.channels_heard) FROM audio.embeddings AS e
                                       WHERE e.audio_id = a.audio_id AND e.start_utc = a.start_utc))
               AS channels_heard,
           sha256
    FROM audio.audios AS a
    WHERE (node_id = ANY (ARRAY(SELECT node_id FROM audio.nodes WHERE speech_policy = 'keep'))
           OR coalesce((SELECT max(e.speech) FROM audio.embeddings AS e
                        WHERE e.audio_id = a.audio_id AND e.start_utc = a.start_utc)
                       < (SELECT speech_threshold FROM audio.nodes AS n
                          WHERE n.node_id = a.node_id AND speech_policy = 'withhold'), false))
      AND (cataloged_at >= (SELECT dropped_to FROM audio.retention)
           OR (node_id = ANY (ARRAY(SELECT n.node_id FROM audio.nodes AS n LEFT JOIN audio.node_retention AS r USING (node_id)
                                    WHERE coalesce(r.dropped_to, '-infinity')
                                          < (SELECT dropped_to FROM audio.retention)))
               AND cataloged_at >= coalesce((SELECT r.dropped_to FROM audio.node_retention AS r
                                             WHERE r.node_id = a.node_id), '-infinity'))
           OR EXISTS (SELECT FROM al.wavs_proposed AS w WHERE w.audio_id = a.audio_id));

CREATE OR REPLACE VIEW audio.hearable_embeddings AS
    SELECT audio_id, start_utc, model_id, of_node, top_class, top_probability, top_classes, top_probabilities,
           embedded_at
    FROM audio.embeddings AS a
    WHERE (of_node = ANY (ARRAY(SELECT node_id FROM audio.nodes WHERE speech_policy = 'keep'))
           OR coalesce((SELECT max(e.speech) FROM audio.embeddings AS e
                        WHERE e.audio_id = a.audio_id AND e.start_utc = a.start_utc)
                       < (SELECT speech_threshold FROM audio.nodes AS n
                          WHERE n.node_id = a.of_node AND speech_policy = 'withhold'), false))
      AND (start_utc >= (SELECT dropped_to + interval '1 day' FROM audio.retention)
           OR (embedded_at >= (SELECT dropped_to FROM audio.retention)
               AND (SELECT c.cataloged_at FROM audio.audios AS c
                    WHERE c.audio_id = a.audio_id AND c.start_utc = a.start_utc)
                   >= (SELECT dropped_to FROM audio.retention))
           OR (of_node = ANY (ARRAY(SELECT n.node_id FROM audio.nodes AS n LEFT JOIN audio.node_retention AS r USING (node_id)
                                    WHERE coalesce(r.dropped_to, '-infinity')
                                          < (SELECT dropped_to FROM audio.retention)))
               AND (start_utc >= coalesce((SELECT r.dropped_to + interval '1 day' FROM audio.node_retention AS r
                                           WHERE r.node_id = a.of_node), '-infinity')
                    OR EXISTS (SELECT FROM audio.node_retention AS r
                               WHERE r.node_id = a.of_node AND a.embedded_at >= r.dropped_to
                                 AND (SELECT c.cataloged_at FROM audio.audios AS c
                                      WHERE c.audio_id = a.audio_id AND c.start_utc = a.start_utc)
                                     >= r.dropped_to)))
           OR EXISTS (SELECT FROM al.wavs_proposed AS w WHERE w.audio_id = a.audio_id));
