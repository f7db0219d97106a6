-- al-engine writes ----------------------------------------------------------------------------------

-- A window's audios on a plane, by the embeddings of one model; fitted once, because another fit would
-- look different. Row by row, little endian: audio_ids 16 bytes each, coordinates float32 [points, 2],
-- top_classes int16, indices into models.class_names. The first `fitted` points were fitted together;
-- those after them came later and lie where their nearest neighbors lie.
CREATE TABLE al.maps (
    map_id       uuid PRIMARY KEY,
    model_id     text NOT NULL REFERENCES audio.models,
    audios       integer NOT NULL,
    fitted       integer NOT NULL,
    audio_ids    bytea NOT NULL,
    coordinates  bytea NOT NULL,
    top_classes  bytea NOT NULL,
    seconds      real NOT NULL,
    code_version text NOT NULL,
    fitted_at    timestamptz NOT NULL DEFAULT now()
);

-- An iteration on the map of its window, from the moment when somebody wants to see it. The iteration
-- shows the first `points` of the map; sets: uint16 [points], the disjoint set of each, 0: in none.
CREATE TABLE al.iteration_maps (
    iteration_id uuid PRIMARY KEY REFERENCES al.al_preprocessing,
    requested_at timestamptz NOT NULL DEFAULT now(),
    stage        text NOT NULL DEFAULT 'waiting'
                 CHECK (stage IN ('waiting', 'loading', 'fitting', 'placing', 'drawn', 'failed')),
    share_done   real NOT NULL DEFAULT 0,
    problem      text,
    map_id       uuid REFERENCES al.maps,
    points       integer,
    sets         bytea
);
CREATE INDEX iteration_maps_undone ON al.iteration_maps (requested_at) WHERE stage NOT IN ('drawn', 'failed');
