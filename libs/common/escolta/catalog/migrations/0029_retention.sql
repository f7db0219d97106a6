-- the operator writes, by `escolta retain` -----------------------------------------------------------

-- How far sounds are dropped: of what entered the catalog before `dropped_to` the object goes, unless the audio was
-- ever proposed. removed_to, removed_id: how far that is done, in the order of entry.
CREATE TABLE audio.retention (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    dropped_to timestamptz NOT NULL DEFAULT '-infinity',
    removed_to timestamptz NOT NULL DEFAULT '-infinity',
    removed_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000'
);
INSERT INTO audio.retention DEFAULT VALUES;

-- What may be heard (0024, 0026), and is still there to be heard ---------------------------------------

-- No row says so of itself: a month of them would have to be written for it. An audio enters the catalog when it has
-- begun and before it is embedded, so of most audios nothing need be asked: neither of what begins a day after
-- `dropped_to`, nor of what was embedded before it. What was proposed stays, and al.hearable_proposals is as it was.

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
           OR EXISTS (SELECT FROM al.wavs_proposed AS w WHERE w.audio_id = a.audio_id));
