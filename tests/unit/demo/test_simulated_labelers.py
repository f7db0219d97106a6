"""Labelers who know the truth, over HTTP as everybody else."""

import asyncio
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escolta.errors import Misconfigured, Rejected
from escolta.events import AudioLabeled, IterationClosed
from escolta_demo.simulated_labelers import Habits, Truth, label_until, read_truth, session_token
from escolta_demo.simulated_labelers.habits import DOUBT
from escolta_demo.simulated_labelers.truth import Sound
from label_gateway.people.sign_in import sign_in_link

HEARD = [Sound("horn", 1.0, 2.5)]
CLASSES = ["gull", "horn", "rain"]
ALWAYS_RIGHT = Habits(error_rate=0, doubt_rate=0)


def truth_of_the_first_audios(audios: int) -> Truth:
    """For the names that the gateway of these tests gives: 100000.wav, 100010.wav and so on."""
    names = [f"10{10 * number // 60:02d}{10 * number % 60:02d}.wav" for number in range(audios)]
    return Truth({name: CLASSES[number % 3] for number, name in enumerate(names)}, {})


def answers(habits: Habits, audios: int = 3000) -> list[str]:
    said = [habits.answer("ana", f"{number}.wav", HEARD, CLASSES) for number in range(audios)]
    assert all((sound.onset_s, sound.offset_s) == (1.0, 2.5) for [sound] in said)
    return [sound.category for [sound] in said]


def test_a_labeler_errs_and_doubts_about_as_often_as_told():
    said = answers(Habits(error_rate=0.3, doubt_rate=0.1, seed=3))
    assert said.count(DOUBT) / len(said) == pytest.approx(0.1, abs=0.03)
    assert said.count("horn") / len(said) == pytest.approx(0.6, abs=0.03)
    assert said.count("gull") / len(said) == pytest.approx(0.15, abs=0.03)


def test_the_same_seed_gives_the_same_answers_and_another_gives_others():
    habits = Habits(error_rate=0.3, seed=1)
    assert answers(habits) == answers(habits)
    assert answers(habits) != answers(Habits(error_rate=0.3, seed=2))


def test_who_knows_one_class_alone_cannot_take_it_for_another():
    assert Habits(error_rate=1.0, doubt_rate=0).answer("ana", "a.wav", HEARD, ["horn"]) == HEARD


def test_without_times_a_class_lasts_from_start_to_end():
    truth = Truth({"1-100032-A.ogg": "dog_bark"}, {})
    assert truth.heard_in("1-100032-A.ogg", 5.0) == [Sound("dog_bark", 0.0, 5.0)]
    assert truth.heard_in("1-100032-A.ogg#0003", 5.0) == [Sound("dog_bark", 0.0, 5.0)]
    assert truth.heard_in("another.ogg", 5.0) == []


def test_an_audio_cut_from_a_longer_file_has_that_files_sounds_at_their_places():
    truth = Truth(
        {"quay/day.flac": "rain"}, {"quay/day.flac": [Sound("horn", 8.0, 12.5), Sound("gull", 30, 31)]}
    )
    assert truth.heard_in("quay/day_00000s.wav", 10.0) == [Sound("horn", 8.0, 10.0)]
    assert truth.heard_in("quay/day_00010s.wav", 10.0) == [Sound("horn", 0.0, 2.5)]
    assert truth.heard_in("quay/day_00020s.wav", 10.0) == []


@given(
    st.lists(st.tuples(st.floats(0, 95), st.floats(0.1, 30)), max_size=5),
    st.integers(0, 9),
)
def test_what_is_heard_in_a_piece_lies_inside_it(spans, piece):
    truth = Truth({}, {"day.wav": [Sound("horn", onset, onset + length) for onset, length in spans]})
    for sound in truth.heard_in(f"day_{10 * piece:05d}s.wav", 10.0):
        assert 0 <= sound.onset_s < sound.offset_s <= 10.0


def test_truth_is_read_from_the_columns_that_matter(tmp_path):
    (tmp_path / "truth.csv").write_text("\ufefffilename,fold,category\na.ogg,1,horn\nb.ogg,2,gull\n", "utf-8")
    (tmp_path / "events.csv").write_text("filename,category,onset_s,offset_s\na.ogg,rain,0.5,2\n")
    truth = read_truth(tmp_path / "truth.csv", tmp_path / "events.csv")
    assert truth.heard_in("a.ogg", 10.0) == [Sound("rain", 0.5, 2.0)]
    assert truth.heard_in("b.ogg", 10.0) == [Sound("gull", 0.0, 10.0)]
    assert truth.classes == CLASSES


