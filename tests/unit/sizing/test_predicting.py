"""From a plan to disks, memory and cores."""

import json
from dataclasses import replace

import pytest
from unit.backup.at_work import done

from escolta.sizing import costs
from escolta.sizing.predicting import Plan, predict

SEVEN = Plan(nodes=7, rate_hz=44_100)


def test_seven_nodes_record_53_gigabytes_a_day() -> None:
    assert SEVEN.audios_per_day * SEVEN.audio_bytes == pytest.approx(53.3e9, rel=0.01)


@pytest.mark.parametrize("disk", ["store", "catalog", "backups"])
def test_twice_the_nodes_take_twice_the_disk(disk: str) -> None:
    seven, fourteen = predict(SEVEN).disks[disk], predict(replace(SEVEN, nodes=14)).disks[disk]
    assert fourteen == pytest.approx(2 * seven, rel=0.05)  # the log of the catalog is the same


def test_what_is_dropped_takes_no_disk_but_what_was_proposed_does() -> None:
    kept = predict(replace(SEVEN, keep_audio_days=90, labels_per_week=0)).disks["store"]
    assert kept == pytest.approx(predict(SEVEN).disks["store"] * 90 / 365)
    object_bytes = SEVEN.audio_bytes + costs.OBJECT_BYTES
    labeled = predict(replace(SEVEN, keep_audio_days=90)).disks["store"]
    assert labeled - kept == pytest.approx((365 - 90) / 7 * 400 * object_bytes)


def test_a_backup_keeps_what_was_dropped_a_while_longer() -> None:
    dropped = replace(SEVEN, keep_audio_days=90, labels_per_week=0)
    month = 30 * SEVEN.audios_per_day * SEVEN.audio_bytes
    longer = (
        predict(dropped).disks["backups"] - predict(replace(dropped, backup_grace_days=0)).disks["backups"]
    )
    assert longer == pytest.approx(month)


def test_what_moves_takes_the_other_disk_proposed_or_not() -> None:
    kept = replace(SEVEN, keep_audio_days=90)
    disks, moved = predict(kept).disks, predict(replace(kept, cold_after_days=30)).disks
    assert disks["cold store"] == 0
    assert moved["store"] + moved["cold store"] == pytest.approx(disks["store"])
    assert moved["store"] == pytest.approx(predict(SEVEN).disks["store"] * 30 / 365)


def test_scores_wait_for_the_end_of_their_month() -> None:
    tables = predict(replace(SEVEN, keep_patch_scores_days=90)).tables
    assert tables["audio.patches"] == pytest.approx(predict(SEVEN).tables["audio.patches"] * 121 / 365)
    assert predict(replace(SEVEN, model="cnn14")).tables["audio.patches"] == 0


def test_a_model_that_takes_more_wants_more_cores() -> None:
    many = replace(SEVEN, nodes=10_000)  # 1,000 audios a second
    assert predict(many).cores["entrance and servers"] == pytest.approx(costs.ENTRANCE_MS / costs.BUSY)
    for model, cost_ms in costs.EMBEDDING_MS.items():
        assert predict(replace(many, model=model)).cores["embedding"] == pytest.approx(cost_ms / costs.BUSY)


async def test_the_command_tells_people_and_programs() -> None:
    said = await done("sizing", "--nodes", 7, "--rate", 44_100)
    assert "22.1 million audios" in said
    told = json.loads(await done("sizing", "--nodes", 7, "--rate", 44_100, "--json"))
    assert told["disks"] == dict(predict(SEVEN).disks)
    assert told["plan"]["nodes"] == 7
