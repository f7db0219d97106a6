-- The catalog. Names follow the paper (Naranjo-Alcazar et al. 2024, section 2.2); each table has one
-- writing service, named in its comment. Plain SQL for PostgreSQL 15 to 18, no contrib extension.

CREATE SCHEMA audio;
CREATE SCHEMA label;
CREATE SCHEMA al;

-- ingest writes -------------------------------------------------------------------------------------

CREATE TABLE audio.projects (
    project_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL UNIQUE
);

-- How sound comes in: a microphone, a replayed folder.
CREATE TABLE audio.sources (
    source_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name      text NOT NULL UNIQUE
);

-- The hardware of a node.
CREATE TABLE audio.node_types (
    node_type_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL UNIQUE
);

CREATE TABLE audio.nodes (
    node_id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    project_id    integer NOT NULL REFERENCES audio.projects,
    source_id     integer NOT NULL REFERENCES audio.sources,
    node_type_id  integer NOT NULL REFERENCES audio.node_types,
    registered_at timestamptz NOT NULL DEFAULT now()
);

-- What each node said last of itself.
CREATE TABLE audio.node_status (
    node_id     integer PRIMARY KEY REFERENCES audio.nodes,
    at          timestamptz NOT NULL,
    spooled     integer NOT NULL,
    free_bytes  bigint NOT NULL,
    version     text NOT NULL,
    source_done boolean NOT NULL
);

-- Folders of the object store: what precedes an object's own name in its key.
CREATE TABLE audio.paths (
    path_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    path    text NOT NULL UNIQUE
);

-- One row an audio: a recording of about 10 s.
CREATE TABLE audio.audios (
    audio_id        uuid NOT NULL,
    start_utc       timestamptz NOT NULL,
    node_id         integer NOT NULL REFERENCES audio.nodes,
    path_id         integer NOT NULL REFERENCES audio.paths,
    object_name     text NOT NULL,
    file_name       text NOT NULL,
    rate_hz         integer NOT NULL,
    bits_per_sample smallint NOT NULL,
    samples         bigint NOT NULL,
    duration_s      double precision NOT NULL,
    channels        smallint NOT NULL,
    sha256          bytea NOT NULL CHECK (length(sha256) = 32),
    clock_state     text NOT NULL,
    cataloged_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (audio_id, start_utc)
) PARTITION BY RANGE (start_utc);
CREATE INDEX audios_by_node ON audio.audios (node_id, start_utc);
CREATE INDEX audios_by_time_of_entry ON audio.audios (cataloged_at);

-- What could not be used, and why: bad files and bad messages, for a person to look at.
CREATE TABLE audio.quarantine (
    message_id uuid PRIMARY KEY,
    at         timestamptz NOT NULL,
    queue      text NOT NULL,
    topic      text NOT NULL,
    reason     text NOT NULL,
    node       text,
    audio_id   uuid,
    object_key text,
    attempts   integer NOT NULL,
    body       text NOT NULL
);
CREATE INDEX quarantine_by_time ON audio.quarantine (at DESC);

-- embedder writes -----------------------------------------------------------------------------------

CREATE TABLE audio.models (
    model_id    text PRIMARY KEY,
    name        text NOT NULL,
    dim         integer NOT NULL,
    class_names text[] NOT NULL,
    added_at    timestamptz NOT NULL DEFAULT now()
);

-- vector: float16, little endian, [dim]. top_classes: indices into models.class_names, best first.
CREATE TABLE audio.embeddings (
    audio_id          uuid NOT NULL,
    start_utc         timestamptz NOT NULL,
    model_id          text NOT NULL REFERENCES audio.models,
    vector            bytea NOT NULL,
    top_classes       smallint[] NOT NULL,
    top_probabilities real[] NOT NULL,
    embedded_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (audio_id, start_utc, model_id)
) PARTITION BY RANGE (start_utc);
CREATE INDEX embeddings_by_time ON audio.embeddings (model_id, start_utc);

-- An audio that a model cannot embed, so that catching up does not try it for ever.
CREATE TABLE audio.embedding_failures (
    audio_id  uuid NOT NULL,
    model_id  text NOT NULL REFERENCES audio.models,
    reason    text NOT NULL,
    failed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (audio_id, model_id)
);

-- al-engine writes ----------------------------------------------------------------------------------

-- One row an iteration (algorithm step 5). An empty `nodes` means every node.
CREATE TABLE al.al_preprocessing (
    iteration_id  uuid PRIMARY KEY,
    status        text NOT NULL DEFAULT 'requested'
                  CHECK (status IN ('requested', 'proposed', 'closed', 'empty')),
    requested_at  timestamptz NOT NULL DEFAULT now(),
    nodes         text[] NOT NULL,
    window_start  timestamptz NOT NULL,
    window_end    timestamptz NOT NULL,
    batch         integer NOT NULL CHECK (batch > 0),
    follow_ups    integer NOT NULL CHECK (follow_ups >= 0),
    audios        integer,
    medoids       integer,
    disjoint_sets integer,
    share_labeled double precision,
    settings      jsonb,
    model_id      text REFERENCES audio.models,
    code_version  text,
    proposed_at   timestamptz,
    closed_at     timestamptz
);

