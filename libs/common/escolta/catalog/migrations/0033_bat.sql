-- label-gateway writes ------------------------------------------------------------------------------

-- What a class is called in BAT. A name never changes its meaning: rows are only ever added.
CREATE TABLE label.bat_names (
    class_id integer PRIMARY KEY REFERENCES audio.ontology,
    bat_name text NOT NULL UNIQUE
);

-- A group's part of a batch is a project in BAT, which is known by its name alone.
-- bat_id: its number there; NULL until it is there. class_ids: what it offers, for good. renew: it holds an audio that
-- may not be heard any longer, and has to go. read_to_end_at: after closing, all that was finished there is read.
CREATE TABLE label.bat_projects (
    iteration_id   uuid NOT NULL,
    group_id       integer NOT NULL REFERENCES label.groups,
    name           text NOT NULL UNIQUE,
    bat_id         integer,
    class_ids      integer[] NOT NULL DEFAULT '{}',
    made_at        timestamptz,
    renew          boolean NOT NULL DEFAULT false,
    last_round_at  timestamptz,
    last_error     text,
    read_to_end_at timestamptz,
    deleted_at     timestamptz,
    PRIMARY KEY (iteration_id, group_id)
);

-- An audio of such a part. attempted_at: when an upload was begun of which nobody knows whether it came to its end;
-- attempts: how often one was begun; pushed_at: when the wav was seen there, as bat_id; refused: why it is not, and again_at:
-- when that is tried again.
CREATE TABLE label.bat_wavs (
    iteration_id uuid NOT NULL,
    group_id     integer NOT NULL,
    audio_id     uuid NOT NULL,
    wav_name     text NOT NULL,
    attempted_at timestamptz,
    attempts     integer NOT NULL DEFAULT 0,
    pushed_at    timestamptz,
    bat_id       integer,
    refused      text,
    again_at     timestamptz,
    PRIMARY KEY (iteration_id, group_id, audio_id),
    UNIQUE (iteration_id, group_id, wav_name),
    FOREIGN KEY (iteration_id, group_id) REFERENCES label.bat_projects
);
CREATE INDEX bat_wavs_by_audio ON label.bat_wavs (audio_id);
