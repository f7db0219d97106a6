"""Of which audios ingest is told, and when: the rules that keep an outage from growing into a storm.

Pure: it knows neither bus nor spool, only what was said and heard, and the time.
"""

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

WINDOW = 16
"""Audios that ingest is told of ahead of its answer; the rest waits in the spool (ours)."""

WINDOW_UPLOADING = 8
"""The same while there are uploads: on a slow line the leave for more would run out (ours)."""

ANSWER_WITHIN = timedelta(seconds=60)
LONGEST = timedelta(hours=1)
LONGEST_HELD = timedelta(minutes=10)
"""From one question to the next: without an answer at all, and while audios are held (ours)."""

ALL_WAITS = ("unknown_node", "policy")
"""The kinds of hold that keep every audio of the node."""


@dataclass
class Asked:
    """An audio that waits for its answer; `place` is its own among all that were added."""

    place: int
    told_at: datetime
    due: datetime
    repeats: int = 0
    uploading: bool = False
    at_once: bool = False
    failed: bool = False


@dataclass
class Hold:
    """Audios that ingest holds for one reason. `allowance` of them, the oldest, are asked for at once."""

    probe_at: datetime
    audios: list[tuple[int, UUID]] = field(default_factory=list)
    asked: set[UUID] = field(default_factory=set)
    allowance: int = 1
    probes: int = 0


