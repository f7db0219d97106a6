"""What people have finished in BAT becomes what they say here, by the same code as on the labeling page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg

from escolta.errors import Rejected
from escolta.service import Platform
from label_gateway.bat import annotations, store, sync
from label_gateway.bat.annotations import Answer
from label_gateway.bat.answers import (
    CORRECT_IT,
    NOT_THEIRS,
    TOO_LATE,
    UNKNOWN_USER,
    UNREADABLE,
    WITHHELD,
    NotTaken,
    Why,
    events_of,
)
from label_gateway.bat.client import Bat
from label_gateway.bat.errors import BatFailed, UnexpectedPage
from label_gateway.bat.metrics import Metrics
from label_gateway.bat.parsing import Annotation
from label_gateway.bat.projects import name_classes
from label_gateway.bat.reading import (
    BeingReworked,
    Said,
    by_admin,
    by_its_page,
    is_quiet,
    region_ids_of,
)
from label_gateway.bat.sound import SHORTEST_S
from label_gateway.bat.spans import Span
from label_gateway.bat.store import Project
from label_gateway.batches.handlers import Batches
from label_gateway.batches.store import BatchAudio
from label_gateway.labeling.submissions import AlreadySettled, NotAssigned, submit
from label_gateway.ontology.classes import classes
from label_gateway.people.labelers import labeler

FAILURES_IN_A_ROW = 3
"""After so many BAT's pages fail for all, and the rest has its turn in the next round."""

MOST_PAGES = 1
"""Of annotations, opened in one round."""

AT_ONCE = 100
"""Annotations that are asked for at once whether their regions have changed."""


def pulling(on: Platform, batches: Batches) -> sync.Pull:
    """What a round calls for each project."""
    metrics = Metrics(on.metrics)

    async def pull(db: asyncpg.Connection, bat: Bat, project: Project) -> int:
        return await Pull(on, batches, metrics, db, bat, project).all()

    return pull


