-- embedder writes -----------------------------------------------------------------------------------

-- Which channels of the audio this embedding was made of, and why not of all: "channel 1 of 2: channel 2 is
-- inverted". NULL where all are, or the row is older than this column; then audio.audios may know it, as ingest
-- found it before.
ALTER TABLE audio.embeddings ADD COLUMN channels_heard text;

CREATE OR REPLACE VIEW audio.hearable AS
    SELECT audio_id, start_utc, node_id, path_id, object_name, file_name, rate_hz, duration_s,
           coalesce(a.channels_heard, (SELECT max(e.channels_heard) FROM audio.embeddings AS e
                                       WHERE e.audio_id = a.audio_id AND e.start_utc = a.start_utc))
               AS channels_heard,
           sha256
    FROM audio.audios AS a
    WHERE node_id = ANY (ARRAY(SELECT node_id FROM audio.nodes WHERE speech_policy = 'keep'))
       OR coalesce((SELECT max(e.speech) FROM audio.embeddings AS e
                    WHERE e.audio_id = a.audio_id AND e.start_utc = a.start_utc)
                   < (SELECT speech_threshold FROM audio.nodes AS n
                      WHERE n.node_id = a.node_id AND speech_policy = 'withhold'), false);
