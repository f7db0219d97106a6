"""A session with BAT, or with what poses as one: nothing is followed, nothing is guessed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from pydantic import SecretStr

from escolta.errors import Misconfigured
from escolta.settings import Settings
from label_gateway.bat import session as sessions
from label_gateway.bat.client import open_bat
from label_gateway.bat.errors import BatError, BatFailed, BatUnreachable, NotLetIn, UnexpectedPage
from servers.bat.process import PASSWORD, USER, BatProcess


def settings_for(url: str, **chosen: object) -> Settings:
    known = {"bat_url": url, "bat_user": USER, "bat_password": SecretStr(PASSWORD)}
    return Settings(**{**known, **chosen})  # type: ignore[arg-type]  # pydantic checks


@asynccontextmanager
async def poser(answer: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Whoever is asked gets this answer; its address, and what it was asked."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


def page(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers])
    return lines.encode() + b"\r\n\r\n" + body


async def test_a_redirect_is_followed_nowhere_and_the_password_goes_to_nobody():
    async with (
        poser(page("200 OK")) as (elsewhere, asked_there),
        poser(page("302 Found", b"", f"Location: {elsewhere}/annotation_tool/")) as (url, asked),
        open_bat(settings_for(url)) as bat,
    ):
        with pytest.raises(UnexpectedPage, match="redirect"):
            await bat.classes()
    assert asked_there == []
    assert not any(PASSWORD.encode() in one for one in asked)


async def test_a_certificate_that_cannot_be_read_is_an_error_and_no_way_round_it():
    async with poser(page("200 OK")) as (url, _), open_bat(settings_for(url.replace("http", "https"))) as bat:
        with pytest.raises(BatUnreachable, match="does not answer"):
            await bat.classes()


async def test_a_page_without_an_end_is_given_up(monkeypatch):
    monkeypatch.setattr(sessions, "LARGEST_PAGE_BYTES", 1_000)
    async with poser(page("200 OK", b"x" * 100_000)) as (url, _), open_bat(settings_for(url)) as bat:
        with pytest.raises(UnexpectedPage, match="more than 1,000 bytes"):
            await bat.classes()


@pytest.mark.parametrize(
    "answer",
    [
        page("200 OK", b"\xff\xfe\x00not text", "Content-Type: text/html; charset=utf-8"),
        page("200 OK", b"", "Content-Encoding: gzip"),
        page("200 OK", b"not gzip", "Content-Encoding: gzip"),
        page("204 No Content"),
        page("404 Not Found", b"<title>nothing here</title>"),
        page("403 Forbidden", b"403 Forbidden"),
        page("500 Server Error", b"<h1>Server Error (500)</h1>"),
        page("503 Service Unavailable"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"",
    ],
)
async def test_whatever_answers_is_an_error_of_one_sentence_and_never_an_empty_list(answer):
    async with poser(answer) as (url, _), open_bat(settings_for(url)) as bat:
        with pytest.raises(BatError) as error:
            await bat.classes()
    assert "\n" not in str(error.value)
    assert PASSWORD not in str(error.value)


async def test_an_answer_that_does_not_come_is_given_up(bat: BatProcess):
    await bat.fault("silent after", "POST", "/classes/")
    async with open_bat(settings_for(bat.url)) as client:
        assert await client.classes() == []  # it is signed in
        client.session._http.timeout = httpx.Timeout(240, read=0.5)
        with pytest.raises(BatUnreachable, match="does not answer"):
            await client.add_class("Gull")
    while not bat.rows("SELECT * FROM classes"):  # it may come to it after we have gone
        await asyncio.sleep(0.01)
    async with open_bat(settings_for(bat.url)) as client:
        assert [it.name for it in await client.classes()] == ["Gull"]


async def test_a_session_that_ended_is_begun_again_once_and_the_form_sent_again(bat: BatProcess):
    async with open_bat(settings_for(bat.url)) as client:
        await client.add_class("Gull")
        await bat.forget_requests()
        await bat.fault("session expired", "POST", "/classes/")
        await client.add_class("Tern")
        assert [it.name for it in await client.classes()] == ["Gull", "Tern"]
    asked = [(one["method"], one["status"]) for one in await bat.asked()]
    assert asked == [("POST", 302), ("GET", 200), ("POST", 302), ("POST", 302), ("GET", 200)]


async def test_a_session_that_ends_at_once_is_an_error_and_no_loop(bat: BatProcess):
    async with open_bat(settings_for(bat.url)) as client:
        await bat.fault("session expired", "GET", "/classes/", times=9)
        with pytest.raises(NotLetIn):
            await client.classes()
    assert len(await bat.struck()) == 2


async def test_whoever_may_not_read_the_admin_is_told_so(bat: BatProcess):
    await bat.add_user("almost", "of almost", superuser=True, staff=False)
    almost = settings_for(bat.url, bat_user="almost", bat_password=SecretStr("of almost"))
    async with open_bat(almost) as client:
        with pytest.raises(NotLetIn, match="staff and superuser"):
            await client.wavs(1)


async def test_the_exception_that_bat_names_is_told(bat: BatProcess):
    async with open_bat(settings_for(bat.url)) as client:
        await client.add_class("Gull")
        await client.add_project("2026-one", ["Gull"])
        with pytest.raises(BatFailed, match="IntegrityError"):
            await client.add_project("2026-one", ["Gull"])
        with pytest.raises(UnexpectedPage, match="more than 50 characters"):
            await client.add_class("x" * 51)


async def test_every_page_asks_for_no_toolbar_and_one_page_at_a_time(bat: BatProcess):
    await bat.run_with(toolbar=True, slow_s=3600.0)
    await bat.forget_requests()
    async with open_bat(settings_for(bat.url)) as client:
        assert await client.projects() == await client.classes() == []
    assert all(one["toolbar_off"] for one in await bat.asked())
    assert await bat.most_at_once() == 1


async def test_a_list_of_the_admin_s_is_read_to_its_end(bat: BatProcess):
    async with open_bat(settings_for(bat.url)) as client:
        for number in range(200):
            await client.add_class(f"class_{number}")
        rows = await client._rows("class")
        assert [row.label for row in rows] == [f"class_{number}" for number in range(200)]
        await client.add_class("one_more")
        assert len(await client._rows("class")) == 201


@pytest.mark.parametrize(
    ("chosen", "named"),
    [
        ({"bat_url": ""}, "ESCOLTA_BAT_URL"),
        ({"bat_user": ""}, "ESCOLTA_BAT_USER"),
        ({"bat_password": None}, "ESCOLTA_BAT_PASSWORD"),
    ],
)
async def test_a_setting_that_is_missing_is_named(chosen, named):
    with pytest.raises(Misconfigured, match=named):
        async with open_bat(settings_for("http://127.0.0.1:9", **chosen)):
            pass
