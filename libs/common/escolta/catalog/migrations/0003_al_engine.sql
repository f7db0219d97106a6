-- embedder writes -----------------------------------------------------------------------------------

-- What an iteration chooses by, in the row itself and in one index: a window is read without a join, without
-- the vectors, and at a cost that follows its own size and not the catalog's.
ALTER TABLE audio.embeddings
    ADD COLUMN of_node         integer,
    ADD COLUMN top_class       smallint GENERATED ALWAYS AS (top_classes[1]) STORED,
    ADD COLUMN top_probability real     GENERATED ALWAYS AS (top_probabilities[1]) STORED,
    -- The moment of the row, not of its transaction's start: whoever has waited for the table's writers knows
    -- that no row from before that moment can still appear.
    ALTER COLUMN embedded_at SET DEFAULT clock_timestamp();
UPDATE audio.embeddings AS e SET of_node = a.node_id
    FROM audio.audios AS a WHERE a.audio_id = e.audio_id AND a.start_utc = e.start_utc;
CREATE INDEX embeddings_to_choose_from ON audio.embeddings (model_id, of_node, start_utc)
    INCLUDE (audio_id, top_class, top_probability, embedded_at);

CREATE FUNCTION audio.embedding_of_node() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.of_node := (SELECT node_id FROM audio.audios
                    WHERE audio_id = NEW.audio_id AND start_utc = NEW.start_utc);
    RETURN NEW;
END $$;
CREATE TRIGGER embeddings_know_their_node BEFORE INSERT ON audio.embeddings
    FOR EACH ROW WHEN (NEW.of_node IS NULL) EXECUTE FUNCTION audio.embedding_of_node();

-- al-engine writes ----------------------------------------------------------------------------------

-- Hours of the day are in UTC; (22, 6) is the night. further_windows: united with the first, as in the event.
-- number: the order in which iterations fix what they choose from; an iteration may choose what was not
-- proposed by one of a lower number. cutoff: no audio embedded later is chosen from.
-- unlabeled_digest: of the ids of the set U, in their order.
ALTER TABLE al.al_preprocessing
    DROP CONSTRAINT al_preprocessing_status_check,
    ADD CONSTRAINT al_preprocessing_status_check
        CHECK (status IN ('requested', 'proposed', 'closed', 'empty', 'failed')),
    ADD COLUMN hours            smallint[] CHECK (cardinality(hours) = 2),
    ADD COLUMN further_windows  jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN strategy         text,
    ADD COLUMN scheduled_for    timestamptz UNIQUE,
    ADD COLUMN number           integer UNIQUE,
    ADD COLUMN cutoff           timestamptz,
    ADD COLUMN method           integer,
    ADD COLUMN unlabeled        integer,
    ADD COLUMN unlabeled_digest bytea,
    ADD COLUMN judged           integer,
    ADD COLUMN mismatched       integer,
    ADD COLUMN compared         integer,
    ADD COLUMN changed          integer,
    ADD COLUMN attempts         integer NOT NULL DEFAULT 0,
    ADD COLUMN stage            text,
    ADD COLUMN stage_done       integer,
    ADD COLUMN stage_total      integer,
    ADD COLUMN failure          text;
UPDATE al.al_preprocessing AS i SET number = ordered.place
    FROM (SELECT iteration_id, row_number() OVER (ORDER BY proposed_at, iteration_id) AS place
          FROM al.al_preprocessing WHERE proposed_at IS NOT NULL) AS ordered
    WHERE i.iteration_id = ordered.iteration_id;
CREATE INDEX al_preprocessing_requested ON al.al_preprocessing (requested_at) WHERE status = 'requested';

-- Drawn at random, and not because of its reason. Labelers must not learn it.
ALTER TABLE al.wavs_proposed ADD COLUMN control boolean NOT NULL DEFAULT false;

-- The medoids an iteration stands on, with their classes at that time, in order of audio id.
CREATE TABLE al.medoids (
    iteration_id uuid PRIMARY KEY REFERENCES al.al_preprocessing,
    audio_ids    uuid[] NOT NULL,
    starts_utc   timestamptz[] NOT NULL,
    classes      text[] NOT NULL
);

-- What the classifier said of the audios that an iteration looked at. audio_ids: 16 bytes each, in order;
-- classes: int16, little endian, indices into class_names.
CREATE TABLE al.predictions (
    iteration_id uuid PRIMARY KEY REFERENCES al.al_preprocessing,
    audio_ids    bytea NOT NULL,
    classes      bytea NOT NULL,
    class_names  text[] NOT NULL
);

-- Whether a moment is within hours of the day.
CREATE FUNCTION al.within_hours(moment timestamptz, hours smallint[]) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN hours IS NULL THEN true
                WHEN hours[1] < hours[2]
                THEN extract(hour FROM moment AT TIME ZONE 'UTC') >= hours[1]
                     AND extract(hour FROM moment AT TIME ZONE 'UTC') < hours[2]
                ELSE extract(hour FROM moment AT TIME ZONE 'UTC') >= hours[1]
                     OR extract(hour FROM moment AT TIME ZONE 'UTC') < hours[2] END
$$;