@dataclass
class Pull:
    """Takes over what is finished in one project. `db` holds the lock of the one who talks to BAT."""

    on: Platform
    batches: Batches
    metrics: Metrics
    db: asyncpg.Connection
    bat: Bat
    project: Project
    pages_left: int = MOST_PAGES
    class_ids: Mapping[str, int] = field(default_factory=dict)

    async def all(self) -> int:
        """Bring the catalog to what is finished. Killed anywhere, it is done again.

        1. Ask what is finished, and note it. What nobody of ours has said is listed for the lead.
        2. Look which of what was read has other regions now: the last of a group waits until that is read.
        3. Take over what was read before, and could not be taken over then.
        4. Read, and take over, what was finished in two lists: one by one, so that none waits for another.
        5. After closing, once everything was read since, say so.

        How many finished annotations are neither taken over nor listed yet. Raises what BAT does where all of
        it is away; what only one annotation has is listed.
        """
        finished = await self._finished()
        await annotations.note_finished(self.db, self.project, _one_of_each(finished))
        await annotations.list_strangers(self.db, self.project)
        named = await name_classes(self.db, await classes(self.on.catalog))
        self.class_ids = {name: class_id for class_id, name in named.items()}
        if not self.project.is_closed:
            await self._find_changed()
        for answer in await annotations.to_take(self.db, self.project):
            await self._take(answer, answer.said or ())
        await self._read_all()
        unread, untold = await annotations.unread(self.db, self.project)
        if self.project.is_closed and not unread:
            await store.read_to_end(self.db, self.project)
        return untold

    async def _finished(self, **only: str) -> list[Annotation]:
        """Raises `UnexpectedPage` where something else is listed than was asked for."""
        listed = await self.bat.annotations(self.project.name, **only)
        for annotation in listed:
            if (annotation.project, annotation.status) != (self.project.name, "finished"):
                raise UnexpectedPage(
                    f"what is finished in {self.project.name}",
                    f"{annotation.status} in {annotation.project}",
                )
        return listed

    async def _read_all(self) -> None:
        failures = 0
        for answer in await annotations.to_read(self.db, self.project):
            await annotations.tried(self.db, self.project, answer)
            try:
                said = await self._read(answer)
            except BeingReworked:
                continue
            except NotTaken as why:
                await self._list(answer, why)
                continue
            except (BatFailed, UnexpectedPage) as error:
                await self._list(answer, NotTaken(UNREADABLE, str(error)))
                failures += 1
                if failures == FAILURES_IN_A_ROW:
                    return
                continue
            failures = 0
            if await annotations.keep_read(self.db, self.project, answer, said):
                await self._take(answer, said.spans)

    async def _read(self, answer: Answer) -> Said:
        """By the admin's pages; where they fail, by its own, if nobody is hearing and none was opened yet."""
        try:
            said = await by_admin(self.bat, answer.annotation_id)
        except (BatFailed, UnexpectedPage):
            project_id = self.project.bat_id
            if project_id is None or not self.pages_left or not await is_quiet(self.bat):
                raise
            self.pages_left -= 1
            said = await by_its_page(self.bat, project_id, answer.annotation_id)
        now = await self._finished(wav=answer.wav_name, user=answer.bat_user)
        is_finished = answer.annotation_id in {annotation.annotation_id for annotation in now}
        if not is_finished or await region_ids_of(self.bat, answer.annotation_id) != said.region_ids:
            raise BeingReworked
        return said

    async def _take(self, answer: Answer, spans: Sequence[Span]) -> None:
        try:
            await self._submit(answer, spans)
        except NotTaken as why:
            await self._list(answer, why)
        else:
            await annotations.taken(self.db, self.project, answer)
            self.metrics.taken.inc()

    async def _submit(self, answer: Answer, spans: Sequence[Span]) -> None:
        if answer.duration_s is None:
            raise NotTaken(WITHHELD)
        shown_s = max(answer.duration_s, SHORTEST_S)
        events = events_of(spans, answer.labeler_id, self.class_ids, answer.duration_s, shown_s)
        person = await labeler(self.on.catalog, answer.labeler_id)
        if person is None:
            raise NotTaken(UNKNOWN_USER)
        try:
            audio = BatchAudio(self.project.iteration_id, answer.audio_id)
            await submit(self.on, self.batches, person, audio, events)
        except NotAssigned:
            raise NotTaken(NOT_THEIRS) from None
        except AlreadySettled:
            raise NotTaken(TOO_LATE) from None
        except Rejected as error:
            raise NotTaken(Why("it is refused", CORRECT_IT), str(error)) from None

    async def _list(self, answer: Answer, why: NotTaken) -> None:
        for_good = why.why is TOO_LATE
        if await annotations.not_taken(self.db, self.project, answer, why, for_good=for_good):
            carried = {"audio_id": answer.audio_id, "iteration_id": self.project.iteration_id}
            said = f"{why}: {why.detail}" if why.detail else str(why)
            self.on.log("label-gateway").warning("not taken over from BAT: %s", said, extra=carried)

    async def _find_changed(self) -> None:
        """Who goes back in BAT and finishes again within a moment leaves no other trace than new regions."""
        known = sorted((await annotations.unsettled(self.db, self.project)).items())
        for first in range(0, len(known), AT_ONCE):
            changed = await _changed(self.bat, dict(known[first : first + AT_ONCE]))
            await annotations.read_anew(self.db, self.project, sorted(changed))


async def _changed(bat: Bat, known: Mapping[int, tuple[int, ...]]) -> set[int]:
    """Of annotations with the regions that are known, those that have others now."""
    there = {row.bat_id for row in await bat.regions(*known)}
    whose = {region: annotation for annotation, regions in known.items() for region in regions}
    changed = {whose[region] for region in whose.keys() - there}
    unknown = there - whose.keys()
    for annotation in changed:
        unknown.difference_update(await region_ids_of(bat, annotation))
    if unknown:
        for annotation in known.keys() - changed:
            if await region_ids_of(bat, annotation) != known[annotation]:
                changed.add(annotation)
    return changed


def _one_of_each(finished: Sequence[Annotation]) -> list[Annotation]:
    """One for each wav and user. Where a wav is there twice, the first counts."""
    by_segment = sorted(finished, key=lambda annotation: annotation.segment_id, reverse=True)
    return list({(annotation.wav, annotation.user): annotation for annotation in by_segment}.values())
