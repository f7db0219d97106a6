"""Keeps BAT in step: one round after another, by one process of the whole deployment."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import asyncpg

from escolta.service import Platform
from escolta.work import Busy, alone
from label_gateway.bat import projects, store, wanted
from label_gateway.bat.client import Bat, open_bat
from label_gateway.bat.errors import OF_ALL_PROJECTS, BatError, NothingToChoose
from label_gateway.bat.names import project_name
from label_gateway.bat.projects import Listed
from label_gateway.bat.push import Push
from label_gateway.bat.store import Project

LOCK = 0x626174
"""Whoever holds it is the one who writes to BAT."""

Pull = Callable[[asyncpg.Connection, Bat, Project], Awaitable[int]]
"""Reads what is finished in a project of BAT, and says how many finished annotations are neither taken nor
listed for a lead yet."""

LOOK_AT_ALL_EVERY = timedelta(hours=1)
"""Projects that are done with may lie in BAT for years, and seldom is one of their audios withheld."""

MOST_READINGS = 3
"""Of a project that is deleted next; people may go on finishing while it is read."""

_Step = Callable[[asyncpg.Connection, Bat, Project, Listed], Awaitable[list[str]]]


class Sync:
    """What has to be in BAT goes there; what was finished there is read; what may not stay is deleted.

    Without a `pull` nothing is read, and so nothing is deleted.
    """

    def __init__(self, on: Platform, pull: Pull | None = None) -> None:
        self._on, self._pull = on, pull
        self._log = on.log("label-gateway")
        self._looked_at_all: datetime | None = None

    async def keep_bat_in_step(self) -> None:
        """Round after round, as one signed-in user of BAT. Never returns; raises where a round cannot be."""
        async with open_bat(self._on.settings) as bat:
            while True:
                with suppress(Busy):
                    await self.round(bat)
                await asyncio.sleep(self._on.settings.bat_every_s)

    async def round(self, bat: Bat, *, push: bool = True, pull: bool = True) -> None:
        """Every project once. What is wrong with one does not keep the others waiting.

        1. Mark projects that hold what may not be heard any longer; note those that are to be made.
        2. For each project: read what is finished; delete it where it has to go; push what is missing.

        Raises `Busy` where another process is at it, and what lets no project have its turn.
        """
        async with alone(self._on.catalog, LOCK) as db:
            await self._note(db)
            due = [project for project in await store.projects(db) if self._is_due(project)]
            if not due:
                return
            steps = [self._read] * pull + [self._push] * push
            try:
                there = await projects.listed(bat)
                for project in due:
                    await self._turn(db, bat, project, there, steps)
            except BatError as error:
                for project in due:
                    await store.had_its_turn(db, project, str(error), failed=True)
                raise

    async def _note(self, db: asyncpg.Connection) -> None:
        now = self._on.clock.now()
        of_all = self._looked_at_all is None or now - self._looked_at_all >= LOOK_AT_ALL_EVERY
        if marked := await wanted.mark_what_has_to_go(db, of_all=of_all):
            self._log.warning("%d projects in BAT hold what may not be heard any longer", marked)
        if of_all:
            self._looked_at_all = now
        for part in await wanted.parts_without_project(db):
            name = project_name(part.iteration_id, part.proposed_at.date(), part.group_id, part.group)
            await store.add_project(db, part.iteration_id, part.group_id, name)

    def _is_due(self, project: Project) -> bool:
        return project.renew or project.read_to_end_at is None or self._on.settings.bat_closed == "delete"

    async def _turn(
        self, db: asyncpg.Connection, bat: Bat, project: Project, there: Listed, steps: Sequence[_Step]
    ) -> None:
        """What is wrong with this project alone is kept beside it; if reading fails, it is filled even so."""
        project = await projects.forget_if_gone(db, project, there, self._log)
        problems: list[str] = []
        failed = False
        for step in steps:
            try:
                problems += await step(db, bat, project, there)
            except OF_ALL_PROJECTS:
                raise
            except BatError as error:
                problems.append(str(error))
                failed = failed or not isinstance(error, NothingToChoose)
        told = "; ".join(problems)[:2_000] or None
        if await store.had_its_turn(db, project, told, failed=failed) and told:
            self._log.warning("BAT's project %s: %s", project.name, told)

    async def _read(self, db: asyncpg.Connection, bat: Bat, project: Project, there: Listed) -> list[str]:
        """Read what is finished, then delete what has to go; nothing unread is deleted."""
        if self._pull is None or project.name not in there:
            return []
        goes = self._goes(project) or await projects.lacks_classes(db, bat, project)
        waiting = await self._pull(db, bat, project)
        for _ in range(MOST_READINGS - 1):
            if goes and waiting:  # what was finished just now is read where it is so a second time
                waiting = await self._pull(db, bat, project)
        if goes and waiting:
            return [f"it has to be deleted, and {waiting} finished annotations are still to be read"]
        if goes:
            await projects.delete(db, bat, project)
            del there[project.name]
            self._log.info("deleted BAT's project %s", project.name)
        return []

    def _goes(self, project: Project) -> bool:
        """Whether nothing of the project may stay in BAT, or nobody needs it there any longer."""
        is_done = project.is_closed and project.read_to_end_at is not None
        return project.renew or (is_done and self._on.settings.bat_closed == "delete")

    async def _push(self, db: asyncpg.Connection, bat: Bat, project: Project, there: Listed) -> list[str]:
        """Push what is missing. What has to go first does not grow, and what is closed is not made again."""
        if project.is_closed and project.name not in there:
            await store.gone(db, project, deleted=True)
        if project.is_closed or (project.renew and project.name in there):
            return []
        if not await wanted.to_push(db, project):
            return []
        found = await projects.in_bat(db, bat, project, there)
        pushing = Push(self._on, db, bat, project, found, self._log)
        try:
            await pushing.all()
        except OF_ALL_PROJECTS:
            raise
        except BatError as error:  # it is the last of the problems
            raise BatError("; ".join(pushing.problems) or str(error)) from error
        return pushing.problems
