"""`escolta greet`: a way in, from a terminal, beside services that are at work."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from at_work import SECRET
from unit.label_gateway.at_work import GatewayAtWork, gateway_at_work

from label_gateway.people import labelers as people
from servers.plain import NO_TLS


class Terminal:
    """A person at a terminal in a folder, with an environment."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self._folder = folder
        self._environment = os.environ | environment

    async def greet(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, and what `escolta greet` printed and said."""
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("escolta"),
            "greet",
            *arguments,
            cwd=self._folder,
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, said = await process.communicate()
        return process.returncode or 0, printed.decode().strip(), said.decode().strip()

    async def link(self, *arguments: str) -> str:
        status, printed, said = await self.greet(*arguments)
        assert status == 0, said
        return printed.split()[-1]


@pytest.fixture
def terminal(gateway, tmp_path) -> Terminal:
    """Beside label-gateway of a deployment whose broker is away: no link goes over it."""
    return Terminal(
        tmp_path,
        ESCOLTA_CATALOG_URL=gateway.on.settings.catalog_url,
        ESCOLTA_BUS_URL="amqp://nobody:nothing@127.0.0.1:9",
        ESCOLTA_STATE_DIR=str(tmp_path / "of the terminal"),
        ESCOLTA_SECRET=SECRET,
    )


async def test_a_link_leads_to_the_pages_that_are_served_and_signs_in(gateway, terminal):
    link = await terminal.link()
    assert link.startswith(f"{gateway.on.http_url}/sign-in#")
    me = (await (await gateway.person(link)).get("/api/me")).json()
    assert (me["name"], me["role"]) == ("lead", "lead")


async def test_a_link_is_made_for_whom_it_is_asked(gateway, terminal):
    await gateway.team(await gateway.lead(), "harbor", "ana")
    assert (await (await gateway.person(await terminal.link(" ana"))).get("/api/me")).json()["name"] == "ana"
    status, _, said = await terminal.greet("nobody")
    assert (status, "'nobody'" in said, "--lead" in said, "Traceback" in said) == (2, True, True, False)


async def test_where_nobody_can_sign_in_a_lead_is_made(gateway, terminal):
    await people.ensure_a_lead(gateway.on.catalog)
    await gateway.on.catalog.execute("UPDATE audio.labelers SET enabled = false")
    status, _, said = await terminal.greet()
    assert (status, "escolta greet NAME --lead" in said) == (2, True)
    lead = await gateway.person(await terminal.link("eva", "--lead"))
    assert (await lead.get("/api/labelers")).status_code == 200


async def test_a_token_is_one_for_the_api(gateway, terminal):
    _, token, _ = await terminal.greet("--token")
    api = await gateway.person()
    answer = await api.get("/api/me", headers={"authorization": f"Bearer {token}"})
    assert answer.json()["name"] == "lead"


@pytest.fixture
def folder_of_a_demo(tmp_path, monkeypatch) -> Path:
    """As `make demo` makes it: below the state folder, with its own secret."""
    monkeypatch.chdir(tmp_path)
    folder = Path("var/demo/harbor")
    folder.mkdir(parents=True)
    (folder / "secret").write_text(SECRET)
    return folder


@pytest.fixture
async def demo(folder_of_a_demo) -> AsyncIterator[GatewayAtWork]:
    async with gateway_at_work(f"embedded://{folder_of_a_demo}/catalog", folder_of_a_demo) as gateway:
        yield gateway


async def test_beside_a_running_demo_it_finds_its_folder(demo, tmp_path):
    terminal = Terminal(tmp_path)
    for arguments in ((), ("--state-dir", "var/demo/harbor")):
        lead = await demo.person(await terminal.link(*arguments))
        assert (await lead.get("/api/labelers")).status_code == 200
    status, token, said = await terminal.greet("--token")
    assert (status, "var/demo/harbor" in said) == (0, True)
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        base_url=demo.on.http_url, headers=headers, trust_env=False, timeout=120, verify=NO_TLS
    ) as api:
        assert (await api.get("/api/me")).json()["role"] == "lead"


async def test_a_folder_that_is_no_installation_is_named(tmp_path):
    status, _, said = await Terminal(tmp_path).greet("--state-dir", "nowhere")
    assert (status, "nowhere" in said, "Traceback" in said) == (2, True, False)
