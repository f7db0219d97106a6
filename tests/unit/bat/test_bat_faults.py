"""The double of BAT: what is made to go wrong goes wrong, then and only then."""

import asyncio

import httpx
import pytest
from unit.bat.at_bat import title, wav_file

IMPATIENT = httpx.Timeout(240, read=0.3)
"""Asks for all it wants, and gives up when no answer comes."""


@pytest.mark.parametrize(
    ("kind", "there"), [("silent after", 1), ("silent before", 0), ("cut after", 1), ("cut before", 0)]
)
async def test_without_an_answer_it_is_done_or_not(bat, operator, kind, there):
    project = await operator.add_project("one")
    await bat.fault(kind, "POST", "/upload_data/")
    operator.browser.timeout = IMPATIENT
    with pytest.raises(httpx.TransportError):
        await operator.upload(project, ("a.wav", wav_file()))
    while len(await bat.struck()) < 1 or len(bat.rows("SELECT * FROM wavs")) < there:
        await asyncio.sleep(0.01)  # it may come to it after we have gone
    assert len(await bat.struck()) == 1
    assert len(bat.rows("SELECT * FROM wavs")) == there
    operator.browser.timeout = httpx.Timeout(240)
    assert (await operator.upload(project, ("a.wav", wav_file()))).status_code == 302


async def test_a_failed_upload_leaves_its_file_and_no_row(bat, operator):
    project = await operator.add_project("one")
    await bat.fault("failed", "POST", "/upload_data/", skip=1)
    assert (await operator.upload(project, ("a.wav", wav_file()))).status_code == 302
    response = await operator.upload(project, ("b.wav", wav_file()))
    assert (response.status_code, title(response)) == (500, "Failed: out of luck // Werkzeug Debugger")
    assert bat.rows("SELECT name FROM wavs") == [("a.wav",)]
    assert len(bat.uploaded()) == 2


async def test_a_page_may_come_from_elsewhere(bat, operator):
    await bat.fault("elsewhere", "GET", "/projects/")
    assert title(await operator.get("projects/")) == "Welcome to nginx!"
    assert title(await operator.get("projects/")) == "Projects"


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_request_is_held_until_the_test_lets_it_go(bat, operator, when):
    await bat.fault(f"held {when}", "POST", "/classes/")
    asking = asyncio.create_task(operator.post("classes/", name="dog"))
    while not await bat.held():
        await asyncio.sleep(0.01)
    assert len(bat.rows("SELECT * FROM classes")) == (1 if when == "after" else 0)
    await bat.mend()
    assert (await asking).status_code == 302
    assert len(bat.rows("SELECT * FROM classes")) == 1


async def test_it_comes_back_with_what_it_had(bat, operator):
    await operator.post("classes/", name="dog")
    bat.kill()
    with pytest.raises(httpx.TransportError):
        await operator.get("classes/")
    assert bat.rows("SELECT name FROM classes") == [("dog",)]
    await bat.start()
    assert "dog" in (await operator.get("classes/")).text


async def test_every_request_is_remembered(bat, operator):
    await bat.forget_requests()
    await asyncio.gather(*(operator.get("annotations/?project=one") for _ in range(3)))
    asked = await bat.asked()
    assert [one["path"] for one in asked] == ["/annotation_tool/annotations/?project=one"] * 3
    assert {(one["method"], one["user"], one["status"]) for one in asked} == {("GET", "escolta", 200)}
