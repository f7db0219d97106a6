"""The bytes of an audio over HTTP."""

from uuid import uuid4

import pytest

from label_gateway.http.recordings import Unsatisfiable, requested_part

RECORDING = b"RIFF" + bytes(range(256)) * 4


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


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("", None),
        ("bytes=0-", range(0, 10)),
        ("bytes=3-5", range(3, 6)),
        ("bytes=3-99", range(3, 10)),
        ("bytes=-4", range(6, 10)),
        ("bytes=-99", range(0, 10)),
        ("bytes=5-3", None),
        ("bytes=-", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-1", None),
        (f"bytes={'9' * 5000}-", None),
    ],
)
def test_a_range_header_names_bytes_or_nothing(header, part):
    assert requested_part(header, 10) == part


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_a_range_without_a_byte_is_unsatisfiable(header):
    with pytest.raises(Unsatisfiable):
        requested_part(header, 10)
