-- ingest writes -------------------------------------------------------------------------------------

-- For how many days the sounds of a node are kept. NULL: as ESCOLTA_KEEP_AUDIO_DAYS says; 0: for good.
ALTER TABLE audio.nodes ADD COLUMN keep_audio_days integer;

-- the operator writes, by `escolta retain` -----------------------------------------------------------

-- How far the sounds of a node are dropped. A node without a row: none of them. audio.retention.dropped_to is the
-- latest of these moments, so that of most audios one comparison is enough; its removed_… are no longer used.
CREATE TABLE audio.node_retention (
    node_id    integer PRIMARY KEY REFERENCES audio.nodes,
    dropped_to timestamptz NOT NULL
);

-- What was dropped, and when: the sounds of some nodes that entered the catalog in [from_at, to_at) and were never
-- proposed. removed_to, removed_id: how far their objects are removed, in the order of entry.
CREATE TABLE audio.drops (
    drop_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL,
    node_ids   integer[] NOT NULL,
    from_at    timestamptz NOT NULL,
    to_at      timestamptz NOT NULL,
    removed_to timestamptz NOT NULL,
    removed_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    done       boolean NOT NULL DEFAULT false
);

INSERT INTO audio.node_retention SELECT node_id, dropped_to FROM audio.nodes, audio.retention
    WHERE dropped_to > '-infinity';
INSERT INTO audio.drops (at, node_ids, from_at, to_at, removed_to, removed_id)
    SELECT now(), array_agg(node_id), '-infinity', dropped_to, removed_to, removed_id
    FROM audio.nodes, audio.retention WHERE dropped_to > '-infinity'
    GROUP BY dropped_to, removed_to, removed_id;

-- What may be heard (0024, 0026), and is still there to be heard (0029) --------------------------------

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
           OR cataloged_at >= coalesce((SELECT r.dropped_to FROM audio.node_retention AS r
                                        WHERE r.node_id = a.node_id), '-infinity')
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
           OR start_utc >= coalesce((SELECT r.dropped_to + interval '1 day' FROM audio.node_retention AS r
                                     WHERE r.node_id = a.of_node), '-infinity')
           OR EXISTS (SELECT FROM audio.node_retention AS r
                      WHERE r.node_id = a.of_node AND a.embedded_at >= r.dropped_to
                        AND (SELECT c.cataloged_at FROM audio.audios AS c
                             WHERE c.audio_id = a.audio_id AND c.start_utc = a.start_utc) >= r.dropped_to)
           OR EXISTS (SELECT FROM al.wavs_proposed AS w WHERE w.audio_id = a.audio_id));
