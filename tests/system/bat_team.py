"""A team of five who label in BAT, in groups of 3 and 2: what each of them hears, and what has come of it.

Nobody tells the catalog but `escolta bat`, so what it holds can be compared with what the people did.
"""

import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

import httpx
from unit.bat.at_bat import wav_file
from unit.label_gateway.at_work import GatewayAtWork, gateway_at_work

from escolta.listening.agreement import Agreement, Marked, agree
from label_gateway.bat.names import wav_name
from servers.bat.annotator import Annotator, Heard
from servers.bat.process import BatProcess

GROUPS = {"harbor": ("ana", "ben", "carla"), "campus": ("dora", "enric")}
CLASSES = ("Gull", "Ship horn", "Gull!", "Café, d'àvia", "3rd engine")
DURATION_S = 2.0
SAME_S = 1e-3
"""Times come back from BAT within a millisecond."""


@dataclass(frozen=True)
class Sound:
    """What somebody marks, by our name of its class."""

    name: str
    onset_s: float
    offset_s: float


Key = tuple[str, UUID]
"""Who, and which audio."""


def hears(who: str, audio_id: UUID, again: int = 0) -> list[Sound]:
    """What they mark in it, the same each time; something else when they hear it `again`."""
    there = random.Random(f"{audio_id}")
    theirs = random.Random(f"{audio_id} {who} {again}")
    number = there.choice((0, 1, 1, 2, 3))
    sounds = _sounds(there, number)
    if theirs.random() < 0.2 or again:
        sounds = _sounds(theirs, theirs.randrange(4))
    return [_shifted(one, theirs) for one in sounds]


def _sounds(chance: random.Random, number: int) -> list[Sound]:
    return [Sound(name, *_span(chance)) for name in chance.sample(CLASSES, number)]


def _span(chance: random.Random) -> tuple[float, float]:
    if chance.random() < 0.1:
        return 0.0, DURATION_S
    onset_s = chance.uniform(0, DURATION_S - 0.1)
    return onset_s, chance.uniform(onset_s + 0.02, DURATION_S - 0.02)


def _shifted(sound: Sound, chance: random.Random) -> Sound:
    """As another hand marks it."""
    if sound.onset_s == 0:
        return sound
    shift_s = chance.uniform(0, 0.01)
    return Sound(sound.name, sound.onset_s + shift_s, sound.offset_s + shift_s)


