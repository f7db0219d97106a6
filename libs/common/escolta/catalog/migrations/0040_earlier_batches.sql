-- What an iteration stands on besides its medoids: audios that people heard without agreeing on a class, and
-- those of open batches; in order of audio id. Those of before took account of neither.
ALTER TABLE al.medoids
    ADD COLUMN unresolved_ids    uuid[]        NOT NULL DEFAULT '{}',
    ADD COLUMN unresolved_starts timestamptz[] NOT NULL DEFAULT '{}',
    ADD COLUMN open_ids          uuid[]        NOT NULL DEFAULT '{}',
    ADD COLUMN open_starts       timestamptz[] NOT NULL DEFAULT '{}';
ALTER TABLE al.al_preprocessing
    ADD COLUMN unresolved     integer,
    ADD COLUMN open_proposals integer;

-- The nearest audio that nobody agreed on, and how probable it is that nobody will agree on this one either.
ALTER TABLE al.wavs_proposed
    ADD COLUMN nearest_unresolved     uuid,
    ADD COLUMN unresolved_distance    real,
    ADD COLUMN unresolved_probability real;
