-- A backup reads what is no longer to be kept: the keys of sounds that were dropped (0035) or forgotten (0025), and
-- when. A drop that is not done has no moment yet.
CREATE VIEW audio.removed_objects AS
    SELECT d.at, path || object_name AS object_key
    FROM audio.drops AS d
    JOIN audio.audios AS a ON node_id = ANY (node_ids) AND cataloged_at >= from_at AND cataloged_at < to_at
    JOIN audio.paths USING (path_id)
    WHERE done AND NOT EXISTS (SELECT FROM al.wavs_proposed AS w WHERE w.audio_id = a.audio_id)
    UNION ALL
    SELECT forgotten_at, object_key FROM audio.forgotten;
