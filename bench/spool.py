"""A node that was without a network for days: how long its spool takes to open, and how much it remembers."""

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from node_agent.recording.recorder import RecordedAudio
from node_agent.redated import note_of_audio
from node_agent.spool import Spool

START = datetime(2024, 5, 1, tzinfo=UTC)
SOUND = b"a sound"


def main() -> None:
    """Fill a spool, open it, and use each verb once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audios", type=int, default=100_000)
    audios = parser.parse_args().audios
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        _fill(folder, audios)
        spool, before_kb = Spool(folder), _resident_kb()
        _timed(f"open {audios} audios", spool.open)
        print(f"memory: {(_resident_kb() - before_kb) / 1024:.0f} MB")
        new = _audio(audios)
        _timed("waiting", spool.waiting)
        _timed("has room", lambda: spool.has_room(0.8))
        _timed("read one", lambda: spool.read(_audio(audios // 2).audio_id))
        _timed("put one", lambda: spool.put(new, SOUND))
        _timed("forget one", lambda: spool.forget(new.audio_id))
        spool.close()


def _audio(number: int):  # type: ignore[no-untyped-def]  # an event
    start = START + timedelta(seconds=10 * number)
    return RecordedAudio(start, 100, 10, 1, 16, f"{number}.wav", "wav", SOUND).event("quay-1", "unknown")


def _fill(folder: Path, audios: int) -> None:
    """As `put` leaves them, without waiting for the disk each time."""
    (folder / "waiting").mkdir()
    for event in map(_audio, range(audios)):
        (folder / "waiting" / f"{event.audio_id}.wav").write_bytes(SOUND)
        (folder / "waiting" / f"{event.audio_id}.json").write_bytes(note_of_audio(event, None))


def _timed(what: str, work: Callable[[], object]) -> None:
    begun, processor = time.perf_counter(), time.process_time()
    work()
    took_s, processor_s = time.perf_counter() - begun, time.process_time() - processor
    print(f"{what}: {1000 * took_s:.1f} ms, {1000 * processor_s:.1f} ms of processor")


def _resident_kb() -> int:
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


if __name__ == "__main__":
    main()
