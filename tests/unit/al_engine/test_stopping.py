"""The stopping panel: its figures, its advice, and what it may not tell."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from unit.al_engine.at_work import EngineAtWork

from al_engine.stopping import advice as stopping
from al_engine.stopping.advice import ExpectedGain, PanelIteration, Share, wilson


def test_an_interval_is_that_of_wilson():
    share = wilson(8, 10)
    assert share is not None
    assert (share.value, share.of) == (0.8, 10)
    assert share.low == pytest.approx(0.4901625, abs=1e-6)
    assert share.high == pytest.approx(0.9433178, abs=1e-6)
    assert wilson(0, 0) is None
    assert (wilson(0, 5).low, wilson(5, 5).high) == (0.0, 1.0)  # type: ignore[union-attr]


def test_every_class_of_the_control_arm_has_its_share():
    found = stopping.prevalence(["gull"] * 6 + ["horn"] * 3 + ["rain"])
    assert [(one.name, one.share.value) for one in found] == [("gull", 0.6), ("horn", 0.3), ("rain", 0.1)]


def test_classes_met_once_tell_of_those_not_met():
    assert stopping.unseen_classes(["a"] * 50 + ["b"] * 50, 100) == 0
    assert stopping.unseen_classes(["a"] * 98 + ["b", "c"], 100) == pytest.approx(
        0.99 * (1 - (99 / 101) ** 100)
    )
    assert stopping.unseen_classes(["a", "a", "b", "c"], 10**6) == pytest.approx(3 / 4 * 4 / 2)
    assert stopping.unseen_classes(["a", "b"], 100) > 0
    assert stopping.unseen_classes([], 100) == 0


def share(value: float, of: int = 20) -> Share:
    return Share(value=value, low=0, high=1, of=of)


def test_a_curve_that_has_become_flat_promises_nothing():
    flat = [(100, share(0.9)), (200, share(0.9)), (300, share(0.9))]
    rising = [(100, share(0.5)), (200, share(0.6)), (400, share(0.7))]
    assert stopping.accuracy_gain(flat, 100) == pytest.approx(0)
    assert stopping.accuracy_gain(rising, 400) == pytest.approx(0.1)
    assert stopping.accuracy_gain(rising[:2], 100) is None


def closed(number: int, mismatched: float, changed: float, new: list[str]) -> PanelIteration:
    return PanelIteration(
        iteration_id=UUID(int=number),
        number=number,
        status="closed",
        proposed_at=datetime(2024, 5, number, tzinfo=UTC),
        proposed=400,
        labeled=380,
        labels=380 * number,
        fitted_to=380 * (number - 1),
        mismatched=share(mismatched, 20_000),
        changed=share(changed, 20_000),
        new_classes=new,
        control_accuracy=share(0.9),
    )


LITTLE = ExpectedGain(labels=100, new_classes=0.0, accuracy=0.002, method="")


def test_it_advises_to_stop_when_nothing_speaks_for_going_on():
    steady = [closed(number, 0.02, 0.001, []) for number in range(1, 5)]
    advice, reasons = stopping.advise(steady, LITTLE)
    assert advice == "consider stopping"
    assert "met no new class" in " ".join(reasons)


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        (closed(4, 0.30, 0.001, []), "On 30% of the audios looked at"),
        (closed(4, 0.02, 0.100, []), "committee's classifier says of 10.0%"),
        (closed(4, 0.02, 0.001, ["whistle"]), "met 1 new class"),
    ],
)
def test_one_reason_is_enough_to_go_on(last, reason):
    advice, reasons = stopping.advise([closed(n, 0.02, 0.001, []) for n in (1, 2, 3)] + [last], LITTLE)
    assert advice == "go on"
    assert reason in reasons[0]


def test_it_says_when_it_is_too_early():
    advice, [reason] = stopping.advise([closed(1, 0.02, 0.001, [])], None)
    assert advice == "too early to say"
    assert reason.startswith("There is 1 closed batch and 20 labeled audios of control arms")
    _, [reason] = stopping.advise([closed(1, 0.02, 0.001, []), one_heard()], None)
    assert reason.startswith("There are 2 closed batches and 21 labeled audios")


def one_heard() -> PanelIteration:
    return closed(2, 0.02, 0.001, []).model_copy(update={"control_accuracy": share(1.0, 1)})


def test_it_estimates_nothing_from_a_few_audios_and_says_so():
    assert stopping.expected_gain([], []) is None
    of_one = stopping.expected_gain([], ["gull"])
    assert of_one
    assert of_one.method.startswith("1 labeled audio of control arms is too few")
    of_two = stopping.expected_gain([], ["gull", "horn"])
    assert of_two
    assert (of_two.new_classes, of_two.accuracy) == (None, None)
    assert of_two.method.startswith("2 labeled audios of control arms are too few")
    rising = [(100, share(0.5, 3)), (200, share(0.6, 3)), (400, share(0.7, 3))]
    of_many = stopping.expected_gain(rising, ["gull"] * 20 + ["horn"] * 20)
    assert of_many
    assert of_many.new_classes == 0
    assert of_many.accuracy is None  # nine audios under a classifier
    enough = [(labels, share(value.value)) for labels, value in rising]
    assert (stopping.expected_gain(enough, ["gull"] * 60) or of_many).accuracy


async def panel(engine: EngineAtWork) -> dict:
    async with engine.client() as client:
        return (await client.get("/api/iterations/panel")).raise_for_status().json()


async def test_a_campaign_is_told_iteration_by_iteration(engine, monkeypatch):
    monkeypatch.setattr(engine.on, "settings", engine.on.settings.model_copy(update={"control_share": 0.4}))
    await engine.add_audios(90)
    for _ in range(3):
        await engine.labeled_batch(15)
    found = await panel(engine)
    first, second, third = found["iterations"]
    assert [one["labels"] for one in found["iterations"]] == [15, 30, 45]
    assert [one["fitted_to"] for one in found["iterations"]] == [0, 15, 30]
    assert sorted(first["new_classes"]) == ["gull", "horn", "rain"]
    assert second["new_classes"] == []
    assert first["control_accuracy"] is None  # there was no classifier yet
    assert second["control_accuracy"]["of"] == third["control_accuracy"]["of"] == 6
    assert second["control_accuracy"]["value"] > 0.8
    assert third["changed"]["value"] < 0.2
    assert 0 < third["changed"]["of"] <= 60
    assert third["mismatched"]["of"] == 54
    assert sum(one["share"]["value"] for one in found["prevalence"]) == pytest.approx(1)
    assert [one["labels"] for one in found["random_curve"]] == [6, 12]
    assert found["expected_gain"]["labels"] == 100
    assert found["advice"] == "too early to say"


async def test_the_control_arm_is_told_once_the_batch_is_closed_and_to_leads_alone(engine, monkeypatch):
    monkeypatch.setattr(engine.on, "settings", engine.on.settings.model_copy(update={"control_share": 0.5}))
    await engine.add_audios(30)
    open_batch = await engine.propose(batch=8)
    assert [entry["control"] for entry in open_batch] == [None] * 8
    assert (await panel(engine))["prevalence"] == []
    done = await engine.labeled_batch(8)
    async with engine.client() as client:
        told = (await client.get(f"/api/iterations/{done}/proposals")).json()
    assert sum(entry["control"] for entry in told) == 4
    async with engine.client("labeler") as client:
        assert (await client.get(f"/api/iterations/{done}/proposals")).status_code == 403
        assert (await client.get("/api/iterations/panel")).status_code == 403
    async with engine.client(None) as client:
        assert (await client.get("/api/iterations/panel")).status_code == 401
