-- label-gateway writes ------------------------------------------------------------------------------

-- Who labels in BAT, and as which user there (BAT tells capitals apart). Whoever has no row labels on the page.
CREATE TABLE label.bat_users (
    labeler_id integer PRIMARY KEY REFERENCES audio.labelers,
    bat_user   text NOT NULL UNIQUE
);
