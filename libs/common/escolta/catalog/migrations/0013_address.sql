-- label-gateway writes ------------------------------------------------------------------------------

-- Where people find the pages, as the process that serves them knows it: a command beside it makes links of it.
CREATE TABLE label.address (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    url text NOT NULL
);
