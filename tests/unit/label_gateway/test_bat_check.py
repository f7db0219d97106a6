"""`escolta bat check`: what keeps us from a BAT, in a sentence, with what its operator has to do."""

import asyncio
import os
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from escolta.settings import Settings
from label_gateway.bat.check import Found, looked_at
from label_gateway.bat.client import open_bat
from servers.bat.process import PASSWORD, USER, BatProcess
from servers.process import free_ports


async def checked(url: str, **chosen: object) -> list[Found]:
    settings = Settings(
        **{"bat_url": url, "bat_user": USER, "bat_password": SecretStr(PASSWORD), **chosen}  # type: ignore[arg-type]
    )
    async with open_bat(settings) as bat:
        return [found async for found in looked_at(bat)]


async def test_a_bat_as_it_is_works_and_lies_open(bat: BatProcess):
    found = await checked(bat.url)
    assert not any(one.stops for one in found)
    [to_do] = [one for one in found if one.todo]
    assert "/tmp/.env with its secrets" in to_do.what
    assert "a network of your own" in to_do.todo


async def test_nothing_is_changed_and_no_page_of_an_annotation_is_opened(bat: BatProcess):
    await bat.forget_requests()
    await checked(bat.url)
    asked = await bat.asked()
    assert [one["path"] for one in asked if one["method"] not in ("GET", "HEAD")] == ["/annotation_tool/"]
    assert not any("new_annotation" in one["path"] for one in asked)


async def test_where_nothing_answers(bat: BatProcess):
    [port] = free_ports(1)
    [found] = await checked(f"http://127.0.0.1:{port}")
    assert found.stops
    assert found.what.startswith(f"BAT at 127.0.0.1:{port} does not answer")
    assert found.todo == "start it, or correct ESCOLTA_BAT_URL"


async def test_a_page_that_is_not_bat(bat: BatProcess):
    await bat.fault("elsewhere", "GET")
    [found] = await checked(bat.url)
    assert found.stops
    assert "is not BAT" in found.what
    assert "Welcome to nginx!" in found.what
    assert found.todo == "correct the address"


async def test_another_program_that_answers_with_json(bat: BatProcess):
    [found] = await checked(f"{bat.url}/_test/state")
    assert found.stops
    assert "is not BAT" in found.what


async def test_a_wrong_password(bat: BatProcess):
    [found] = await checked(bat.url, bat_password=SecretStr("guessed"))
    assert found.stops
    assert "Invalid login or password" in found.what
    assert found.todo == "set ESCOLTA_BAT_PASSWORD anew"


async def test_a_user_who_is_no_superuser(bat: BatProcess):
    await bat.add_user("marina", "of marina")
    [found] = await checked(bat.url, bat_user="marina", bat_password=SecretStr("of marina"))
    assert found.stops
    assert "'marina' is no superuser" in found.what
    assert "createsuperuser" in found.todo


async def test_a_superuser_to_whom_the_admin_is_closed(bat: BatProcess):
    await bat.add_user("almost", "of almost", superuser=True, staff=False)
    *_, found = await checked(bat.url, bat_user="almost", bat_password=SecretStr("of almost"))
    assert found.stops
    assert "admin pages are closed" in found.what
    assert found.todo == "make our user staff, too"


async def test_a_host_that_bat_does_not_know_and_the_way_round_it(bat: BatProcess):
    await bat.run_with(hosts=("bat.harbor.example",))
    [found] = await checked(bat.url)
    assert found.stops
    assert "does not answer to the name '127.0.0.1" in found.what
    assert "ALLOWED_HOSTS" in found.todo
    assert not any(one.stops for one in await checked(bat.url, bat_host="bat.harbor.example"))


async def test_a_toolbar_that_makes_pages_take_minutes(bat: BatProcess):
    await bat.run_with(toolbar=True, slow_s=3600.0)
    found = await checked(bat.url)
    assert not any(one.stops for one in found)
    [to_do] = [one for one in found if "toolbar" in one.what]
    assert "INTERNAL_IPS" in to_do.todo


async def test_names_that_break_pages_for_everybody(bat: BatProcess):
    async with open_bat(
        Settings(bat_url=bat.url, bat_user=USER, bat_password=SecretStr(PASSWORD))
    ) as by_hand:
        await by_hand.add_class("café")
    found = [one for one in await checked(bat.url) if one.todo]
    assert any("'café', which is not ASCII" in one.what for one in found)
    assert any("admin's list of classes fails" in one.what for one in found)


@pytest.mark.parametrize("url", ["nothing", "not BAT", "a BAT", "no setting"])
async def test_the_command_ends_with_what_it_found(bat: BatProcess, catalog_url: str, tmp_path: Path, url):
    [port] = free_ports(1)
    chosen = {
        "nothing": {"ESCOLTA_BAT_URL": f"http://127.0.0.1:{port}"},
        "not BAT": {"ESCOLTA_BAT_URL": f"{bat.url}/_test/state"},
        "a BAT": {"ESCOLTA_BAT_URL": bat.url},
        "no setting": {},
    }[url]
    environment = {"ESCOLTA_BAT_USER": USER, "ESCOLTA_BAT_PASSWORD": PASSWORD, **chosen}
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("escolta"),
        *("bat", "check"),
        cwd=tmp_path,
        env={**os.environ, "ESCOLTA_CATALOG_URL": catalog_url, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, said = (text.decode().strip() for text in await process.communicate())
    if url == "a BAT":
        assert process.returncode == 3
        assert [line[0] for line in printed.splitlines()] == ["✓"] * 6 + ["!"] * 3
        assert "! nobody labels in BAT: give labelers the names" in printed
        assert "! there is no class but Doubt: add the classes" in printed
    elif url == "no setting":
        assert process.returncode == 2
        assert said.startswith("escolta: ESCOLTA_BAT_URL is not set")
    else:
        assert process.returncode == 1
        assert len(printed.splitlines()) == 1
        assert printed.startswith("✗ ")
    assert PASSWORD not in printed + said
