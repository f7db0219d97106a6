"""Audios that get another start, because the clock that dated them was wrong: with it another id and key.

In the folder, only while it is done:
    <audio_id before>.json   the event as it becomes, and the dating; it is written once the sound lies under
                             its new name, so what a power cut breaks off from then on is carried to its end
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path, PurePosixPath
from uuid import UUID

from escolta.disk import PART, sync_folder, write_whole
from escolta.events import AudioRecorded, audio_id_of
from node_agent.recording.dating import Dating
from node_agent.recording.recorder import object_key_of
from node_agent.refused import id_of

log = logging.getLogger("escolta.node-agent")

ASIDE = timedelta(microseconds=137)
"""Recordings of files begin at whole seconds, and so may a clock be set: what is dated anew lies beside the
starts that an audio which is no longer here may have taken by the clock as it was (ours)."""


class Redated:
    """The folder of what is being redated. Its verbs block on the disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, before: UUID, event: AudioRecorded, dating: Dating) -> None:
        """From here on it is done, whatever happens."""
        write_whole(self._note(before), note_of_audio(event, dating))

    def end(self, before: UUID) -> None:
        """It is done."""
        self._note(before).unlink(missing_ok=True)
        sync_folder(self.folder)

    def begun(self) -> Iterator[tuple[UUID, bytes]]:
        """What a power cut broke off: the id of before, and the note as it becomes."""
        for note in sorted(self.folder.iterdir()):
            before = id_of(note.stem)
            if note.suffix == PART or before is None:
                note.unlink()
            else:
                yield before, note.read_bytes()

    def _note(self, before: UUID) -> Path:
        return self.folder / f"{before}.json"


def moved(event: AudioRecorded, by: timedelta) -> AudioRecorded:
    """The same audio, begun so much later, and `ASIDE`."""
    start = event.start + by + ASIDE
    audio_id = audio_id_of(event.node, start)
    suffix = PurePosixPath(event.object_key).suffix.removeprefix(".")
    key = object_key_of(event.node, start, audio_id, suffix)
    return event.model_copy(update={"start": start, "audio_id": audio_id, "object_key": key})


def note_of_audio(event: AudioRecorded, dating: Dating | None) -> bytes:
    """What the spool writes of an audio: the event, and how the clock stood if it was dated by the node's."""
    note = event.model_dump(mode="json")
    return json.dumps({**note, "dating": asdict(dating)} if dating else note).encode()


def dating_of(note: bytes) -> Dating | None:
    """By which state of the node's clock the audio of this note was dated; None where it was not by it."""
    try:
        return Dating(**json.loads(note)["dating"])
    except (ValueError, KeyError, TypeError):
        return None
