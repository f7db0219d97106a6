"""What people finish in BAT is said here, by the labelers who they are."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from unit.label_gateway.bat_pulled import Pulled, pulled

from escolta.events import AudioLabeled, IterationClosed
from label_gateway.bat.errors import BatUnreachable
from servers.bat.annotator import Heard
from servers.bat.process import BatProcess

GULL = Heard("Gull", 1.5, 3.25)


@pytest.fixture
async def team(bat: BatProcess, catalog_url: str, tmp_path: Path) -> AsyncIterator[Pulled]:
    async with pulled(bat, catalog_url, tmp_path) as team:
        yield team


async def gull(team: Pulled) -> dict[str, object]:
    return {"class_id": await team.gateway.class_named(team.lead, "Gull"), "onset_s": 1, "offset_s": 2}


async def test_what_is_finished_in_bat_is_said_by_its_labeler_after_two_rounds(team: Pulled):
    [marked, silent] = await team.finishes("marina", [GULL], [])
    await team.rounds(1)
    assert await team.answered() == []
    await team.rounds(1)
    assert await team.answered() == sorted([("Marina", marked), ("Marina", silent)])
    assert await team.said() == [(marked, "Gull", 1.5, 3.25)]
    noted = "SELECT count(*) FROM audio.audit WHERE what = 'labeled' AND name = 'Marina'"
    assert await team.gateway.on.catalog.fetchval(noted) == 2
    assert await team.listed() == []


async def test_rounds_in_which_nothing_is_new_say_nothing_again(team: Pulled):
    await team.finishes("marina", [GULL])
    await team.rounds(2)
    await team.bat.forget_requests()
    await team.rounds(3)
    noted = "SELECT count(*) FROM audio.audit WHERE what = 'labeled' AND name = 'Marina'"
    assert await team.gateway.on.catalog.fetchval(noted) == 1
    assert [one for one in await team.bat.asked() if "/change/" in one["path"]] == []


async def test_what_is_begun_and_not_finished_is_not_read(team: Pulled):
    marina = await team.annotator("marina")
    page = await marina.next(await team.project_name)
    assert page
    await marina.mark(page, [GULL])
    await team.rounds(3)
    assert await team.answered() == []


async def test_sounds_that_overlap_come_back_as_they_were_marked(team: Pulled):
    engine = await team.gateway.class_named(team.lead, "Engine")
    assert engine
    heard = [Heard("Gull", 1, 7), Heard("Gull", 3, 4), Heard("Gull", 7, 8.5), Heard("Doubt", 6.5, 9)]
    [wav] = await team.finishes("marina", heard)
    await team.rounds(2)
    assert len(team.bat.rows("SELECT * FROM regions")) > len(heard)
    in_order = sorted(heard, key=lambda one: one.onset_s)
    assert await team.said() == [(wav, one.name, one.onset_s, one.offset_s) for one in in_order]


async def test_times_come_back_within_a_millisecond(team: Pulled):
    rng = np.random.default_rng(3)
    onsets = np.sort(rng.uniform(0, 9.9, 40))
    random = [Heard("Gull", float(onset), float(onset) + 1e-3) for onset in onsets]
    for heard in (random, [Heard("Gull", 0, 0.01), Heard("Gull", 9.99, 10.0)], [Heard("Gull", 0, 10)]):
        [wav] = await team.finishes("marina", heard)
        await team.rounds(2)
        came = [(onset, offset) for name, _, onset, offset in await team.said() if name == wav]
        marked = [(one.onset_s, one.offset_s) for one in heard]
        assert np.abs(np.array(came) - np.array(marked)).max() <= 1e-3


async def test_a_group_that_labels_here_and_there_agrees_as_on_one_page(team: Pulled):
    wavs = await team.finishes("marina", [GULL], [], [GULL])
    for wav, events in zip(wavs, ([await gull(team)], [], []), strict=True):
        assert await team.labels_on_the_page("Pau", wav, *events) == 200
    assert not team.gateway.said(AudioLabeled)
    await team.rounds(2)
    labeled = await team.gateway.until_heard(AudioLabeled, 3)
    by_audio = {event.audio_id: event.label for event in labeled if isinstance(event, AudioLabeled)}
    audio_ids = await team.audio_ids(team.iteration_id)
    named = dict(zip(await team.names(audio_ids), audio_ids, strict=True))
    assert [by_audio[named[wav]] for wav in wavs] == ["Gull", None, None]
    await team.gateway.until_heard(IterationClosed, 1)


async def test_finished_again_it_replaces_what_was_said(team: Pulled):
    [wav] = await team.finishes("marina", [GULL])
    await team.rounds(2)
    await team.says_again("marina", wav, Heard("Gull", 5, 6))  # between two rounds
    await team.rounds(2)
    assert await team.said() == [(wav, "Gull", 5.0, 6.0)]
    await team.says_again("marina", wav)
    await team.rounds(2)
    assert await team.said() == []
    await team.says_again("marina", wav, Heard("Gull", 7, 8))  # nothing was there whose number could go
    await team.rounds(2)
    assert await team.said() == [(wav, "Gull", 7.0, 8.0)]


async def test_a_change_counts_that_was_there_before_the_last_of_the_group_had_finished(team: Pulled):
    await team.label_in_bat("Pau", "pau")
    [wav] = await team.finishes("marina", [GULL])
    await team.rounds(2)
    await team.says_again("marina", wav, Heard("Gull", 5, 6))
    assert await team.finishes("pau", [GULL]) == [wav]
    await team.bat.fault("failed", "GET", r"/region/\d+/change/", times=2)
    await team.rounds(2)  # Pau's could be read, and would settle the audio
    assert await team.answered() == [("Marina", wav)]
    await team.rounds(2)
    assert await team.said() == [(wav, "Gull", 1.5, 3.25), (wav, "Gull", 5.0, 6.0)]
    assert await team.listed() == []


async def test_whoever_labels_in_bat_may_answer_here_and_what_they_said_last_counts(team: Pulled):
    [wav] = await team.finishes("marina", [GULL])
    await team.rounds(2)
    assert await team.labels_on_the_page("Marina", wav) == 200
    await team.rounds(3)
    assert await team.said() == []
    await team.says_again("marina", wav, Heard("Gull", 5, 6))
    await team.rounds(2)
    assert await team.said() == [(wav, "Gull", 5.0, 6.0)]


async def test_what_somebody_has_gone_back_to_is_not_read_until_they_have_finished(team: Pulled):
    """BAT calls it finished all the while."""
    [wav] = await team.finishes("marina", [GULL])
    await team.rounds(1)
    marina = await team.annotator("marina")
    await marina.back(await team.project_name, wav)
    await team.rounds(3)
    assert team.bat.rows("SELECT status FROM annotations") == [("finished",)]
    assert await team.answered() == []
    await marina.say_instead(await team.project_name, wav, [Heard("Gull", 5, 6)])
    await team.rounds(2)
    assert await team.said() == [(wav, "Gull", 5.0, 6.0)]


async def test_what_is_deleted_and_done_anew_under_another_number_counts_anew(team: Pulled):
    [wav] = await team.finishes("marina", [GULL])
    await team.rounds(2)
    [(annotation_id,)] = team.bat.rows("SELECT id FROM annotations")
    async with team.client() as bat:
        await bat.session.delete(f"annotation_tool/annotation/{annotation_id}/")
    await team.rounds(2)
    assert await team.answered() == [("Marina", wav)], "it was said"
    again = await team.finishes("marina", *[[Heard("Gull", 8, 9)]] * 3)
    assert wav in again
    await team.rounds(2)
    assert (wav, "Gull", 8.0, 9.0) in await team.said()
    assert len(await team.said()) == 3


async def test_of_a_wav_that_is_there_twice_the_first_counts(team: Pulled):
    [(wav_id, name, project)] = team.bat.rows("SELECT id, name, project_id FROM wavs ORDER BY id LIMIT 1")
    data = team.bat.uploaded()[0].read_bytes()
    async with team.client() as bat:
        await bat.upload(project, name, data)
    await team.finishes("marina", *[[Heard("Gull", 1 + place, 2 + place)] for place in range(4)])
    [(start,)] = team.bat.rows(
        "SELECT events.start_time FROM events JOIN annotations ON annotations.id = annotation_id"
        " JOIN segments ON segments.id = segment_id WHERE wav_id = ?",
        wav_id,
    )
    await team.rounds(2)
    assert [said[2] for said in await team.said() if said[0] == name] == [pytest.approx(start)]
    assert len(await team.answered()) == 3


@pytest.mark.parametrize(
    "where", ["annotations/", "region/.*annotation", "region/[0-9]+/change", "prominence/"]
)
async def test_a_round_that_is_cut_off_anywhere_is_made_up_for_by_the_next(team: Pulled, where):
    wavs = await team.finishes("marina", [GULL], [], [GULL])
    await team.rounds(1)
    await team.bat.fault("cut before", "GET", where, skip=1)
    with pytest.raises(BatUnreachable):
        await team.rounds(1)
    await team.rounds(1)
    assert await team.bat.struck()
    assert await team.answered() == sorted(("Marina", wav) for wav in wavs)


async def test_after_closing_everything_is_read_once_more(team: Pulled):
    wavs = await team.finishes("marina", [GULL], [GULL], [])
    for wav in wavs:
        await team.labels_on_the_page("Pau", wav)
    await team.rounds(2)
    await team.gateway.until_heard(IterationClosed, 1)
    assert (await team.project(team.iteration_id))["read_to_end_at"] is None
    await team.says_again("marina", wavs[0], Heard("Gull", 5, 6))
    await team.rounds(2)
    assert (await team.project(team.iteration_id))["read_to_end_at"] is not None
    [listed] = await team.listed()
    assert (listed.audios, "after the audio was settled" in listed.reason) == (1, True)
    assert (wavs[0], "Gull", 1.5, 3.25) in await team.said(), "what was settled stays"
    await team.bat.forget_requests()
    await team.rounds(1)
    assert await team.bat.asked() == [], "nothing is left to be read"


async def test_a_project_is_deleted_once_all_of_it_was_read(team: Pulled):
    team.settings(bat_closed="delete")
    wavs = await team.finishes("marina", [GULL], [GULL], [])
    for wav in wavs:
        await team.labels_on_the_page("Pau", wav)
    await team.rounds(2)
    assert len(team.wavs_in_bat()) == 3
    await team.rounds(3)
    assert team.bat.rows("SELECT * FROM projects") == []
    assert len(await team.gateway.on.catalog.fetch("SELECT FROM audio.chunks")) == 2


async def test_what_changes_while_it_is_read_is_read_later(team: Pulled):
    """A silent audio gets a mark when we have just seen that it has none; another loses what we have read."""
    marina, name = await team.annotator("marina"), await team.project_name
    silent, marked = await team.finishes("marina", [], [GULL])
    await team.rounds(1)
    await team.bat.fault("held after", "GET", "event/.*annotation")
    round_ = asyncio.create_task(team.rounds(1))
    await held(team)
    page = await marina.open((await marina.mine(name))[silent])
    await marina.mark(page, [Heard("Gull", 5, 6)])
    await team.bat.mend()
    await team.bat.fault("held before", "GET", "classprominence/.*region")
    await held(team)
    await marina.back(name, marked)
    await team.bat.mend()
    await round_
    assert await team.answered() == []
    assert await team.listed() == []
    await marina.finish(page)
    await marina.say_instead(name, marked, [GULL])
    await team.rounds(2)
    assert sorted(await team.said()) == sorted([(silent, "Gull", 5.0, 6.0), (marked, "Gull", 1.5, 3.25)])


async def held(team: Pulled) -> None:
    async def is_held() -> bool:
        return await team.bat.held() == 1

    await team.gateway.until(is_held)
