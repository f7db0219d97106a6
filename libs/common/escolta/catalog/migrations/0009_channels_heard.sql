-- Which channels of an audio are heard as one, and why not all of them: "channel 1 of 2: channel 2 is inverted".
-- NULL where all are.
ALTER TABLE audio.audios ADD COLUMN channels_heard text;
