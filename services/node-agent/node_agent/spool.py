"""The node's folder of audios that are not yet accepted; it survives a power cut at any moment.

In the folder:
    waiting/<audio_id>.json   the event; it is written last and removed first, so it says that all is there
    waiting/<audio_id>.wav    the sound
    refused/                  the same two files, the JSON with the reason (`refused.py`)
    resend/<audio_id>         somebody wants this one of `refused/` sent again
    redating/                 what gets another start just now (`redated.py`)
    lock                      held by the process that uses the folder

A node without a network for weeks has 100,000 audios here: what is in memory of each is its name, and no
verb looks at more than one of them.
"""

import fcntl
import logging
import shutil
import threading
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO
from uuid import UUID

from pydantic import ValidationError

from escolta.disk import sync_folder, write_whole
from escolta.errors import Misconfigured
from escolta.events import AudioRecorded
from node_agent.recording.dating import Dating
from node_agent.redated import Redated, dating_of, moved, note_of_audio
from node_agent.refused import Refused, id_of
from node_agent.spooled import Spooled, listed, sound_of

log = logging.getLogger("escolta.node-agent")


class Spool:
    """Audios on disk, by id. The verbs block on the disk and may be called from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting_folder = folder / "waiting"
        self._resend_folder = folder / "resend"
        self.refused = Refused(folder / "refused")
        self._redated = Redated(folder / "redating")
        self._waiting: dict[UUID, Spooled] = {}
        self._size_bytes = 0
        self._mutex = threading.Lock()
        self._lock: IO[bytes] | None = None

    def open(self) -> None:
        """Take the folder for this process, finish what a crash interrupted, and see what waits.

        Raises Misconfigured if another process uses the folder, or nobody can.
        """
        try:
            beside = self.refused.folder, self._resend_folder, self._redated.folder
            for folder in (self._folder, self._waiting_folder, *beside):
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

    def has_room(self, share: float) -> bool:
        """Whether the sounds that wait fill less than `share` of the disk space that others leave."""
        free_bytes = shutil.disk_usage(self._folder).free
        return self._size_bytes < share * (self._size_bytes + free_bytes)

    def waiting(self) -> list[UUID]:
        """The audios that are not yet accepted, in the order in which they were put."""
        return list(self._waiting)

    def is_new(self, audio_id: UUID) -> bool:
        """Whether it was put since the folder was opened."""
        spooled = self._waiting.get(audio_id)
        return spooled is not None and spooled.is_new

    def event(self, audio_id: UUID) -> AudioRecorded | None:
        """What is told of a waiting audio; None if it does not wait (any more), or its note is spoiled.

        Raises OSError, such as when the disk cannot read the note.
        """
        with self._mutex:
            return self._event(audio_id)

    def read(self, audio_id: UUID) -> tuple[AudioRecorded, bytes] | None:
        """A waiting audio with its sound; None as with `event`.

        Raises OSError, also where the disk gives other bytes than were put: no store would take them.
        """
        with self._mutex:
            event = self._event(audio_id)
            return (event, sound_of(self._sound(audio_id), event.sha256)) if event else None

    def put(self, audio: AudioRecorded, data: bytes, dating: Dating | None = None) -> None:
        """Keep an audio; when this returns it is on the disk. Putting it again changes nothing.

        `dating`: how the node's clock stood, if it was that which dated the audio.
        Raises OSError, such as when the disk is full; the audio is then not in the spool.
        """
        with self._mutex:
            self._require_open()
            sound = self._waiting_folder / PurePosixPath(audio.object_key).name
            write_whole(sound, data)
            write_whole(self._note(audio.audio_id), note_of_audio(audio, dating))
            self._remember(audio.audio_id, Spooled(sound.name, len(data), is_new=True))

    def redate(self, audio_id: UUID, dating: Dating, may: Callable[[AudioRecorded], bool]) -> UUID | None:
        """Give a waiting audio the start that it has by the clock as it stands now; returns its new id.

        None where it stays as it is: it is not dated by this clock in this boot, or not `may`.
        A power cut leaves it as it was, or as it becomes. Raises OSError.
        """
        with self._mutex:
            self._require_open()
            event = self._event(audio_id)
            before = dating_of(self._note(audio_id).read_bytes()) if event else None
            by = before.steps_to(dating) if before else None
            if event is None or by is None or not may(event):
                return None
            after = moved(event, by)
            if after.audio_id in self._waiting:
                return None
            place = self._waiting_folder / PurePosixPath(after.object_key).name
            write_whole(place, self._sound(audio_id).read_bytes())
            self._redated.begin(audio_id, after, dating)
            self._finish_redating(audio_id, note_of_audio(after, dating))
            self._remember(after.audio_id, Spooled(place.name, place.stat().st_size))
            return after.audio_id

    def _finish_redating(self, before: UUID, note: bytes) -> None:
        self._note(before).unlink(missing_ok=True)
        sync_folder(self._waiting_folder)
        write_whole(self._note(AudioRecorded.model_validate_json(note).audio_id), note)
        for sound in self._waiting_folder.glob(f"{before}.*"):
            sound.unlink()
        self._drop(before)
        self._redated.end(before)

    def forget(self, audio_id: UUID) -> None:
        """Remove an audio that is accepted; one that is not here is none of our business."""
        with self._mutex:
            self._require_open()
            if audio_id not in self._waiting:
                return
            self._note(audio_id).unlink(missing_ok=True)
            # The note's removal has to be on the disk first: a note without its sound could not be sent.
            sync_folder(self._waiting_folder)
            self._sound(audio_id).unlink(missing_ok=True)
            self._drop(audio_id)

    def set_aside(self, audio_id: UUID, reason: str) -> int:
        """Move an audio that is refused to `refused/`, with the reason, for a person to look at.

        Returns how many of the oldest there had to go for it.
        """
        with self._mutex:
            self._require_open()
            if audio_id not in self._waiting:
                return 0
            try:
                event = self._event(audio_id)
            except OSError as error:
                self._give_up_on(self._note(audio_id), f"cannot be read ({error.strerror})")
            else:
                if event:
                    self.refused.explain(event, reason)
                    self._finish_setting_aside(audio_id)
            return self.refused.make_room()

    def take_back(self) -> list[UUID]:
        """Let those of `refused/` wait again that somebody asked for (`ask_again`); returns their ids.

        A power cut leaves an audio in one of the two folders, and asked for.
        """
        back = []
        with self._mutex:
            self._require_open()
            for asked in sorted(self._resend_folder.iterdir()):
                audio_id = id_of(asked.name)
                if audio_id and audio_id not in self._waiting and self._take_back(audio_id):
                    back.append(audio_id)
                asked.unlink()
        return back

    def ask_again(self, audio_id: UUID) -> None:
        """Ask the process that uses the folder, now or later, to send a refused audio again."""
        self._resend_folder.mkdir(mode=0o700, exist_ok=True)
        (self._resend_folder / str(audio_id)).touch()
        sync_folder(self._resend_folder)

    def _take_back(self, audio_id: UUID) -> bool:
        event, sound = self.refused.event(audio_id), self.refused.sound(audio_id)
        if event is None or sound is None:
            log.error("the refused audio %s cannot be sent again: a part of it is gone", audio_id)
            return False
        # Copied first: until its note is out of `refused/`, a crash leaves the audio there.
        place = self._waiting_folder / PurePosixPath(event.object_key).name
        write_whole(place, sound.read_bytes())
        write_whole(self._note(audio_id), event.model_dump_json().encode())
        self.refused.remove(audio_id)
        self._remember(audio_id, Spooled(place.name, place.stat().st_size))
        return True

    def _event(self, audio_id: UUID) -> AudioRecorded | None:
        if audio_id not in self._waiting:
            return None
        note = self._note(audio_id)
        try:
            event = AudioRecorded.model_validate_json(note.read_bytes())
        except ValidationError:
            self._give_up_on(note, "cannot be understood")
            return None
        if event.size_bytes is None:  # an earlier version has written the note
            return event.model_copy(update={"size_bytes": self._waiting[audio_id].size_bytes})
        return event

    def _finish_setting_aside(self, audio_id: UUID) -> None:
        if audio_id in self._waiting:  # else it was moved before a crash
            self.refused.take(self._sound(audio_id))
        self._note(audio_id).unlink(missing_ok=True)
        sync_folder(self._waiting_folder)
        self._drop(audio_id)

    def _recover(self) -> None:
        self._waiting.clear()
        self._size_bytes = 0
        for before, becoming in self._redated.begun():
            self._finish_redating(before, becoming)
        notes, sounds, strange = listed(self._waiting_folder)
        for note in strange:
            self._give_up_on(note, "is not named by an audio's id")
        refused = self.refused.noted()
        for audio_id in notes:
            sound = sounds.pop(str(audio_id), None)
            if sound:
                self._remember(audio_id, sound)
            if audio_id in refused:
                self._finish_setting_aside(audio_id)
            elif sound is None:
                self._give_up_on(self._note(audio_id), "has lost its sound")
        # Sounds without a note: not yet put, so the recorder gives them again; or accepted.
        for left in sounds.values():
            (self._waiting_folder / left.sound).unlink()
        self.refused.recover()

    def _give_up_on(self, note: Path, what: str) -> None:
        """What no crash leaves behind, but a failing disk may: keep the files, and say so."""
        log.error("%s %s, so it cannot be sent: its files are moved to %s", note, what, self.refused.folder)
        for path in self._waiting_folder.glob(f"{note.stem}.*"):
            path.replace(self.refused.folder / path.name)
        if audio_id := id_of(note.stem):
            self._drop(audio_id)

    def _remember(self, audio_id: UUID, spooled: Spooled) -> None:
        self._drop(audio_id)
        self._waiting[audio_id] = spooled
        self._size_bytes += spooled.size_bytes

    def _drop(self, audio_id: UUID) -> None:
        if spooled := self._waiting.pop(audio_id, None):
            self._size_bytes -= spooled.size_bytes

    def _require_open(self) -> None:
        if self._lock is None:
            raise OSError(f"the spool {self._folder} is closed")

    def _note(self, audio_id: UUID) -> Path:
        return self._waiting_folder / f"{audio_id}.json"

    def _sound(self, audio_id: UUID) -> Path:
        return self._waiting_folder / self._waiting[audio_id].sound
