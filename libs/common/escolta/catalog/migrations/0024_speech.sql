-- embedder writes -----------------------------------------------------------------------------------

-- The greatest score of a class of speech over the parts of an audio that the model heard, between 0 and 1. NULL:
-- unknown, because the model has no such class, or the row is older than this column.
ALTER TABLE audio.embeddings ADD COLUMN speech real;

-- Of older rows: up to which audio the scores were found in audio.patch_scores.
ALTER TABLE audio.models ADD COLUMN speech_found_to uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';

-- ingest writes -------------------------------------------------------------------------------------

-- keep: whatever is recorded may be heard. withhold: only an audio of which some model says that its speech is
-- under the threshold. stay: nothing more leaves the node, and nothing of what has left it may be heard, nor under
-- a policy that nobody knows.
ALTER TABLE audio.nodes
    ADD COLUMN speech_policy    text NOT NULL DEFAULT 'keep',
    ADD COLUMN speech_threshold real NOT NULL DEFAULT 0.1;

-- One more kind: policy. By it everything waits at the node.
ALTER TABLE audio.held DROP CONSTRAINT held_kind_check;

-- What may be heard ---------------------------------------------------------------------------------

-- The policy's one place. What proposes, plays, shows or exports reads these views, with the right to nothing
-- below them. They ask of an audio only where its node does not keep all: a window costs what it did before.
-- Where several models have heard an audio, the one that hears most speech decides.

CREATE VIEW audio.hearable AS
    SELECT audio_id, start_utc, node_id, path_id, object_name, file_name, rate_hz, duration_s, channels_heard,
           sha256
    FROM audio.audios AS a
    WHERE node_id = ANY (ARRAY(SELECT node_id FROM audio.nodes WHERE speech_policy = 'keep'))
       OR coalesce((SELECT max(e.speech) FROM audio.embeddings AS e
                    WHERE e.audio_id = a.audio_id AND e.start_utc = a.start_utc)
                   < (SELECT speech_threshold FROM audio.nodes AS n
                      WHERE n.node_id = a.node_id AND speech_policy = 'withhold'), false);

CREATE VIEW audio.hearable_embeddings AS
    SELECT audio_id, start_utc, model_id, of_node, top_class, top_probability, top_classes, top_probabilities,
           embedded_at
    FROM audio.embeddings AS a
    WHERE of_node = ANY (ARRAY(SELECT node_id FROM audio.nodes WHERE speech_policy = 'keep'))
       OR coalesce((SELECT max(e.speech) FROM audio.embeddings AS e
                    WHERE e.audio_id = a.audio_id AND e.start_utc = a.start_utc)
                   < (SELECT speech_threshold FROM audio.nodes AS n
                      WHERE n.node_id = a.of_node AND speech_policy = 'withhold'), false);

CREATE VIEW al.hearable_proposals AS
    SELECT iteration_id, audio_id, start_utc, rank
    FROM al.wavs_proposed AS a
    WHERE node = ANY (ARRAY(SELECT name FROM audio.nodes WHERE speech_policy = 'keep'))
       OR coalesce((SELECT max(e.speech) FROM audio.embeddings AS e
                    WHERE e.audio_id = a.audio_id AND e.start_utc = a.start_utc)
                   < (SELECT speech_threshold FROM audio.nodes AS n
                      WHERE n.name = a.node AND speech_policy = 'withhold'), false);
