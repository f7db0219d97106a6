"""From a look into the folder to the journal: what is new, what can be read again, what is left out."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath

from node_agent.recording.cut import audios_of
from node_agent.recording.folder import FoundFile, Look
from node_agent.recording.identity import Identified, identify, identity_of
from node_agent.recording.journal import Journal, NewSound, Sound
from node_agent.recording.left_out import LeftOut, cannot_be_read
from node_agent.recording.times import said_time


def bring_up_to_date(journal: Journal, seen: Look, now: datetime, speed: float) -> Sequence[NewSound]:
    """Let the journal know what was `seen` in the folder; returns what is new.

    1. Tell known sounds from new ones, and give the new ones their places in time.
    2. Let those go on that could not be read before and can be now.
    3. Keep what is left out: what cannot be read, and copies.
    """
    files = identify(seen.sounds, journal)
    new = _measured(files, now)
    journal.plan(new, now, speed)
    resumed = list(_resumed(journal, {file.path: file for file in seen.sounds}, now))
    unread = {file.name for file, _ in files.unread}
    read = {(file.name, "") for file in seen.sounds if file.name not in unread}
    read |= {(sound.name, sound.ends or "") for sound in resumed}
    journal.take_after_all({*read, *_their_folders(read)}, now)
    journal.leave_out([*seen.left_out, *_unread(files, now), *_copies(files, now)])
    return new


def _measured(files: Identified, now: datetime) -> list[NewSound]:
    new = []
    for file, identity in files.new:
        try:
            path = Path(file.path)
            new.append(NewSound(file, identity, audios_of(path), said_time(path, now)))
        except OSError as error:
            files.unread.append((file, error))
    return new


def _resumed(journal: Journal, found: dict[str, FoundFile], now: datetime) -> Iterable[Sound]:
    """The waiting sounds that are there again and can be read to their end.

    One that still cannot be keeps the row that it has on the list.
    """
    for sound in journal.waiting():
        there = found.get(sound.path)
        if there is None or (there.size_bytes, there.ends) != (sound.size_bytes, sound.ends):
            continue
        try:
            identity_of(sound.path)
        except OSError as error:
            reason = cannot_be_read(sound.name, error)
            content = sound.ends or ""
            journal.leave_out(
                [LeftOut(sound.name, reason, now, content, sound.size_bytes, sound.rest_from_s)]
            )
        else:
            journal.resume(sound)
            yield sound


def _their_folders(read: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """A folder from which something was read can be listed."""
    for name, _ in read:
        yield from ((str(folder), "") for folder in PurePosixPath(name).parents)


def _unread(files: Identified, now: datetime) -> Iterable[LeftOut]:
    for file, error in files.unread:
        yield LeftOut(file.name, cannot_be_read(file.name, error), now, size_bytes=file.size_bytes)


def _copies(files: Identified, now: datetime) -> Iterable[LeftOut]:
    for file, original in files.copies:
        reason = f"{file.name} is the same as {original}, byte for byte: that is taken once."
        yield LeftOut(file.name, reason, now, file.ends, file.size_bytes)
