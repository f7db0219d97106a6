"""The SQL of who is still to hear what, as conditions for whoever asks."""


def _is_to_hear(assigned: str) -> str:
    """Of an assignment and somebody `l` of its group: they are to hear it. Where the batch has a listening
    policy of its own, only those who were asked are."""
    return f"""
        (NOT EXISTS (SELECT FROM label.listening p WHERE p.iteration_id = {assigned}.iteration_id)
         OR EXISTS (SELECT FROM label.asked k
                    WHERE (k.iteration_id, k.audio_id, k.labeler_id)
                        = ({assigned}.iteration_id, {assigned}.audio_id, l.labeler_id)))
    """


EVERYBODY_DONE = f"""
    EXISTS (SELECT FROM label.submissions s
            WHERE (s.iteration_id, s.audio_id) = (a.iteration_id, a.audio_id))
    AND NOT EXISTS (
        SELECT FROM label.assignments b JOIN audio.labelers l ON l.group_id = b.group_id AND l.enabled
        WHERE (b.iteration_id, b.audio_id) = (a.iteration_id, a.audio_id)
        AND {_is_to_hear("b")} AND NOT EXISTS (
            SELECT FROM label.submissions s
            WHERE (s.iteration_id, s.audio_id, s.labeler_id) = (b.iteration_id, b.audio_id, l.labeler_id)))
"""
"""Of an assignment `a`: somebody has labeled the audio, and nobody is left who still has to. Somebody who was
disabled or moved is not waited for, but what they said counts."""

WAITING = f"""
    a.iteration_id IN (SELECT iteration_id FROM al.al_preprocessing WHERE status = 'proposed')
    AND NOT EXISTS (SELECT FROM label.closed_iterations c WHERE c.iteration_id = a.iteration_id)
    AND NOT EXISTS (SELECT FROM label.agreements t
                WHERE (t.iteration_id, t.audio_id) = (a.iteration_id, a.audio_id))
    AND NOT EXISTS (SELECT FROM label.submissions s
                    WHERE (s.iteration_id, s.audio_id, s.labeler_id)
                        = (a.iteration_id, a.audio_id, l.labeler_id))
    AND {_is_to_hear("a")}
"""
"""Of the assignments `a`, those that labeler `l` has to hear: not settled, and not labeled by `l` yet. Only
open batches are looked at, so that this costs the same after years."""
