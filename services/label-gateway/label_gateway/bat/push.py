"""Audios go out to BAT: each is there once, whatever breaks off in between.

BAT does not know an upload that it has had already, and gives no number back. So each is noted before it
begins, and one without an answer is never repeated before BAT was asked, and had the time to come to its end.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import asyncpg

from escolta.errors import Rejected
from escolta.service import Platform
from label_gateway.bat import store, wanted
from label_gateway.bat.admin import Row
from label_gateway.bat.client import Bat
from label_gateway.bat.errors import BatError, BatFailed, BatUnreachable, UnexpectedPage
from label_gateway.bat.names import wav_name
from label_gateway.bat.sound import for_bat
from label_gateway.bat.store import Project
from label_gateway.labeling.tasks import StoredAudio, stored_audio

QUICK_ATTEMPTS = 3
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=10), timedelta(days=1)
"""BAT keeps the file of an upload that fails; it is not to be filled with them."""

FAILURES_IN_A_ROW = 3
"""After so many it is not the audio that is at fault."""


@dataclass
class Push:
    """Brings the audios of one project to BAT. `db` holds the lock of the one who writes there."""

    on: Platform
    db: asyncpg.Connection
    bat: Bat
    project: Project
    project_id: int
    log: logging.Logger
    problems: list[str] = field(default_factory=list)
    """What somebody should know, a sentence each."""

    async def all(self) -> int:
        """Bring every audio that has to be there and is not; how many came. One at a time.

        Raises the last error where several uploads failed in a row, and at once what is no matter of one
        audio.
        """
        audio_ids = await wanted.to_push(self.db, self.project)
        if not audio_ids:
            return 0
        there = _by_name(await self.bat.wavs(self.project_id))
        known = await store.wavs(self.db, self.project)
        came, failures = 0, 0
        for audio_id in audio_ids:
            try:
                came += await self._one(audio_id, known.get(audio_id), there)
                failures = 0
            except (BatFailed, UnexpectedPage) as error:
                failures += 1
                self.problems.append(str(error))
                if failures == FAILURES_IN_A_ROW:
                    raise
        if came:
            self.log.info("pushed %d audios to BAT's project %s", came, self.project.name)
        return came

    async def _one(self, audio_id: UUID, wav: store.Wav | None, there: dict[str, list[Row]]) -> bool:
        """Whether the audio is there now, and was not known to be.

        1. Look whether it may still be heard, and what it is called.
        2. It is there already: note it. An upload may still be under way: leave it for a later round.
        3. Make a sound of it that BAT can open; what is none is refused.
        4. Note the attempt, upload, and see that it is there.
        """
        stored = await stored_audio(self.db, audio_id)
        if stored is None:
            return False
        name = wav_name(audio_id, stored.sha256)
        if name in there:
            return await self._note(audio_id, name, there[name])
        if wav and self._may_be_under_way(wav):
            self.problems.append(f"{name} may still be on its way")
            return False
        sound = await self._sound(audio_id, name, stored)
        if sound is None:
            return False
        await store.begun(self.db, self.project, audio_id, name)
        attempts = wav.attempts + 1 if wav else 1
        return await self._note(audio_id, name, await self._uploaded(audio_id, name, sound, attempts))

    def _may_be_under_way(self, wav: store.Wav) -> bool:
        settled = timedelta(seconds=self.on.settings.bat_settle_s)
        return wav.under_way is not None and wav.under_way < settled

    async def _sound(self, audio_id: UUID, name: str, stored: StoredAudio) -> bytes | None:
        """What is sent; None, and noted, where nothing can be."""
        try:
            return await asyncio.to_thread(for_bat, await self.on.objects.get(stored.object_key))
        except Rejected as error:
            why = f"audio {audio_id} cannot go to BAT: {error}"
            self.problems.append(why)
            self.log.warning(why, extra={"audio_id": audio_id})
            await store.refused(self.db, self.project, audio_id, name, str(error), LONGEST_PAUSE)
            return None

    async def _uploaded(self, audio_id: UUID, name: str, sound: bytes, attempts: int) -> list[Row]:
        """The wavs of that name that BAT has after it was sent. Raises why there is none."""
        trouble: BatError | None = None
        try:
            await self.bat.upload(self.project_id, name, sound)
        except (BatUnreachable, BatFailed, UnexpectedPage) as error:
            trouble = error
        if rows := await self.bat.wavs(self.project_id, name):
            return rows
        trouble = trouble or UnexpectedPage(f"the wav {name}, which it took", "a list without it")
        if not isinstance(trouble, BatUnreachable):  # BAT has done with it, and it is not there
            why = f"BAT has failed {attempts} times to take it, at last so: {trouble}"
            await store.refused(self.db, self.project, audio_id, name, why, _pause(attempts))
        raise trouble

    async def _note(self, audio_id: UUID, name: str, rows: list[Row]) -> bool:
        if len(rows) > 1:
            self.problems.append(f"{name} is in BAT {len(rows)} times: labelers are offered each of them")
            self.log.error("%s is in BAT %d times", name, len(rows), extra={"audio_id": audio_id})
        await store.pushed(self.db, self.project, audio_id, name, min(row.bat_id for row in rows))
        return True


def _pause(attempts: int) -> timedelta:
    """How long an audio is left alone whose upload has failed so often."""
    more = attempts - QUICK_ATTEMPTS
    return min(FIRST_PAUSE * 2 ** min(more, 10), LONGEST_PAUSE) if more >= 0 else timedelta(0)


def _by_name(rows: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.label, []).append(row)
    return found
