"""label-gateway and a BAT side by side, and what became of what was pushed."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from pydantic import SecretStr
from unit.label_gateway.at_work import GatewayAtWork, gateway_at_work

from escolta.service import Platform
from label_gateway.bat.client import Bat, open_bat
from label_gateway.bat.names import wav_name
from label_gateway.bat.store import Project
from label_gateway.bat.sync import Sync
from servers.bat.process import PASSWORD, USER, BatProcess


async def nothing_is_finished(db: asyncpg.Connection, bat: Bat, project: Project) -> int:
    """A `Pull` for those who only push."""
    return 0


@dataclass
class TeamInBat:
    """label-gateway at work, its lead, a group whose first labeler labels in BAT, and BAT itself.

    Rounds are done by the test, and not by the clock.
    """

    gateway: GatewayAtWork
    bat: BatProcess
    lead: httpx.AsyncClient
    on: Platform
    """The platform of the service, with its account in the catalog."""
    labelers: list[httpx.AsyncClient] = field(default_factory=list)

    def settings(self, **changes: object) -> None:
        """What is chosen besides the address."""
        self.on.settings = self.on.settings.model_copy(update=changes)

    async def round(self, **what: bool) -> None:
        """One round, as a process would begin with."""
        async with open_bat(self.on.settings) as bat:
            await Sync(self.on, nothing_is_finished).round(bat, **what)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Bat]:
        async with open_bat(self.on.settings) as bat:
            yield bat

    async def label_in_bat(self, name: str, user: str | None) -> None:
        """Let a labeler label in BAT as this user there; on the page without one."""
        await self.gateway.on.catalog.execute(
            "DELETE FROM label.bat_users WHERE labeler_id IN"
            " (SELECT labeler_id FROM audio.labelers WHERE name = $1)",
            name,
        )
        if user:
            await self.gateway.on.catalog.execute(
                "INSERT INTO label.bat_users (labeler_id, bat_user)"
                " SELECT labeler_id, $2 FROM audio.labelers WHERE name = $1",
                name,
                user,
            )

    async def given_out(self, audios: int) -> UUID:
        """A batch that the groups have."""
        iteration_id = await self.gateway.propose(audios, tell=False)
        await self.gateway.catch_up()
        return iteration_id

    async def audio_ids(self, iteration_id: UUID) -> list[UUID]:
        rows = await self.gateway.on.catalog.fetch(
            "SELECT audio_id FROM al.wavs_proposed WHERE iteration_id = $1 ORDER BY rank", iteration_id
        )
        return [row["audio_id"] for row in rows]

    async def project(self, iteration_id: UUID) -> dict[str, Any]:
        row = await self.gateway.on.catalog.fetchrow(
            "SELECT * FROM label.bat_projects WHERE iteration_id = $1", iteration_id
        )
        assert row
        return dict(row)

    def wavs_in_bat(self) -> list[str]:
        """The name of each wav that BAT offers, as often as it does, in the order of their numbers."""
        return [name for (name,) in self.bat.rows("SELECT name FROM wavs ORDER BY id")]

    async def names(self, audio_ids: Sequence[UUID]) -> list[str]:
        rows = await self.gateway.on.catalog.fetch(
            "SELECT audio_id, sha256 FROM audio.audios WHERE audio_id = ANY($1)", list(audio_ids)
        )
        named = {row["audio_id"]: wav_name(row["audio_id"], row["sha256"]) for row in rows}
        return [named[audio_id] for audio_id in audio_ids]


@asynccontextmanager
async def team_in_bat(bat: BatProcess, catalog_url: str, folder: Path) -> AsyncIterator[TeamInBat]:
    """A group of Marina, who labels in BAT, and Pau, who labels on the page; the class Gull."""
    async with gateway_at_work(catalog_url, folder) as gateway:
        on = gateway.on.of_service  # type: ignore[attr-defined]  # SeenByOwner's
        on.settings = on.settings.model_copy(
            update={
                "bat_url": bat.url,
                "bat_user": USER,
                "bat_password": SecretStr(PASSWORD),
                "bat_settle_s": 0.0,
            }
        )
        lead = await gateway.lead()
        team = TeamInBat(gateway, bat, lead, on)
        team.labelers += await gateway.team(lead, "harbor", "Marina", "Pau")
        await gateway.class_named(lead, "Gull")
        await team.label_in_bat("Marina", "marina")
        yield team
