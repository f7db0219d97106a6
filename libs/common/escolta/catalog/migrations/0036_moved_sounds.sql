-- the operator writes, by `escolta retain` -----------------------------------------------------------

-- How far sounds are moved to the second place of the store, in the order of entry.
ALTER TABLE audio.retention
    ADD COLUMN moved_to timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN moved_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
