"""The starts that the replay itself gave to sounds, put right when the node's clock was."""

import os
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

from node_agent.recording.cut import AUDIO_S
from node_agent.recording.dating import Dating, can_be_true
from node_agent.recording.journal_schema import from_us, to_us
from node_agent.recording.starts import way_to_free
from node_agent.recording.times import OF_THE_REPLAY, SAID_IN_VAIN, said_time

_TO_PLAY = "played < audios AND time_source LIKE ? || '%'"


def follow(db: sqlite3.Connection, dating: Dating, now: datetime) -> timedelta | None:
    """Move what the replay has dated and is still to be played; returns by how much, None where by nothing.

    Within a boot it is what the clock was set by. Of an earlier boot only what cannot be true is moved, as a
    whole: its last audio ends now.
    """
    before = db.execute("SELECT boot, ahead_s FROM clock").fetchone()
    step = Dating(*before).steps_to(dating) if before else None
    first, last = db.execute(
        f"SELECT min(start_us), max(start_us + audios * {AUDIO_S * 1_000_000}) FROM sounds WHERE {_TO_PLAY}",
        (OF_THE_REPLAY,),
    ).fetchone()
    earlier_boot = before is None or before[0] != dating.boot
    if step is None and earlier_boot and first is not None and not can_be_true(from_us(first), now):
        step = now.replace(microsecond=0) - from_us(last)
    db.execute("DELETE FROM clock")
    db.execute("INSERT INTO clock VALUES (?, ?)", (dating.boot, dating.ahead_s))
    if step is None or first is None:
        return None
    moved_us = to_us(from_us(0) + step)
    db.execute(
        f"INSERT INTO given SELECT start_us, played FROM sounds WHERE begun AND played > 0 AND {_TO_PLAY}",
        (OF_THE_REPLAY,),
    )
    db.execute(f"UPDATE sounds SET start_us = start_us + ? WHERE {_TO_PLAY}", (moved_us, OF_THE_REPLAY))
    _keep_apart(db)
    _ask_again(db, now)
    return step


def _keep_apart(db: sqlite3.Connection) -> None:
    """What is begun has its start already; by a clock that was set back, another audio may have had that."""
    begun = f"SELECT number, start_us, audios FROM sounds WHERE begun AND {_TO_PLAY}"
    for number, start_us, audios in db.execute(begun, (OF_THE_REPLAY,)).fetchall():
        moved_us = way_to_free(db, start_us, audios, number)
        row = moved_us, moved_us, number
        db.execute("UPDATE sounds SET start_us = start_us + ?, moved_us = moved_us + ? WHERE number = ?", row)


def _ask_again(db: sqlite3.Connection, now: datetime) -> None:
    """By a clock that was never set, what files say lay in the future; by the right one it may be true."""
    doubted = "SELECT number, path FROM sounds WHERE NOT begun AND time_source = ?"
    for number, path in db.execute(doubted, (SAID_IN_VAIN,)).fetchall():
        try:
            time = said_time(Path(os.fsdecode(path)), now)
        except OSError:  # it is left out, with the reason, when its turn comes
            continue
        if time.start:
            row = to_us(time.start), time.source, number
            db.execute("UPDATE sounds SET start_us = ?, time_source = ? WHERE number = ?", row)
