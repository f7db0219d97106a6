"""The bytes of an audio over HTTP."""

from uuid import uuid4

import pytest
from unit.label_gateway.at_work import RECORDING


@pytest.fixture
async def ana(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    await gateway.propose(1)
    return ana


@pytest.fixture
async def address(gateway, ana):
    [task] = await gateway.until_tasks(ana, 1)
    return f"/api/audio/{task['audio_id']}"


async def test_a_labeler_hears_what_the_group_was_given(ana, address):
    answer = await ana.get(address)
    assert answer.content == RECORDING
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cache-control"].startswith("private")


async def test_another_group_does_not_hear_it_and_a_lead_does(gateway, ana, address):
    lead = await gateway.lead()
    [ben] = await gateway.team(lead, "campus", "ben")
    assert (await ben.get(address)).status_code == 403
    assert (await lead.get(address)).content == RECORDING


async def test_an_audio_that_is_not_there_tells_a_labeler_nothing(gateway, ana):
    assert (await ana.get(f"/api/audio/{uuid4()}")).status_code == 403
    lead = await gateway.lead()
    assert (await lead.get(f"/api/audio/{uuid4()}")).status_code == 404


async def test_a_player_gets_the_part_that_it_asks_for(ana, address):
    for wanted, first, last in (("bytes=0-3", 0, 3), ("bytes=1000-", 1000, len(RECORDING) - 1)):
        answer = await ana.get(address, headers={"range": wanted})
        assert answer.status_code == 206
        assert answer.content == RECORDING[first : last + 1]
        assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(RECORDING)}"


async def test_a_part_after_the_end_is_refused_with_the_length(ana, address):
    answer = await ana.get(address, headers={"range": "bytes=99999-"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(RECORDING)}")


async def test_what_the_browser_has_is_not_sent_again(ana, address):
    etag = (await ana.get(address)).headers["etag"]
    answer = await ana.get(address, headers={"if-none-match": etag})
    assert (answer.status_code, answer.content) == (304, b"")


async def test_a_part_of_another_recording_is_not_mixed_in(ana, address):
    answer = await ana.get(address, headers={"range": "bytes=0-3", "if-range": '"another"'})
    assert (answer.status_code, answer.content) == (200, RECORDING)