def test_a_truth_file_that_cannot_serve_is_refused_by_name(tmp_path):
    (tmp_path / "truth.csv").write_text("filename,class\na.ogg,horn\n")
    with pytest.raises(Misconfigured, match="category"):
        read_truth(tmp_path / "truth.csv")
    with pytest.raises(Misconfigured, match=r"none\.csv"):
        read_truth(tmp_path / "none.csv")
    (tmp_path / "truth.csv").write_text("filename,category\na.ogg,horn\n")
    (tmp_path / "events.csv").write_text("filename,category,onset_s,offset_s\na.ogg,rain,soon,2\n")
    with pytest.raises(Misconfigured, match="soon"):
        read_truth(tmp_path / "truth.csv", tmp_path / "events.csv")


async def test_two_groups_label_two_batches_and_grow_the_ontology(gateway):
    await gateway.lead()
    base_url, token = await session_token(await sign_in_link(gateway.on, "lead"))
    ready = asyncio.Event()
    labeling = asyncio.create_task(
        label_until(
            base_url, token, truth_of_the_first_audios(12), habits=ALWAYS_RIGHT, iterations=2, ready=ready
        )
    )
    await ready.wait()
    for _ in range(2):
        await gateway.propose(6)
    assert await labeling == 2
    labeled = await gateway.until_heard(AudioLabeled, 12)
    assert sorted({event.labelers for event in labeled}) == [2, 3]
    assert {event.agreement_percent for event in labeled} == {100.0}
    assert sorted(event.label for event in labeled) == sorted(CLASSES * 4)
    await gateway.until_heard(IterationClosed, 2)


async def test_a_second_start_goes_on_with_the_same_people(gateway):
    lead = await gateway.lead()
    base_url, token = await session_token(await sign_in_link(gateway.on, "lead"))
    truth = truth_of_the_first_audios(2)
    for _ in range(2):
        assert await label_until(base_url, token, truth, iterations=0) == 0
    names = [labeler["name"] for labeler in (await lead.get("/api/labelers")).json()]
    assert names == [
        "lead",
        *(f"simulated-{group}-{number}" for group, number in [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)]),
    ]


async def test_people_whom_nobody_simulates_are_not_forgotten(gateway):
    lead = await gateway.lead()
    await gateway.team(lead, "harbor", "ana")
    base_url, token = await session_token(await sign_in_link(gateway.on, "lead"))
    with pytest.raises(Misconfigured, match="'ana' is in a group"):
        await label_until(base_url, token, truth_of_the_first_audios(2), iterations=0)
    ready, stop = asyncio.Event(), asyncio.Event()
    labeling = asyncio.create_task(
        label_until(
            base_url,
            token,
            truth_of_the_first_audios(3),
            groups=(1,),
            answer_for=["ana", "ben"],
            iterations=1,
            ready=ready,
            stop=stop,
        )
    )
    await ready.wait()
    await gateway.propose(3)
    assert await labeling == 1


async def test_they_stop_when_told(gateway):
    await gateway.lead()
    base_url, token = await session_token(await sign_in_link(gateway.on, "lead"))
    stop = asyncio.Event()
    stop.set()
    async with asyncio.timeout(20):
        assert await label_until(base_url, token, truth_of_the_first_audios(1), stop=stop) == 0


async def test_a_link_that_was_used_is_refused(gateway):
    link = await sign_in_link(gateway.on, "lead")
    await session_token(link)
    with pytest.raises(Rejected, match="401"):
        await session_token(link)
    with pytest.raises(Misconfigured, match="address"):
        await session_token("a guess")


async def test_the_command_labels_until_the_iterations_are_closed(gateway, tmp_path):
    await gateway.lead()
    (tmp_path / "truth.csv").write_text("filename,category\n100000.wav,horn\n100010.wav,gull\n")
    truth = ["--truth", str(tmp_path / "truth.csv")]
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("escolta"),
        *["labelers", "simulate", *truth, "--groups", "1", "--iterations", "1"],
        *["--error-rate", "0", "--doubt-rate", "0"],
        env={**os.environ, "ESCOLTA_SIGN_IN_LINK": await sign_in_link(gateway.on, "lead")},
        stdout=asyncio.subprocess.PIPE,
    )

    async def signed_in() -> bool:
        used = "SELECT count(*) FROM label.sign_in_links WHERE used_at IS NOT NULL"
        return await gateway.on.catalog.fetchval(used) == 3

    await gateway.until(signed_in)
    await gateway.propose(2)
    said, _ = await process.communicate()
    assert (process.returncode, said.decode()) == (0, "1 iterations are closed\n")
    labeled = await gateway.until_heard(AudioLabeled, 2)
    assert sorted(event.label for event in labeled) == ["gull", "horn"]