-- One row a proposed audio, with the reason; the lower columns come with its label.
CREATE TABLE al.wavs_proposed (
    iteration_id          uuid NOT NULL REFERENCES al.al_preprocessing,
    audio_id              uuid NOT NULL,
    start_utc             timestamptz NOT NULL,
    node                  text NOT NULL,
    file_name             text NOT NULL,
    rank                  integer NOT NULL,
    disjoint_set          integer NOT NULL,
    nearest_medoid        uuid,
    distance              real,
    propagated_class      text,
    predicted_class       text,
    predicted_probability real,
    mismatched            boolean NOT NULL DEFAULT false,
    label                 text,
    labelers              integer,
    agreement_percent     real,
    labeled_at            timestamptz,
    PRIMARY KEY (iteration_id, audio_id),
    UNIQUE (iteration_id, rank)
);
CREATE INDEX wavs_proposed_by_audio ON al.wavs_proposed (audio_id);
CREATE INDEX wavs_proposed_medoids ON al.wavs_proposed (start_utc) WHERE label IS NOT NULL;

-- label-gateway writes ------------------------------------------------------------------------------

CREATE TABLE label.groups (
    group_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name     text NOT NULL UNIQUE
);

-- A lead is a labeler who may also manage. Someone without a group labels nothing.
CREATE TABLE audio.labelers (
    labeler_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    role       text NOT NULL CHECK (role IN ('labeler', 'lead')),
    group_id   integer REFERENCES label.groups,
    enabled    boolean NOT NULL DEFAULT true,
    added_at   timestamptz NOT NULL DEFAULT now()
);

-- One-time sign-in links; only the digest of the token is kept.
CREATE TABLE label.sign_in_links (
    token_sha256 bytea PRIMARY KEY,
    labeler_id   integer NOT NULL REFERENCES audio.labelers,
    expires_at   timestamptz NOT NULL,
    used_at      timestamptz
);

-- The classes, in the order in which they were added. Doubt is one of them, and never a medoid's.
CREATE TABLE audio.ontology (
    class_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name     text NOT NULL,
    is_doubt boolean NOT NULL DEFAULT false,
    added_by integer REFERENCES audio.labelers,
    added_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX ontology_by_name ON audio.ontology (lower(name));
INSERT INTO audio.ontology (name, is_doubt) VALUES ('Doubt', true);

-- Who hears what. `place` is the order in which the group hears it.
CREATE TABLE label.assignments (
    iteration_id uuid NOT NULL,
    audio_id     uuid NOT NULL,
    group_id     integer NOT NULL REFERENCES label.groups,
    place        integer NOT NULL,
    PRIMARY KEY (iteration_id, audio_id, group_id)
);
CREATE INDEX assignments_by_group ON label.assignments (group_id, iteration_id, place);

-- A labeler is done with an audio.
CREATE TABLE label.submissions (
    iteration_id uuid NOT NULL,
    audio_id     uuid NOT NULL,
    labeler_id   integer NOT NULL REFERENCES audio.labelers,
    submitted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (iteration_id, audio_id, labeler_id)
);

-- Every labeled event (the paper's chunk) of every labeler, whatever the agreement.
CREATE TABLE audio.chunks (
    chunk_id     uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    iteration_id uuid NOT NULL,
    audio_id     uuid NOT NULL,
    labeler_id   integer NOT NULL REFERENCES audio.labelers,
    class_id     integer NOT NULL REFERENCES audio.ontology,
    onset_s      double precision NOT NULL CHECK (onset_s >= 0),
    offset_s     double precision NOT NULL,
    added_at     timestamptz NOT NULL DEFAULT now(),
    CHECK (offset_s > onset_s)
);
CREATE INDEX chunks_by_audio ON audio.chunks (audio_id, labeler_id);

-- What a group agreed on (algorithm step 7); no class where it did not.
CREATE TABLE label.agreements (
    iteration_id      uuid NOT NULL,
    audio_id          uuid NOT NULL,
    class_id          integer REFERENCES audio.ontology,
    labelers          integer NOT NULL,
    agreement_percent real NOT NULL,
    agreed_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (iteration_id, audio_id)
);

-- A batch that every group has finished.
CREATE TABLE label.closed_iterations (
    iteration_id uuid PRIMARY KEY,
    closed_at    timestamptz NOT NULL DEFAULT now()
);

-- Months --------------------------------------------------------------------------------------------

-- The partitions that hold `moment`, made when its first audio comes. Two at once are no harm.
CREATE FUNCTION audio.ensure_month(moment timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    month_start timestamptz := date_trunc('month', moment, 'UTC');
    month_end   timestamptz := date_trunc('month', month_start + interval '40 days', 'UTC');
    suffix      text := to_char(month_start AT TIME ZONE 'UTC', 'YYYY_MM');
    parent      text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('escolta.ensure_month'));
    FOREACH parent IN ARRAY ARRAY['audios', 'embeddings'] LOOP
        IF to_regclass(format('audio.%s_%s', parent, suffix)) IS NULL THEN
            EXECUTE format('CREATE TABLE audio.%I PARTITION OF audio.%I FOR VALUES FROM (%L) TO (%L)',
                           parent || '_' || suffix, parent, month_start, month_end);
        END IF;
    END LOOP;
END $$;
