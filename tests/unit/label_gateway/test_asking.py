"""A batch whose listening policy asks one after another: who is asked, who is not, and what comes of it."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from prometheus_client import CollectorRegistry
from unit.label_gateway.at_work import GatewayAtWork, gateway_at_work
from unit.label_gateway.test_batches_follow_people import answer, put

from escolta.errors import Misconfigured
from escolta.events import AudioLabeled, BatchProposed, IterationClosed
from escolta.listening import policies
from escolta.listening.agreement import Marked
from escolta.listening.policies import Hearing
from label_gateway.batches import asking
from label_gateway.batches.handlers import Batches
from label_gateway.service import everybody_hears

for_all: set[UUID] = set()
"""The audios that everybody hears, which a test chooses."""


@pytest.fixture(autouse=True)
def _nothing_by_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    for_all.clear()
    monkeypatch.setattr(asking, "drawn_for_all", lambda audio_id, salt: audio_id in for_all)


@pytest.fixture
async def gateway(catalog_url: str, tmp_path: Path) -> AsyncIterator[GatewayAtWork]:
    async with gateway_at_work(catalog_url, tmp_path, listening="adaptive") as gateway:
        yield gateway


async def propose(gateway: GatewayAtWork, audios: int, expected: int | None) -> UUID:
    """A batch to whose audios the classifier gives that class; None: there is no classifier yet."""
    iteration_id = await gateway.propose(audios, tell=False)
    if expected is not None:
        await gateway.on.catalog.execute(
            "UPDATE al.wavs_proposed SET suggested = ARRAY[$2::integer] WHERE iteration_id = $1",
            iteration_id,
            expected,
        )
    await gateway.on.bus.publish(BatchProposed(iteration_id=iteration_id, audios=audios))
    return iteration_id


async def waiting(labeler: httpx.AsyncClient) -> list[dict]:
    return (await labeler.get("/api/tasks?limit=500")).json()


async def asked(people: list[httpx.AsyncClient]) -> list[httpx.AsyncClient]:
    """Who of them has something to hear."""
    return [labeler for labeler in people if await waiting(labeler)]


async def until_asked(gateway: GatewayAtWork, people: list[httpx.AsyncClient], number: int) -> list:
    async def there() -> bool:
        return len(await asked(people)) == number

    await gateway.until(there)
    return await asked(people)


async def standing(gateway: GatewayAtWork) -> tuple:
    row = await gateway.on.catalog.fetchrow(
        "SELECT class_id, labelers, agreement_percent::float8 FROM label.agreements"
    )
    return tuple(row)


async def test_who_confirms_the_classifier_settles_it_alone(gateway):
    lead = await gateway.lead()
    people = await gateway.team(lead, "harbor", "ana", "ben", "eva")
    gull = await gateway.class_named(lead, "gull")
    await propose(gateway, 1, gull)
    [first] = await until_asked(gateway, people, 1)
    await answer(first, (await waiting(first))[0], gull)
    assert await standing(gateway) == (gull, 1, 100)
    assert await asked(people) == []
    assert len(await gateway.until_heard(IterationClosed, 1)) == 1


async def test_a_second_hears_what_the_first_contradicts_and_a_third_what_the_second_does(gateway):
    lead = await gateway.lead()
    people = await gateway.team(lead, "harbor", "ana", "ben", "eva")
    gull, horn = await gateway.class_named(lead, "gull"), await gateway.class_named(lead, "horn")
    await propose(gateway, 1, gull)
    for class_id in (horn, gull):
        [one] = await until_asked(gateway, people, 1)
        await answer(one, (await waiting(one))[0], class_id)
    assert gateway.said(AudioLabeled) == []
    [third] = await asked(people)
    await answer(third, (await waiting(third))[0], horn)
    class_id, labelers, percent = await standing(gateway)
    assert (class_id, labelers, round(percent)) == (horn, 3, 67)


async def test_before_there_is_a_classifier_two_hear_each_audio(gateway):
    lead = await gateway.lead()
    people = await gateway.team(lead, "harbor", "ana", "ben", "eva")
    gull = await gateway.class_named(lead, "gull")
    await propose(gateway, 1, None)
    for _ in range(2):
        [one] = await until_asked(gateway, people, 1)
        await answer(one, (await waiting(one))[0], gull)
    assert await standing(gateway) == (gull, 2, 100)


async def test_of_the_share_that_everybody_hears_everybody_is_asked_at_once(gateway):
    lead = await gateway.lead()
    people = await gateway.team(lead, "harbor", "ana", "ben", "eva")
    gull = await gateway.class_named(lead, "gull")
    iteration_id = await gateway.propose(1, tell=False)
    for_all.update(
        row["audio_id"] for row in await gateway.on.catalog.fetch("SELECT audio_id FROM al.wavs_proposed")
    )
    await gateway.on.bus.publish(BatchProposed(iteration_id=iteration_id, audios=1))
    for one in await until_asked(gateway, people, 3):
        await answer(one, (await waiting(one))[0], gull)
    assert await standing(gateway) == (gull, 3, 100)


async def test_each_of_a_group_is_the_first_as_often(gateway):
    lead = await gateway.lead()
    three = await gateway.team(lead, "harbor", "ana", "ben", "eva")
    two = await gateway.team(lead, "campus", "nuria", "pau")
    await propose(gateway, 12, 1)
    await until_asked(gateway, [*three, *two], 5)
    assert [len(await waiting(labeler)) for labeler in (*three, *two)] == [2, 2, 2, 3, 3]


@pytest.mark.parametrize("gone", [{"enabled": False}, {"group": None}])
async def test_where_the_one_who_was_asked_leaves_another_is(gateway, gone):
    lead = await gateway.lead()
    people = await gateway.team(lead, "harbor", "ana", "ben")
    gull = await gateway.class_named(lead, "gull")
    await propose(gateway, 1, gull)
    [first] = await until_asked(gateway, people, 1)
    await put(lead, first, **gone)
    [second] = [labeler for labeler in people if labeler is not first]
    await until_asked(gateway, [second], 1)
    await answer(second, (await waiting(second))[0], gull)
    assert await standing(gateway) == (gull, 1, 100)


async def test_an_answer_of_somebody_who_was_not_asked_is_taken_and_the_one_who_was_is_waited_for(gateway):
    """They may both be listening: nobody's work is refused for that."""
    lead = await gateway.lead()
    people = await gateway.team(lead, "harbor", "ana", "ben", "eva")
    gull = await gateway.class_named(lead, "gull")
    await propose(gateway, 1, gull)
    [first] = await until_asked(gateway, people, 1)
    [task] = await waiting(first)
    other = next(labeler for labeler in people if labeler is not first)
    assert (await answer(other, task, gull)).status_code == 200
    assert await asked(people) == [first]
    await answer(first, task, gull)
    assert await standing(gateway) == (gull, 2, 100)


