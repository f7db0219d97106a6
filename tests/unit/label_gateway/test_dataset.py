"""The data set, as it is downloaded."""

import asyncio
import csv
from contextlib import AsyncExitStack, aclosing
from io import StringIO

import pytest

from label_gateway.datasets import dataset


@pytest.fixture
async def labeled(gateway):
    """Nine audios, the first three in two batches; each said to hold two sounds by ana."""
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    await gateway.propose(9)
    await gateway.until_tasks(ana, 9)
    db = gateway.on.catalog
    await db.execute(
        "INSERT INTO al.al_preprocessing (iteration_id, status, nodes, window_start, window_end, batch,"
        " follow_ups, proposed_at) VALUES (gen_random_uuid(), 'closed', '{}', now(), now(), 3, 0, now())"
    )
    await db.execute(
        "INSERT INTO al.wavs_proposed"
        " (iteration_id, audio_id, start_utc, node, file_name, rank, disjoint_set)"
        " SELECT i.iteration_id, audio_id, start_utc, node, file_name, rank, 1"
        " FROM al.wavs_proposed, al.al_preprocessing i WHERE i.status = 'closed' AND rank < 3"
    )
    await db.execute(
        "INSERT INTO audio.chunks (iteration_id, audio_id, labeler_id, class_id, onset_s, offset_s)"
        " SELECT iteration_id, audio_id, labeler_id, 1, onset_s, onset_s + 1"
        " FROM al.wavs_proposed, audio.labelers, generate_series(0, 1) AS onset_s WHERE name = 'ana'"
    )
    await db.execute(
        "INSERT INTO label.agreements (iteration_id, audio_id, class_id, labelers, agreement_percent)"
        " SELECT iteration_id, audio_id, 1, 1, 100 FROM al.wavs_proposed"
    )
    return lead


@pytest.mark.parametrize("name", ["labels", "chunks"])
async def test_it_is_the_same_whatever_the_pages_it_is_read_in(labeled, name, monkeypatch):
    whole = (await labeled.get(f"/api/dataset/{name}.csv")).text
    assert len(whole.splitlines()) == 1 + {"labels": 12, "chunks": 24}[name]
    for audios in (1, 2, 5):
        monkeypatch.setattr(dataset, "AUDIOS_AT_ONCE", audios)
        assert (await labeled.get(f"/api/dataset/{name}.csv")).text == whole


async def test_downloads_that_are_fetched_slowly_hold_nothing_that_labelers_need(
    gateway, labeled, monkeypatch
):
    """More of them than there are connections, each stopped in the middle."""
    monkeypatch.setattr(dataset, "AUDIOS_AT_ONCE", 1)
    pool = gateway.on.catalog
    async with AsyncExitStack() as ended:
        downloads = [
            await ended.enter_async_context(aclosing(dataset.csv_of(pool, dataset.CHUNKS))) for _ in range(10)
        ]
        for download in downloads:
            for _ in range(3):
                await anext(download)
            assert pool.get_idle_size() == pool.get_size()
        tasks = await asyncio.gather(*(labeled.get("/api/tasks") for _ in range(10)))
        assert {answer.status_code for answer in tasks} == {200}
        lines = [[line async for line in download] for download in downloads]
    assert {len(rest) for rest in lines} == {10}


async def test_while_very_many_events_are_written_others_have_their_turn(gateway, labeled):
    pool, turns = gateway.on.catalog, 0
    await pool.execute(
        "INSERT INTO audio.chunks (iteration_id, audio_id, labeler_id, class_id, onset_s, offset_s)"
        " SELECT iteration_id, audio_id, labeler_id, class_id, 0, number FROM audio.chunks,"
        " generate_series(1, 150) AS number"
    )

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(take_turns())
    before, pieces = [], []
    async for piece in dataset.csv_of(pool, dataset.CHUNKS):
        before.append(turns)
        pieces.append(piece.count("\r\n"))
    other.cancel()
    assert pieces == [1, 1000, 1000, 1000, 624]
    assert len(set(before)) == len(before)


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", *"\uff1d\uff0b\uff0d\uff20"])
async def test_a_name_that_a_spreadsheet_would_run_is_text(gateway, begin):
    """A class, a labeler and a file of such names; numbers stay numbers."""
    evil = f'{begin}HYPERLINK("http://example.org")'
    lead = await gateway.lead()
    [labeler] = await gateway.team(lead, "harbor", f"{begin}1+1")
    await gateway.propose(1)
    [task] = await gateway.until_tasks(labeler, 1)
    await gateway.on.catalog.execute("UPDATE audio.audios SET file_name = $1", f"{begin}cmd.wav")
    mark = {"class_id": await gateway.class_named(lead, evil), "onset_s": 0, "offset_s": 2.5}
    await labeler.put(f"/api/tasks/{task['iteration_id']}/{task['audio_id']}", json={"events": [mark]})
    [chunk] = csv.DictReader(StringIO((await lead.get("/api/dataset/chunks.csv")).text))
    assert (chunk["label"], chunk["labeler"], chunk["file_name"]) == (
        f"'{evil}",
        f"'{begin}1+1",
        f"'{begin}cmd.wav",
    )
    assert (chunk["onset_s"], chunk["offset_s"]) == ("0.0", "2.5")
    [label] = csv.DictReader(StringIO((await lead.get("/api/dataset/labels.csv")).text))
    assert (label["label"], label["file_name"], label["labelers"]) == (f"'{evil}", f"'{begin}cmd.wav", "1")
