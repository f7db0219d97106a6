"""A folder of sound files, played at the times that its recorders say, or else as if recorded now."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path, PurePosixPath

from escolta.clock import Clock
from escolta.errors import EscoltaError, Misconfigured, Rejected, Transient
from node_agent.recording.account import Account, sentence
from node_agent.recording.cut import AUDIO_S, Damaged, Gap, Piece, Plan, cut, plan
from node_agent.recording.dating import Dating, dating_by
from node_agent.recording.folder import Look, look
from node_agent.recording.identity import identity_of
from node_agent.recording.journal import Journal, Sound
from node_agent.recording.left_out import LeftOut, cannot_be_read
from node_agent.recording.planning import bring_up_to_date
from node_agent.recording.recorder import RecordedAudio
from node_agent.recording.times import OF_THE_REPLAY

log = logging.getLogger("escolta.node-agent")


class Replay:
    """The `Recorder` that plays the sound files of `folder` and of the folders in it, by name.

    The journal in `state` knows each sound by its content, and gives it a start when it is first seen, so a
    replay that is broken off goes on at the same audio with the same ids. Files that come later are played
    when the iteration is begun again, and so is what could not be read before. `speed` is how many times
    faster than real time; 0: as fast as it goes.
    """

    def __init__(self, folder: Path, state: Path, clock: Clock, speed: float) -> None:
        if not folder.is_dir():
            raise Misconfigured(f"ESCOLTA_REPLAY_DIR: {folder} is not a folder")
        self._folder = folder.absolute()
        self._state = state
        self._clock = clock
        self._speed = speed
        self._journal: Journal | None = None
        self._seen = Look()
        self._plan: tuple[int, Plan] | None = None
        self._gap: tuple[int, Gap | None] = 0, None
        self._dating: Dating | None = None

    async def audios(self) -> AsyncIterator[RecordedAudio]:
        """Play from where the journal is.

        1. Look what is in the folder, and give what is new its place in time.
        2. Read the next audio; what cannot be read, or is no sound after all, is left out with its reason.
        3. Wait until its time has come, and give it away.
        4. Asked for the next one, move the journal on: the last one is safe.
        """
        journal = await asyncio.to_thread(self._up_to_date)
        begun_s, played = self._clock.since_boot_s(), 0
        while step := await asyncio.to_thread(self._next, journal):
            sound, read = step
            played += 1
            await self._wait(begun_s, played, sound.start_of(sound.played + 1))
            yield _audio(sound, read, self._dating)
            await asyncio.to_thread(journal.advance, sound)

    def account(self) -> Account:
        """What the folder holds, once it was looked at, and what was left out of it."""
        if self._journal is None:
            return Account("", ())
        source = sentence(*self._journal.counts(), self._seen.others, self._seen.hidden)
        return Account(source, self._journal.left_out())

    def _up_to_date(self) -> Journal:
        """The journal, once it knows what is in the folder now."""
        now = self._clock.now()
        journal = self._journal = self._journal or Journal(self._state)
        try:
            self._seen = look(self._folder, now)
        except OSError as error:
            reason = cannot_be_read("the folder", error)
            journal.leave_out([LeftOut(".", reason, now)])
            raise Transient(f"{self._folder}: {reason} The replay goes on when it is back") from error
        self._follow_clock(journal)  # what is new is dated by the clock as it stands now
        if new := bring_up_to_date(journal, self._seen, now, self._speed):
            audios = sum(sound.audios for sound in new)
            log.info("%s: %d files to play, which make %d audios", self._folder, len(new), audios)
        elif not self._seen.sounds:
            log.warning("%s: there is no sound to play", self._folder)
        return journal

    def _next(self, journal: Journal) -> tuple[Sound, Piece] | None:
        """The next audio that can be read, with its sound; None when there is no more of them."""
        self._follow_clock(journal)
        while sound := journal.next():
            try:
                if not _is_as_it_was(sound):
                    log.warning("%s has changed since it was found: it is played anew, later", sound.path)
                    journal.postpone(sound, [])
                elif not sound.begun:
                    identity = sound.identity or identity_of(sound.path)
                    journal.begin(sound, identity, self._plan_of(journal, sound).audios)
                elif read := self._read(journal, sound):
                    return sound, read
            except Rejected as error:
                log.warning("%s is left out: %s", sound.path, error)
                journal.skip(sound, [self._left_out(sound, str(error))])
            except OSError as error:
                self._require_the_folder()
                reason = cannot_be_read(sound.name, error)
                log.warning("%s is left out for now: %s", sound.path, reason)
                journal.postpone(sound, [self._left_out(sound, reason)])
            except EscoltaError:
                raise
            except Exception as error:
                log.exception("%s is left out by a defect of ours", sound.path)
                reason = f"{sound.name} could not be read, by a defect of Escolta's: {error!r}."
                journal.skip(sound, [self._left_out(sound, reason)])
        return None

    def _follow_clock(self, journal: Journal) -> None:
        """Put right what was dated by a clock that has been set since."""
        dating = dating_by(self._clock)
        if self._dating is None or self._dating.steps_to(dating):
            if step := journal.follow_clock(dating, self._clock.now()):
                log.warning("the clock was set by %.0f s: what is to be played follows", step.total_seconds())
            self._dating = dating

    def _plan_of(self, journal: Journal, sound: Sound) -> Plan:
        """How this sound is cut, judged when it is begun or gone on with; a doubt about all of it is told."""
        if self._plan is None or self._plan[0] != sound.number:
            made = plan(Path(sound.path))
            self._plan = sound.number, made
            if made.doubt:
                doubt = replace(self._left_out(sound, made.doubt), from_s=None, doubtful=True)
                journal.leave_out([doubt])
        return self._plan[1]

    def _read(self, journal: Journal, sound: Sound) -> Piece | None:
        """The next audio of this sound; None where it cannot be had: then the one after it is the next."""
        made = self._plan_of(journal, sound)
        try:
            read = cut(Path(sound.path), made, sound.played)
        except Damaged as damaged:
            self._tell(journal, sound, damaged.gap)
            journal.advance(sound)
            return None
        if read.gap:
            self._tell(journal, sound, read.gap)
        return read

    def _tell(self, journal: Journal, sound: Sound, gap: Gap) -> None:
        """Leave out a part of a sound; what follows on the part before it becomes one with that."""
        number, before = self._gap
        if before and number == sound.number and before.to_s == gap.from_s:
            reason = before.reason.replace(f" to {before.to_s:.1f} s", f" to {gap.to_s:.1f} s", 1)
            gap = Gap(before.from_s, gap.to_s, reason)
        self._gap = sound.number, gap
        log.warning("%s", gap.reason)
        left_out = replace(self._left_out(sound, gap.reason), from_s=gap.from_s, to_s=gap.to_s)
        journal.leave_out([left_out])

    def _require_the_folder(self) -> None:
        """A file that is gone is left out; but when all of them are, a disk may have been unplugged."""
        if not self._folder.is_dir() or not any(self._folder.iterdir()):
            raise Transient(f"{self._folder} is empty or gone: the replay goes on when its files are back")

    def _left_out(self, sound: Sound, reason: str) -> LeftOut:
        """What is left of a sound; the reason names it by its path in the folder, as all others do."""
        own_name = Path(sound.path).name
        if reason.startswith(own_name):
            reason = sound.name + reason.removeprefix(own_name)
        content = sound.ends or ""
        return LeftOut(sound.name, reason, self._clock.now(), content, sound.size_bytes, sound.rest_from_s)

    async def _wait(self, begun_s: float, played: int, end: datetime) -> None:
        """Until the end of the slot, in the time of the replay; and never report what is still to come."""
        wait_s = (end - self._clock.now()).total_seconds()
        if self._speed:
            wait_s = max(wait_s, begun_s + AUDIO_S * played / self._speed - self._clock.since_boot_s())
        await self._clock.sleep(wait_s)


def _is_as_it_was(sound: Sound) -> bool:
    """Whether the file is the one that was found. Raises OSError."""
    status = os.stat(sound.path)
    return (status.st_size, status.st_mtime_ns) == (sound.size_bytes, sound.modified_ns or status.st_mtime_ns)


def _audio(sound: Sound, read: Piece, dating: Dating | None) -> RecordedAudio:
    own_clock = sound.time_source.startswith(OF_THE_REPLAY)
    return RecordedAudio(
        start=sound.start_of(sound.played),
        samples=read.samples,
        rate_hz=read.rate_hz,
        channels=read.channels,
        bits_per_sample=read.bits,
        file_name=_file_name(sound, read),
        suffix=read.suffix,
        data=read.data,
        clock_state=None if own_clock else "unknown",
        dating=dating if own_clock else None,
    )


def _file_name(sound: Sound, read: Piece) -> str:
    """The name within the folder; an audio cut from a longer file adds the second at which it begins.

    The file keeps its suffix where the audio has another: `rec1.ogg` and `rec1.flac` make no two audios
    of one name.
    """
    if sound.audios == 1:
        return sound.name
    name = PurePosixPath(sound.name)
    if name.suffix.lower() == f".{read.suffix}":
        name = name.with_suffix("")
    return f"{name}_{sound.played * AUDIO_S:05d}s.{read.suffix}"
