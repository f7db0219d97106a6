"""What ends at label-gateway ends at every service, though each is a process of its own."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from escolta.audit import INSTALLATION
from escolta.runtime import find_services, running
from escolta.service import Platform
from escolta.settings import Settings
from escolta.web import sessions
from label_gateway.people.labelers import make_lead
from label_gateway.people.sign_in import new_link
from servers.plain import NO_TLS

FOR_LEADS = {"ingest": "/api/nodes", "embedder": "/api/embedder", "al-engine": "/api/iterations/strategies"}


class Everywhere:
    """Label-gateway and one other service, each on a platform of its own, over one catalog."""

    def __init__(self, gateway: Platform, other: Platform, path: str) -> None:
        self.gateway, self.other, self._path = gateway, other, path
        self.lead = httpx.AsyncClient(base_url=gateway.http_url, trust_env=False, timeout=120, verify=NO_TLS)

    async def sign_in(self, name: str) -> None:
        person = await make_lead(self.gateway.catalog, name, INSTALLATION)
        link = await new_link(self.gateway, person, INSTALLATION)
        answer = await self.lead.post("/api/session", json={"token": link.partition("#")[2]})
        self.lead.headers["authorization"] = f"Bearer {answer.json()['token']}"

    async def status(self) -> int:
        """What the other service answers to the lead."""
        return (await self.lead.get(self.other.http_url + self._path)).status_code


@pytest.fixture(params=sorted(FOR_LEADS))
async def everywhere(
    request: pytest.FixtureRequest, catalog_url: str, tmp_path: Path
) -> AsyncIterator[Everywhere]:
    def settings(name: str) -> Settings:
        return Settings(
            catalog_url=catalog_url,
            objects_url=f"file://{tmp_path}/objects",
            state_dir=tmp_path / name,
            secret=SecretStr("the one secret of all services"),
            model="placeholder",
        )

    async with AsyncExitStack() as stack:
        at_work = [
            await stack.enter_async_context(running(settings(name), find_services([name])))
            for name in ("label-gateway", request.param)
        ]
        [gateway, other] = [on for on, _ in at_work]
        everywhere = Everywhere(gateway, other, FOR_LEADS[request.param])
        await everywhere.sign_in("eva")
        yield everywhere
        await everywhere.lead.aclose()


async def sign_out(everywhere: Everywhere) -> None:
    assert (await everywhere.lead.delete("/api/session")).status_code == 204


async def sign_out_everywhere(everywhere: Everywhere) -> None:
    assert (await everywhere.lead.delete("/api/me/sessions")).status_code == 204


async def demote(everywhere: Everywhere) -> None:
    await make_lead(everywhere.gateway.catalog, "nuria", INSTALLATION)
    me = (await everywhere.lead.get("/api/me")).json()
    state = {"role": "labeler", "group": None, "enabled": True}
    assert (await everywhere.lead.put(f"/api/labelers/{me['labeler_id']}", json=state)).status_code == 200


async def disable(everywhere: Everywhere) -> None:
    await make_lead(everywhere.gateway.catalog, "nuria", INSTALLATION)
    me = (await everywhere.lead.get("/api/me")).json()
    state = {"role": "lead", "group": None, "enabled": False}
    assert (await everywhere.lead.put(f"/api/labelers/{me['labeler_id']}", json=state)).status_code == 200


@pytest.mark.parametrize(
    ("end", "status"), [(sign_out, 401), (sign_out_everywhere, 401), (demote, 403), (disable, 401)]
)
async def test_what_ends_at_the_gateway_ends_at_every_service(
    everywhere: Everywhere, end: Callable, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await everywhere.status() == 200
    await end(everywhere)
    monkeypatch.setattr(sessions, "FRESH_S", 0.0)  # as after the five seconds that it is
    assert await everywhere.status() == status


def test_an_answer_is_taken_for_half_of_the_ten_seconds_that_are_promised() -> None:
    assert sessions.FRESH_S <= 5


def test_every_service_that_answers_people_is_asked_here() -> None:
    answering = {
        folder.name
        for folder in (Path(__file__).parents[2] / "services").iterdir()
        if any("escolta.web" in path.read_text("utf-8") for path in folder.rglob("*.py"))
    }
    assert answering == {"label-gateway", *FOR_LEADS}
