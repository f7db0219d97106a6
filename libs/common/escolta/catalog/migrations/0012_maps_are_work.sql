-- al-engine writes ----------------------------------------------------------------------------------

-- A map is drawn in the background like all other work (escolta/work.py), by the columns of a table of work.
DROP INDEX al.iteration_maps_undone;
ALTER TABLE al.iteration_maps
    DROP CONSTRAINT iteration_maps_stage_check,
    DROP COLUMN share_done,
    ALTER COLUMN stage DROP NOT NULL,
    ALTER COLUMN stage DROP DEFAULT,
    ADD COLUMN status      text NOT NULL DEFAULT 'requested' CHECK (status IN ('requested', 'drawn', 'failed')),
    ADD COLUMN attempts    integer NOT NULL DEFAULT 0,
    ADD COLUMN stage_done  integer,
    ADD COLUMN stage_total integer,
    ADD COLUMN waits_for   text,
    ADD COLUMN canceled    boolean NOT NULL DEFAULT false;
ALTER TABLE al.iteration_maps RENAME COLUMN problem TO failure;
UPDATE al.iteration_maps SET status = CASE WHEN stage IN ('drawn', 'failed') THEN stage ELSE 'requested' END,
    stage = NULL;
CREATE INDEX iteration_maps_requested ON al.iteration_maps (requested_at) WHERE status = 'requested';
