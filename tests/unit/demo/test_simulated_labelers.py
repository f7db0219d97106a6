"""Labelers who know the truth, over HTTP as everybody else."""

import asyncio
import os
import sys
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from unit.label_gateway.at_work import gateway_at_work

from escolta.errors import Misconfigured, Rejected
from escolta.events import AudioLabeled, IterationClosed
from escolta.truth import Sound, Truth
from escolta.web import rates
from escolta.web.rates import Rate
from escolta_demo.simulated_labelers import Habits, Strangers, label_until, session_token
from escolta_demo.simulated_labelers.habits import DOUBT
from label_gateway.people.sign_in import sign_in_link

HEARD = [Sound("horn", 1.0, 2.5)]
CLASSES = ["gull", "horn", "rain"]
ALWAYS_RIGHT = Habits(error_rate=0, doubt_rate=0)


def truth_of_the_first_audios(audios: int) -> Truth:
    """For the names that the gateway of these tests gives: 100000.wav, 100010.wav and so on."""
    names = [f"10{10 * number // 60:02d}{10 * number % 60:02d}.wav" for number in range(audios)]
    return Truth({name: CLASSES[number % 3] for number, name in enumerate(names)})


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


async def test_they_wait_as_long_as_they_are_told_when_they_ask_too_much(catalog_url, tmp_path, monkeypatch):
    monkeypatch.setattr(rates, "OF_A_SESSION", Rate(per_s=5, at_once=3))
    asked = count()  # a tenth of a second goes by from one request to the next, however long they take
    monkeypatch.setattr(rates, "time", SimpleNamespace(monotonic=lambda: next(asked) / 10))
    async with gateway_at_work(catalog_url, tmp_path) as gateway:
        base_url, token = await session_token(await sign_in_link(gateway.on, "lead"))
        ready, truth = asyncio.Event(), truth_of_the_first_audios(3)
        team = label_until(
            base_url, token, truth, groups=(1,), answer_for=["lead"], iterations=1, ready=ready
        )
        labeling = asyncio.create_task(team)
        await ready.wait()
        await gateway.propose(3)
        assert await labeling == 1
        samples = [sample for family in gateway.on.metrics.collect() for sample in family.samples]
        assert any(sample.labels.get("status") == "429" for sample in samples)


async def test_a_truth_of_other_recordings_ends_them(gateway):
    await gateway.lead()
    base_url, token = await session_token(await sign_in_link(gateway.on, "lead"))
    ready, strangers = asyncio.Event(), Strangers()
    others = Truth({f"elsewhere-{number}.wav": "horn" for number in range(30)})
    labeling = asyncio.create_task(
        label_until(base_url, token, others, groups=(1,), ready=ready, strangers=strangers)
    )
    await ready.wait()
    await gateway.propose(25)
    with pytest.raises(
        Misconfigured, match=r"knows none of 20 audios, such as .*\.wav; it has elsewhere-0\.wav"
    ):
        await labeling
    assert len(strangers.names) == 20


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
    async with asyncio.timeout(240):
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
