"""No two audios of a node begin at the same moment, for their ids come from it."""

import sqlite3

from node_agent.recording.cut import AUDIO_S

SLOT_US = AUDIO_S * 1_000_000


def way_to_free(db: sqlite3.Connection, start_us: int, audios: int, own: int | None = None) -> int:
    """How many microseconds after `start_us` none of `audios` begins with an audio of a sound besides `own`.

    Neither with one that is to come, nor with one that was given away before its sound was moved in time.
    """
    moved_us = 0
    while _taken(db, start_us + moved_us, audios, own):
        moved_us += 1
    return moved_us


def _taken(db: sqlite3.Connection, start_us: int, audios: int, own: int | None) -> bool:
    place = start_us % SLOT_US, start_us + audios * SLOT_US
    # Sounds whose starts differ by whole slots never overlap, so the last one before the end tells.
    last = db.execute(
        "SELECT start_us, audios FROM sounds WHERE begun AND audios > 0 AND number IS NOT ?"
        " AND start_us % 10000000 = ? AND start_us < ? ORDER BY start_us DESC LIMIT 1",
        (own, *place),
    ).fetchone()
    if last is not None and last[0] + last[1] * SLOT_US > start_us:
        return True
    given = "SELECT 1 FROM given WHERE start_us % 10000000 = ? AND start_us < ? AND start_us + audios * ? > ?"
    return db.execute(given, (*place, SLOT_US, start_us)).fetchone() is not None
