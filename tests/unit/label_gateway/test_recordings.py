"""The bytes of an audio over HTTP."""

import asyncio
import io
import tracemalloc
from urllib.parse import urlsplit
from uuid import uuid4

import numpy as np
import pytest
import soundfile
from unit.label_gateway.at_work import RECORDING

from escolta import audio


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


async def test_a_labeler_is_told_which_channels_are_heard(gateway, ana):
    [task] = await gateway.until_tasks(ana, 1)
    assert task["channels_heard"] is None
    told = "channel 1 of 2: channel 2 is inverted"
    await gateway.on.catalog.execute("UPDATE audio.audios SET channels_heard = $1", told)
    [task] = await gateway.until_tasks(ana, 1)
    assert task["channels_heard"] == told


async def test_what_no_browser_decodes_is_given_in_another_form_and_in_parts(gateway, ana, address):
    out = io.BytesIO()
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 4000)
    soundfile.write(out, noise, 8_000, format="WAV", subtype="DOUBLE")
    await gateway.on.objects.delete(await object_key(gateway))
    await gateway.on.objects.put(await object_key(gateway), out.getvalue())
    whole = await ana.get(address)
    assert whole.headers["content-type"] == "audio/wav"
    assert soundfile.info(io.BytesIO(whole.content)).subtype == "FLOAT"
    np.testing.assert_array_equal(audio.read(whole.content)[0], noise.astype(np.float32))
    part = await ana.get(address, headers={"range": "bytes=100-199", "if-range": whole.headers["etag"]})
    assert part.content == whole.content[100:200]


async def test_what_stalled_readers_have_not_read_is_not_in_memory(gateway, ana, address):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 6_000_000).astype(np.float32)
    recording = audio.write(noise, 48_000)
    await gateway.on.objects.delete(await object_key(gateway))
    await gateway.on.objects.put(await object_key(gateway), recording)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    readers = [await stalled(gateway, address) for _ in range(12)]
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held - before < 3 * len(recording)  # of twelve: some may just be on their way to a file
    for reader, writer in readers:
        assert await reader.readexactly(len(recording)) == recording
        writer.close()


async def stalled(gateway, address):
    """Somebody who has read the head of the answer and reads no more of it."""
    url = urlsplit(gateway.on.http_url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port, limit=1 << 12)
    head = [
        f"GET {address} HTTP/1.1",
        f"Host: {url.netloc}",
        f"Authorization: Bearer {await gateway.token('lead')}",
    ]
    writer.write("\r\n".join([*head, "", ""]).encode())
    assert b"content-length: 12000044" in (await reader.readuntil(b"\r\n\r\n")).lower()
    return reader, writer


async def object_key(gateway):
    return await gateway.on.catalog.fetchval(
        "SELECT path || object_name FROM audio.audios JOIN audio.paths USING (path_id)"
    )