async def test_an_answer_that_is_changed_asks_nobody_twice_and_unasks_nobody(gateway):
    lead = await gateway.lead()
    people = await gateway.team(lead, "harbor", "ana", "ben", "eva")
    gull, horn = await gateway.class_named(lead, "gull"), await gateway.class_named(lead, "horn")
    await propose(gateway, 1, gull)
    [first] = await until_asked(gateway, people, 1)
    [task] = await waiting(first)
    await answer(first, task, horn)
    [second] = await asked(people)
    assert (await answer(first, task, gull)).status_code == 200
    assert await asked(people) == [second]
    await answer(second, task, gull)
    assert await standing(gateway) == (gull, 2, 100)


async def test_two_who_answer_at_once_make_one_agreement(gateway):
    lead = await gateway.lead()
    people = await gateway.team(lead, "harbor", "ana", "ben", "eva")
    gull = await gateway.class_named(lead, "gull")
    await propose(gateway, 1, gull)
    [first] = await until_asked(gateway, people, 1)
    [task] = await waiting(first)
    answers = await asyncio.gather(*(answer(labeler, task, gull) for labeler in people))
    assert {response.status_code for response in answers} <= {200, 409}
    assert await gateway.on.catalog.fetchval("SELECT count(*) FROM label.agreements") == 1