class Asking:
    """What ingest is to be told next.

    - At most `WINDOW` audios wait for an answer at once, the oldest first.
    - Without an answer an audio is told again after a minute, then after twice as long, up to an hour, and
      never all at the same moment. While nothing gets through, only the oldest is.
    - Of audios that are held only the oldest is told again; when it gets through the next two are, then four.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)
        self._added = 0
        self._untold: list[tuple[int, UUID]] = []
        self._asked: dict[UUID, Asked] = {}
        self._uploaded_at: dict[UUID, datetime] = {}
        self._holds: dict[str, Hold] = {}
        self._progress_at: datetime | None = None

    def add(self, audio_id: UUID) -> None:
        """An audio that ingest has not been told of yet; the oldest comes first."""
        self._added += 1
        heapq.heappush(self._untold, (self._added, audio_id))

    def due(self, now: datetime) -> Iterator[UUID]:
        """Whom to tell of now. They count as told; one that was not, after all, is given `back`."""
        oldest = self._oldest()
        for audio_id, asked in list(self._asked.items()):
            if asked.at_once:
                self._ask(audio_id, asked.place, now)
                yield audio_id
            elif asked.due <= now and self._may_repeat(audio_id, oldest):
                self._ask(audio_id, asked.place, now, asked.repeats + 1)
                yield audio_id
        for hold in self._holds.values():
            while hold.audios and hold.probe_at <= now and len(hold.asked) < hold.allowance:
                place, audio_id = heapq.heappop(hold.audios)
                hold.asked.add(audio_id)
                self._ask(audio_id, place, now)
                yield audio_id
        while self._untold and self._has_room():
            place, audio_id = heapq.heappop(self._untold)
            if audio_id not in self._asked:
                self._ask(audio_id, place, now)
                yield audio_id

    def back(self, audio_id: UUID) -> None:
        """It was not told of after all, for the bus is away."""
        asked = self._asked.pop(audio_id, None)
        if asked is None:
            return
        for hold in self._holds.values():
            if audio_id in hold.asked:
                hold.asked.discard(audio_id)
                heapq.heappush(hold.audios, (asked.place, audio_id))
                return
        heapq.heappush(self._untold, (asked.place, audio_id))

    def granted(self, audio_id: UUID, now: datetime) -> bool:
        """Its upload may begin; False where nobody waits for that, or it has begun, or is just done.

        Who was asked twice before may answer twice.
        """
        asked, done_at = self._asked.get(audio_id), self._uploaded_at.get(audio_id)
        if asked is None or asked.uploading or (done_at and now < done_at + ANSWER_WITHIN):
            return False
        asked.uploading = True
        self._got_through(audio_id, now)
        return True

    def uploaded(self, audio_id: UUID, now: datetime) -> None:
        """It is in the store: ingest is to be told of it again, at once."""
        if asked := self._asked.get(audio_id):
            asked.uploading, asked.at_once = False, True
            self._uploaded_at[audio_id] = now
        self._progress(now)

    def failed(self, audio_id: UUID, now: datetime) -> None:
        """Its upload failed, or came too late: leave for it is to be asked for again."""
        if asked := self._asked.get(audio_id):
            asked.uploading, asked.failed, asked.told_at = False, True, now
            asked.due = now + self._pause(asked.repeats, LONGEST)

    def held(self, audio_id: UUID, kind: str, now: datetime) -> None:
        """It waits, until time or the operator has mended what keeps it out."""
        asked = self._asked.pop(audio_id, None)
        if asked is None:
            return
        hold = self._holds.setdefault(kind, Hold(now + self._pause(0, LONGEST_HELD)))
        if audio_id in hold.asked:
            hold.asked.discard(audio_id)
            if hold.probe_at <= now:  # the first of those asked for together
                hold.probes, hold.allowance = hold.probes + 1, 1
                hold.probe_at = now + self._pause(hold.probes, LONGEST_HELD)
        else:
            self._got_through(audio_id, now)  # what has held it before does no more
        heapq.heappush(hold.audios, (asked.place, audio_id))

    def settled(self, audio_id: UUID, now: datetime) -> None:
        """It is accepted or refused, or is no more."""
        self._asked.pop(audio_id, None)
        self._uploaded_at.pop(audio_id, None)
        self._got_through(audio_id, now)
        self._progress(now)

    def _ask(self, audio_id: UUID, place: int, now: datetime, repeats: int = 0) -> None:
        self._asked[audio_id] = Asked(place, now, now + self._pause(repeats, LONGEST), repeats)

    def _may_repeat(self, audio_id: UUID, oldest: UUID | None) -> bool:
        asked = self._asked[audio_id]
        something_gets_through = self._progress_at is not None and self._progress_at > asked.told_at
        return not asked.uploading and (something_gets_through or audio_id == oldest)

    def _oldest(self) -> UUID | None:
        idle = [(asked.place, audio_id) for audio_id, asked in self._asked.items() if not asked.uploading]
        return min(idle)[1] if idle else None

    def _has_room(self) -> bool:
        uploading = any(asked.uploading for asked in self._asked.values())
        holds = [self._holds[kind] for kind in ALL_WAITS if kind in self._holds]
        may_go_on = all(hold.allowance > 1 for hold in holds)
        return may_go_on and len(self._asked) < (WINDOW_UPLOADING if uploading else WINDOW)

    def _progress(self, now: datetime) -> None:
        """An audio is through. What is late begins anew, for its answer may be on its way, and what could not
        be uploaded is asked for at once."""
        self._progress_at = now
        for asked in self._asked.values():
            if asked.failed:
                asked.failed, asked.at_once = False, True
            elif asked.due <= now and not asked.uploading:
                asked.repeats, asked.due = 0, now + self._pause(0, LONGEST)

    def _got_through(self, audio_id: UUID, now: datetime) -> None:
        """The audio was held, perhaps, and is no more: twice as many of the others may ask now."""
        for kind, hold in list(self._holds.items()):
            if audio_id in hold.asked:
                hold.asked.discard(audio_id)
                hold.allowance, hold.probes, hold.probe_at = min(2 * hold.allowance, WINDOW), 0, now
                if not hold.audios and not hold.asked:
                    del self._holds[kind]

    def _pause(self, repeats: int, longest: timedelta) -> timedelta:
        return min(ANSWER_WITHIN * 2 ** min(repeats, 10), longest) * self._random.uniform(1.0, 1.25)
