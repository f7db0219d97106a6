"""What ingest refused, and no time can mend: kept with the reason for a person to look at, within bounds.

In the folder:
    <audio_id>.json   {"reason": …, "audio": the event}
    <audio_id>.wav    the sound
"""

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from pydantic import ValidationError

from escolta.disk import PART, sync_folder, write_whole
from escolta.events import AudioRecorded

log = logging.getLogger("escolta.node-agent")

MOST_AUDIOS = 1_000
MOST_BYTES = 1_000_000_000
"""Some 1,000 audios of 10 s. A recorder that is out of order makes as many in three hours."""


Files = list[tuple[Path, os.stat_result]]
"""Note and sound of one audio."""


class RefusedAudio(NamedTuple):
    """One of them: `event` and `reason` as far as the note can be read."""

    name: str
    reason: str
    event: AudioRecorded | None


class Refused:
    """The folder of refused audios; the oldest go first. Its verbs block on the disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def explain(self, event: AudioRecorded, reason: str) -> None:
        """Write why an audio is refused; its sound is to come (`take`)."""
        note = {"reason": reason, "audio": event.model_dump(mode="json")}
        write_whole(self.note(event.audio_id), json.dumps(note, indent=1).encode())

    def take(self, sound: Path) -> None:
        """Move a sound in from another folder of the same disk, if it is still there."""
        if sound.exists():
            sound.replace(self.folder / sound.name)
            sync_folder(self.folder)

    def make_room(self) -> int:
        """Keep within the bounds; returns how many of the oldest went."""
        audios = sorted(
            self._files().values(), key=lambda files: max(status.st_mtime_ns for _, status in files)
        )
        sizes = [sum(status.st_size for _, status in files) for files in audios]
        too_many, size_bytes = 0, sum(sizes)
        while len(audios) - too_many > MOST_AUDIOS or size_bytes > MOST_BYTES:
            size_bytes -= sizes[too_many]
            for path, _ in audios[too_many]:
                path.unlink()
            too_many += 1
        if too_many:
            log.warning("%s is full: the oldest audios in it are removed (%d)", self.folder, too_many)
        return too_many

    def recover(self) -> None:
        """Remove what a power cut left: unfinished files, and sounds that wait again."""
        for path in self.folder.iterdir():
            if path.suffix == PART or (path.with_suffix(".json") != path and _waits_again(path)):
                path.unlink()

    def __iter__(self) -> Iterator[RefusedAudio]:
        """Every refused audio, by name."""
        for path in sorted(self.folder.glob("*.json")):
            reason, event = _read(path)
            yield RefusedAudio(path.stem, reason, event)

    def noted(self) -> set[UUID]:
        """The audios that have a note here."""
        stems = [path.stem for path in self.folder.glob("*.json")]
        return {audio_id for stem in stems if (audio_id := id_of(stem))}

    def event(self, audio_id: UUID) -> AudioRecorded | None:
        """What the node told of this audio; None if it is not here, or cannot be read."""
        return _read(self.note(audio_id))[1]

    def sound(self, audio_id: UUID) -> Path | None:
        """The file of its sound; None if that is not here."""
        return next((path for path in self.folder.glob(f"{audio_id}.*") if path.suffix != ".json"), None)

    def remove(self, audio_id: UUID) -> None:
        """Remove note and sound, the note first."""
        self.note(audio_id).unlink()
        sync_folder(self.folder)
        if sound := self.sound(audio_id):
            sound.unlink()

    def note(self, audio_id: UUID) -> Path:
        """Where the reason for this audio stands."""
        return self.folder / f"{audio_id}.json"

    def _files(self) -> dict[str, Files]:
        files: dict[str, Files] = {}
        for path in self.folder.iterdir():
            files.setdefault(path.stem, []).append((path, path.lstat()))
        return files


def id_of(name: str) -> UUID | None:
    """The id that names a file; None where it is something else."""
    try:
        return UUID(name)
    except ValueError:
        return None


def _last_changed_ns(files: Files) -> int:
    return max(status.st_mtime_ns for _, status in files)


def _waits_again(sound: Path) -> bool:
    """Whether the note of this refused sound has gone back to the audios that wait."""
    back = sound.parents[1] / "waiting" / f"{sound.stem}.json"
    return back.exists() and not sound.with_suffix(".json").exists()


def _read(note: Path) -> tuple[str, AudioRecorded | None]:
    try:
        content = json.loads(note.read_bytes())
        return str(content["reason"]), AudioRecorded.model_validate(content["audio"])
    except FileNotFoundError:
        return "", None
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        return f"the note cannot be read: {error}", None