@dataclass(repr=False)
class TeamInBat:
    """`said`: what they have done in BAT so far, the last answer of each for each audio."""

    gateway: GatewayAtWork
    bat: BatProcess
    lead: httpx.AsyncClient
    pages: dict[str, httpx.AsyncClient]
    """Of each of the five, signed in to our own pages."""
    labeler_ids: dict[str, int]
    class_ids: dict[str, int]
    annotators: dict[str, Annotator] = field(default_factory=dict)
    said: dict[Key, list[Sound]] = field(default_factory=dict)

    async def propose(self, audios: int, duration_s: float = DURATION_S) -> UUID:
        """A batch that the groups have."""
        iteration_id = await self.gateway.propose(
            audios, tell=False, recording=wav_file(duration_s), duration_s=duration_s
        )
        await self.gateway.catch_up()
        return iteration_id

    async def wavs(self) -> dict[tuple[str, str], UUID]:
        """Which audio each wav is that should be in BAT, by the names of its project and of itself."""
        rows = await self.gateway.on.catalog.fetch(
            "SELECT p.name, a.audio_id, sha256 FROM label.assignments a"
            " JOIN label.bat_projects p USING (iteration_id, group_id) JOIN audio.audios USING (audio_id)"
        )
        return {(row["name"], wav_name(row["audio_id"], row["sha256"])): row["audio_id"] for row in rows}

    async def label_in(self, who: str, bat_user: str | None) -> None:
        """Let somebody label in BAT as that user, or on the page."""
        where = f"/api/labelers/{self.labeler_ids[who]}/bat-user"
        said = await self.lead.put(where, json={"bat_user": bat_user})
        assert said.status_code == 200, said.text

    async def label(self, *people: str) -> None:
        """Let them label everything that their group has in BAT."""
        wavs, names = await self.wavs(), await self.bat_names()
        projects = await self.projects()
        for who in people:
            annotator = await self.annotator(who)
            for project in projects[group_of(who)]:

                def heard(wav: str, who: str = who, project: str = project) -> list[Heard]:
                    audio_id = wavs[project, wav]
                    self.said[who, audio_id] = hears(who, audio_id)
                    return in_bat(self.said[who, audio_id], names)

                await annotator.label_all(project, heard)

    async def label_again(self, who: str, audio_id: UUID, again: int = 1) -> None:
        """Let somebody say something else of an audio that they have finished."""
        [(project, wav)] = [at for at, known in (await self.wavs()).items() if known == audio_id]
        sounds = hears(who, audio_id, again)
        annotator = await self.annotator(who)
        await annotator.again(project, wav, in_bat(sounds, await self.bat_names()))
        self.said[who, audio_id] = sounds

    async def annotator(self, who: str) -> Annotator:
        """Somebody signed in to BAT."""
        if who not in self.annotators:
            self.annotators[who] = Annotator(self.bat.url, who)
            await self.annotators[who].sign_up()
            await self.annotators[who].login()
        return self.annotators[who]

    async def projects(self) -> dict[str, list[str]]:
        """The names of each group's projects in BAT."""
        rows = await self.gateway.on.catalog.fetch(
            'SELECT g.name AS "group", p.name FROM label.bat_projects p JOIN label.groups g USING (group_id)'
        )
        return {group: [row["name"] for row in rows if row["group"] == group] for group in GROUPS}

    async def bat_names(self) -> dict[str, str]:
        """What each class is called in BAT."""
        rows = await self.gateway.on.catalog.fetch(
            "SELECT name, bat_name FROM label.bat_names JOIN audio.ontology USING (class_id)"
        )
        return {row["name"]: row["bat_name"] for row in rows}

    async def what_bat_lacks(self) -> list[str]:
        """Every wav that is not in BAT exactly once, and every one too many."""
        there = self.bat.rows(
            "SELECT projects.name, wavs.name, count(*) FROM wavs JOIN projects ON project_id = projects.id"
            " JOIN segments ON wav_id = wavs.id GROUP BY 1, 2"
        )
        numbers = {(project, wav): number for project, wav, number in there}
        wanted = set(await self.wavs())
        parts = await self.gateway.on.catalog.fetchval("SELECT count(*) FROM label.assignments")
        lacking = [] if len(wanted) == parts else [f"{parts - len(wanted)} assignments are in no project"]
        wrong = [at for at in wanted | numbers.keys() if numbers.get(at, 0) != (at in wanted)]
        return lacking + [f"{wav} of {project}: {numbers.get((project, wav), 0)}" for project, wav in wrong]

    async def what_is_wrong(self) -> list[str]:
        """Every answer and every agreement of the catalog that is not what the people did."""
        marks = {key: self._marked(*key) for key in self.said}
        found = await self._in_catalog()
        wrong = [f"{who} on {audio}: not asked" for who, audio in found.keys() - marks.keys()]
        wrong += [
            f"{who} on {audio}: {found.get((who, audio))} is not {marks[who, audio]}"
            for who, audio in marks
            if not _alike(found.get((who, audio)), marks[who, audio])
        ]
        agreed = await self._agreements()
        wanted = {audio_id: self._agreed(audio_id) for _, audio_id in marks}
        return wrong + [
            f"{audio}: agreed on {agreed.get(audio)} instead of {wanted.get(audio)}"
            for audio in agreed.keys() | wanted.keys()
            if agreed.get(audio) != wanted.get(audio)
        ]

    async def listed(self, reason: str) -> int:
        """How many answers are listed for a lead with that reason."""
        return await self.gateway.on.catalog.fetchval(
            "SELECT count(*) FROM label.bat_annotations WHERE reason = $1", reason
        )

    async def answers(self) -> int:
        """How many answers the catalog has."""
        return await self.gateway.on.catalog.fetchval("SELECT count(*) FROM label.submissions")

    def _marked(self, who: str, audio_id: UUID) -> list[Marked]:
        return sorted(
            (
                Marked(self.labeler_ids[who], self.class_ids[one.name], one.onset_s, one.offset_s)
                for one in self.said[who, audio_id]
            ),
            key=_order,
        )

    def _agreed(self, audio_id: UUID) -> Agreement | None:
        """None while somebody of the group has not answered."""
        [group] = {group_of(who) for who, known in self.said if known == audio_id}
        people = GROUPS[group]
        if any((who, audio_id) not in self.said for who in people):
            return None
        marks = [mark for who in people for mark in self._marked(who, audio_id)]
        return _kept(agree({self.labeler_ids[who]: 1 for who in people}, marks, set()))

    async def _in_catalog(self) -> dict[Key, list[Marked]]:
        names = {labeler_id: name for name, labeler_id in self.labeler_ids.items()}
        on = self.gateway.on.catalog
        found: dict[Key, list[Marked]] = {
            (names[row["labeler_id"]], row["audio_id"]): []
            for row in await on.fetch("SELECT labeler_id, audio_id FROM label.submissions")
        }
        for row in await on.fetch(
            "SELECT audio_id, labeler_id, class_id, onset_s, offset_s FROM audio.chunks"
        ):
            audio_id, *mark = row
            found[names[row["labeler_id"]], audio_id].append(Marked(*mark))
        return {key: sorted(marks, key=_order) for key, marks in found.items()}

    async def _agreements(self) -> dict[UUID, Agreement | None]:
        rows = await self.gateway.on.catalog.fetch(
            "SELECT audio_id, class_id, labelers, agreement_percent FROM label.agreements"
        )
        return {row["audio_id"]: _kept(Agreement(*list(row)[1:])) for row in rows}