async def test_a_batch_keeps_its_policy_whatever_is_set_later(gateway):
    lead = await gateway.lead()
    people = await gateway.team(lead, "harbor", "ana", "ben")
    before = await propose(gateway, 1, 1)
    await until_asked(gateway, people, 1)
    settings = gateway.on.settings.model_copy(update={"listening": "group"})
    later = Batches(replace(gateway.on, settings=settings, metrics=CollectorRegistry()))
    after = await gateway.propose(1, tell=False)
    await later.follow_people()
    heard = [task["iteration_id"] for labeler in people for task in await waiting(labeler)]
    assert (heard.count(str(before)), heard.count(str(after))) == (1, 2)


async def test_by_single_nobody_else_is_asked(catalog_url, tmp_path):
    async with gateway_at_work(catalog_url, tmp_path, listening="single") as gateway:
        lead = await gateway.lead()
        people = await gateway.team(lead, "harbor", "ana", "ben")
        horn = await gateway.class_named(lead, "horn")
        await propose(gateway, 1, 1)
        [one] = await until_asked(gateway, people, 1)
        await answer(one, (await waiting(one))[0], horn)
        assert await standing(gateway) == (horn, 1, 100)


def test_beside_bat_everybody_hears():
    """A project in BAT is for all of its people at once."""
    with pytest.raises(Misconfigured, match="ESCOLTA_LISTENING is adaptive"):
        everybody_hears("adaptive")


@pytest.mark.parametrize("seed", range(3))
async def test_at_work_as_many_are_asked_as_offline(gateway, seed):
    """40 audios, three people who say one of three classes, Doubt or nothing: how many hear."""
    chance = random.Random(seed)
    lead = await gateway.lead()
    people = await gateway.team(lead, "harbor", "ana", "ben", "eva")
    ids = [(await labeler.get("/api/me")).json()["labeler_id"] for labeler in people]
    classes = [await gateway.class_named(lead, name) for name in ("gull", "horn", "bell")]
    doubt = await gateway.on.catalog.fetchval("SELECT class_id FROM audio.ontology WHERE is_doubt")
    says = {
        (place, labeler_id): chance.choice([*classes, classes[0], doubt, None])
        for place, labeler_id in itertools.product(range(1, 41), ids)
    }
    await propose(gateway, 40, classes[0])
    await until_asked(gateway, people, 3)
    while await asked(people):
        for labeler, labeler_id in zip(people, ids, strict=True):
            for task in await waiting(labeler):
                class_id = says[task["place"], labeler_id]
                await answer(labeler, task, *([] if class_id is None else [class_id]))
    rows = await gateway.on.catalog.fetch(
        "SELECT a.place, t.class_id, t.labelers FROM label.agreements t"
        " JOIN label.assignments a USING (iteration_id, audio_id) ORDER BY place"
    )
    at_work = [tuple(row) for row in rows]
    assert at_work == [offline(place, ids, says, classes[0], doubt) for place in range(1, 41)]


def offline(place: int, ids: list[int], says: dict, expected: int, doubt: int) -> tuple:
    """The place, what is agreed there and how many were asked, without a service or a catalog."""
    turn = place % len(ids)
    answered: list[int] = []
    while True:
        events = [
            Marked(labeler_id, says[place, labeler_id], 0, 10)
            for labeler_id in answered
            if says[place, labeler_id] is not None
        ]
        hearing = Hearing([*ids[turn:], *ids[:turn]], answered, events, {doubt}, expected, by_all=False)
        if not (wanted := policies.adaptive(hearing)):
            return place, hearing.agreed(len(answered)).class_id, len(answered)
        answered.append(wanted[0])
