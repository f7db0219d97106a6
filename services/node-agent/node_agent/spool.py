"""The node's folder of audios that are not yet accepted; it survives a power cut at any moment.

In the folder:
    waiting/<audio_id>.json   the event; it is written last and removed first, so it says that all is there
    waiting/<audio_id>.wav    the sound
    refused/                  the same two files, the JSON with the reason
    lock                      held by the process that uses the folder
"""

import fcntl
import json
import logging
import threading
from pathlib import Path, PurePosixPath
from typing import IO
from uuid import UUID

from pydantic import ValidationError

from escolta.disk import PART, sync_folder, write_whole
from escolta.errors import Misconfigured
from escolta.events import AudioRecorded

log = logging.getLogger("escolta.node-agent")


class Spool:
    """Audios on disk, by id. The verbs block on the disk and may be called from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting_folder = folder / "waiting"
        self._refused_folder = folder / "refused"
        self._waiting: dict[UUID, AudioRecorded] = {}
        self._mutex = threading.Lock()
        self._lock: IO[bytes] | None = None

    def open(self) -> None:
        """Take the folder for this process, finish what a crash interrupted, and see what waits.

        Raises Misconfigured if another process uses the folder, or nobody can.
        """
        try:
            for folder in (self._folder, self._waiting_folder, self._refused_folder):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = (self._folder / "lock").open("wb")
        except OSError as error:
            raise Misconfigured(
                f"the spool {self._folder} cannot be used ({error.strerror}): give it to the user who runs "
                "the node, or set another ESCOLTA_STATE_DIR"
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise Misconfigured(
                f"another process uses the spool {self._folder}: give each node its own ESCOLTA_NODE_NAME "
                "or ESCOLTA_STATE_DIR"
            ) from None
        self._recover()

    def close(self) -> None:
        """Let go of the folder, once a verb that runs in another thread is through."""
        with self._mutex:
            if self._lock:
                self._lock.close()
            self._lock = None

    def __len__(self) -> int:
        return len(self._waiting)

    def waiting(self) -> list[AudioRecorded]:
        """The audios that are not yet accepted, oldest first."""
        return sorted(list(self._waiting.values()), key=lambda audio: audio.start)

    def read(self, audio_id: UUID) -> tuple[AudioRecorded, bytes] | None:
        """A waiting audio with its sound; None if it does not wait (any more)."""
        with self._mutex:
            audio = self._waiting.get(audio_id)
            return (audio, self._sound(audio).read_bytes()) if audio else None

    def put(self, audio: AudioRecorded, data: bytes) -> None:
        """Keep an audio; when this returns it is on the disk. Putting it again changes nothing.

        Raises OSError, such as when the disk is full; the audio is then not in the spool.
        """
        with self._mutex:
            self._require_open()
            write_whole(self._sound(audio), data)
            write_whole(self._note(audio.audio_id), audio.model_dump_json().encode())
            self._waiting[audio.audio_id] = audio

    def forget(self, audio_id: UUID) -> None:
        """Remove an audio that is accepted; one that is not here is none of our business."""
        with self._mutex:
            self._require_open()
            if audio := self._waiting.pop(audio_id, None):
                self._note(audio_id).unlink(missing_ok=True)
                # The note's removal has to be on the disk first: a note without its sound could not be sent.
                sync_folder(self._waiting_folder)
                self._sound(audio).unlink(missing_ok=True)

    def set_aside(self, audio_id: UUID, reason: str) -> None:
        """Move an audio that is refused to `refused/`, with the reason, for a person to look at."""
        with self._mutex:
            self._require_open()
            if audio := self._waiting.pop(audio_id, None):
                note = {"reason": reason, "audio": audio.model_dump(mode="json")}
                write_whole(self._refused_folder / f"{audio_id}.json", json.dumps(note, indent=1).encode())
                self._finish_setting_aside(audio)

    def _finish_setting_aside(self, audio: AudioRecorded) -> None:
        sound = self._sound(audio)
        if sound.exists():
            sound.replace(self._refused_folder / sound.name)
            sync_folder(self._refused_folder)
        self._note(audio.audio_id).unlink(missing_ok=True)
        sync_folder(self._waiting_folder)

    def _recover(self) -> None:
        self._waiting.clear()
        for note in sorted(self._waiting_folder.glob("*.json")):
            try:
                audio = AudioRecorded.model_validate_json(note.read_bytes())
            except ValidationError:
                self._give_up_on(note, "cannot be understood")
                continue
            except OSError as error:
                self._give_up_on(note, f"cannot be read ({error.strerror})")
                continue
            if (self._refused_folder / note.name).exists():
                self._finish_setting_aside(audio)
            elif not self._sound(audio).exists():
                self._give_up_on(note, "has lost its sound")
            else:
                self._waiting[audio.audio_id] = audio
        self._remove_leftovers()

    def _give_up_on(self, note: Path, what: str) -> None:
        """What no crash leaves behind, but a failing disk may: keep the files, and say so."""
        log.error("%s %s, so it cannot be sent: its files are moved to %s", note, what, self._refused_folder)
        for path in self._waiting_folder.glob(f"{note.stem}.*"):
            path.replace(self._refused_folder / path.name)

    def _remove_leftovers(self) -> None:
        """Parts, and sounds without a note: not yet put, so the recorder gives them again; or accepted."""
        known = {self._sound(audio).name for audio in self._waiting.values()}
        for path in self._waiting_folder.iterdir():
            if path.suffix == PART or (path.suffix != ".json" and path.name not in known):
                path.unlink()

    def _require_open(self) -> None:
        if self._lock is None:
            raise OSError(f"the spool {self._folder} is closed")

    def _note(self, audio_id: UUID) -> Path:
        return self._waiting_folder / f"{audio_id}.json"

    def _sound(self, audio: AudioRecorded) -> Path:
        return self._waiting_folder / PurePosixPath(audio.object_key).name