def in_bat(sounds: Iterable[Sound], names: dict[str, str]) -> list[Heard]:
    """As it is marked in BAT."""
    return [Heard(names[one.name], one.onset_s, one.offset_s) for one in sounds]


def _kept(agreement: Agreement) -> Agreement:
    """With its percentage as the catalog has it, in seven digits."""
    return replace(agreement, agreement_percent=round(agreement.agreement_percent, 3))


def group_of(who: str) -> str:
    return next(group for group, people in GROUPS.items() if who in people)


def _order(mark: Marked) -> tuple[int, float]:
    return mark.class_id, mark.onset_s


def _alike(found: list[Marked] | None, wanted: list[Marked]) -> bool:
    return (
        found is not None
        and len(found) == len(wanted)
        and all(
            a.class_id == b.class_id
            and abs(a.onset_s - b.onset_s) <= SAME_S
            and abs(a.offset_s - b.offset_s) <= SAME_S
            for a, b in zip(found, wanted, strict=True)
        )
    )


@asynccontextmanager
async def team_in_bat(catalog_url: str, bat: BatProcess, folder: Path) -> AsyncIterator[TeamInBat]:
    """label-gateway, which knows nothing of BAT; its rounds are done by commands."""
    async with gateway_at_work(catalog_url, folder) as gateway:
        lead = await gateway.lead()
        pages: dict[str, httpx.AsyncClient] = {}
        for group, people in GROUPS.items():
            pages |= zip(people, await gateway.team(lead, group, *people), strict=True)
        listed = (await lead.get("/api/labelers")).json()
        ids = {one["name"]: one["labeler_id"] for one in listed if one["group"]}
        classes = {name: await gateway.class_named(lead, name) for name in CLASSES}
        team = TeamInBat(gateway, bat, lead, pages, ids, classes)
        for who in ids:
            await team.label_in(who, who)
        yield team
