"""A spool, and a power cut at any of the steps that it takes on the disk."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from escolta.events import AudioRecorded
from node_agent.recording.recorder import RecordedAudio
from node_agent.spool import Spool

START = datetime(2024, 5, 1, 10, tzinfo=UTC)
SOUND = b"some sound"


class PowerCut(BaseException):
    """Not an Exception: nothing in the code may have a chance to tidy up after it."""


def audio(number: int = 0) -> AudioRecorded:
    start = START + timedelta(seconds=10 * number)
    recorded = RecordedAudio(start, 100, 10, 1, 16, f"{number}.wav", "wav", SOUND)
    return recorded.event("quay-1", "unknown")


def ids(*numbers: int) -> list[UUID]:
    return [audio(number).audio_id for number in numbers]


def opened(folder: Path) -> Spool:
    spool = Spool(folder)
    spool.open()
    return spool


def cut_power_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `steps` changes reach the disk, and stop in the middle of the next one."""
    left = [steps]

    def counted(change: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **keywords: Any) -> Any:
            if left[0] == 0:
                raise PowerCut
            left[0] -= 1
            return change(*arguments, **keywords)

        return run

    for name in ("fsync", "replace", "unlink"):
        monkeypatch.setattr(os, name, counted(getattr(os, name)))


def crash(folder: Path, work: Callable[[Spool], object], steps: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Do `work` on the spool and cut the power; True if the work was done before that."""
    spool = opened(folder)
    with monkeypatch.context() as cut:
        cut_power_after(steps, cut)
        try:
            work(spool)
            return True
        except PowerCut:
            return False
        finally:
            spool.close()  # as the kernel does when it ends a process: the lock is let go
