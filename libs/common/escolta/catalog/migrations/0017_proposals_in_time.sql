-- al-engine writes ----------------------------------------------------------------------------------

-- The data set is read in pages, in the order of time.
CREATE INDEX wavs_proposed_in_time ON al.wavs_proposed (start_utc, audio_id, iteration_id);
