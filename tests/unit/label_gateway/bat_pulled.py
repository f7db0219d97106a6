"""A team in BAT whose finished work is taken over, round by round."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from prometheus_client import CollectorRegistry
from unit.label_gateway.bat_at_work import TeamInBat, team_in_bat

from label_gateway.bat.client import open_bat
from label_gateway.bat.pull import pulling
from label_gateway.bat.state import Listed, projects
from label_gateway.bat.sync import Sync
from label_gateway.batches.handlers import Batches
from servers.bat.annotator import Annotator, Heard
from servers.bat.process import BatProcess
from servers.bat.serve import STATE

Said = tuple[str, str, float, float]


@dataclass
class Pulled(TeamInBat):
    """The team, with Marina at her browser in BAT."""

    iteration_id: UUID = field(default_factory=lambda: UUID(int=0))
    people: dict[str, Annotator] = field(default_factory=dict)

    async def rounds(self, number: int = 2) -> None:
        """As many rounds of pushing and pulling as a process of its own does."""
        on = replace(self.on, metrics=CollectorRegistry())
        pull = pulling(on, Batches(on))
        async with open_bat(on.settings) as bat:
            for _ in range(number):
                await Sync(on, pull).round(bat)

    async def annotator(self, user: str) -> Annotator:
        """Somebody at a browser in BAT, who signs up when they first come."""
        if user not in self.people:
            self.people[user] = Annotator(self.bat.url, user)
            await self.people[user].sign_up()
            await self.people[user].login()
        return self.people[user]

    @property
    async def project_name(self) -> str:
        return (await self.project(self.iteration_id))["name"]

    async def finishes(self, user: str, *answers: Sequence[Heard]) -> list[str]:
        """The user labels as many audios as there are answers, in BAT's order; the names of the wavs."""
        person, name = await self.annotator(user), await self.project_name
        left = iter(answers)
        pages = [await person.label_next(name, lambda wav: next(left)) for _ in answers]
        return [page.wav for page in pages if page]

    async def says_again(self, user: str, wav: str, *heard: Heard) -> None:
        await (await self.annotator(user)).again(await self.project_name, wav, heard)

    async def bat_stores(self, change: str, *values: object) -> None:
        """Change what BAT holds, as only its operator or a fault of it does."""
        with closing(sqlite3.connect(self.bat.folder / STATE, timeout=120)) as db, db:
            db.execute(change, values)

    async def said(self) -> list[Said]:
        """Who has said what: (wav, class, onset in s, offset in s), in order."""
        rows = await self.gateway.on.catalog.fetch(
            "SELECT wav_name, o.name, onset_s, offset_s FROM audio.chunks c"
            " JOIN audio.ontology o USING (class_id) JOIN label.bat_wavs USING (iteration_id, audio_id)"
            " ORDER BY 1, 3, 2"
        )
        return [tuple(row) for row in rows]

    async def answered(self) -> list[tuple[str, str]]:
        """Who has answered which wav."""
        rows = await self.gateway.on.catalog.fetch(
            "SELECT l.name, wav_name FROM label.submissions JOIN audio.labelers l USING (labeler_id)"
            " JOIN label.bat_wavs USING (iteration_id, audio_id) ORDER BY 1, 2"
        )
        return [tuple(row) for row in rows]

    async def listed(self) -> list[Listed]:
        """What waits for the lead."""
        told = await projects(self.gateway.on.catalog, self.gateway.on.clock.now())
        return [listed for project in told for listed in project.listed]

    async def labels_on_the_page(self, name: str, wav: str, *events: dict[str, Any]) -> int:
        """A labeler's answer on our page; the status of what came."""
        place = {"Marina": 0, "Pau": 1}[name]
        audio_id = await self.gateway.on.catalog.fetchval(
            "SELECT audio_id FROM label.bat_wavs WHERE wav_name = $1", wav
        )
        address = f"/api/tasks/{self.iteration_id}/{audio_id}"
        return (await self.labelers[place].put(address, json={"events": list(events)})).status_code


@asynccontextmanager
async def pulled(bat: BatProcess, catalog_url: str, folder: Path, audios: int = 3) -> AsyncIterator[Pulled]:
    """The team, with a batch that is in BAT."""
    async with team_in_bat(bat, catalog_url, folder) as team:
        there = Pulled(team.gateway, team.bat, team.lead, team.on, team.labelers)
        there.iteration_id = await there.given_out(audios)
        await there.rounds(1)
        try:
            yield there
        finally:
            for person in there.people.values():
                await person.browser.aclose()
