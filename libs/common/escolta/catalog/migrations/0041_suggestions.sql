-- al-engine writes ----------------------------------------------------------------------------------

-- What becomes of the classes that the classifier finds likely, of every audio of the batch: 'shown' to people, or only
-- 'kept', to be compared with what they say. NULL: there are none.
ALTER TABLE al.al_preprocessing ADD COLUMN suggestions text;
-- Those classes, the likeliest first; audio.ontology has them, unless they are gone.
ALTER TABLE al.wavs_proposed ADD COLUMN suggested integer[];

-- label-gateway writes ------------------------------------------------------------------------------

-- Whether the labeler saw them. Who labels in BAT does not.
ALTER TABLE label.submissions ADD COLUMN suggestions_shown boolean NOT NULL DEFAULT false;
