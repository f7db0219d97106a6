-- label-gateway writes ------------------------------------------------------------------------------

-- Other names by which a class is found.
ALTER TABLE audio.ontology ADD COLUMN synonyms text[] NOT NULL DEFAULT '{}';

-- Which classes lie right below which: one may lie below several, and none below itself.
CREATE TABLE audio.ontology_parents (
    class_id  integer NOT NULL REFERENCES audio.ontology,
    parent_id integer NOT NULL REFERENCES audio.ontology,
    PRIMARY KEY (class_id, parent_id),
    CHECK (class_id <> parent_id)
);
