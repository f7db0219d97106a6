"""What ingest tells of nodes and backups to whoever watches."""

from datetime import UTC, datetime, timedelta
from typing import Any

from unit.ingest.at_work import IngestAtWork, wav

from escolta.bus import Message
from escolta.events import NodeStatus
from ingest.figures import UNREGISTERED, figures
from ingest.nodes import Statuses

NODE = {("quay-1",): 1.0}


async def read(ingest: IngestAtWork) -> dict[str, Any]:
    """Every figure, as ingest's own account may read it."""
    on = getattr(ingest.on, "of_service", ingest.on)
    return {name: values for one in figures(on) for name, values in (await one.read()).items()}


def status(**changes: Any) -> Message[NodeStatus]:
    said: dict[str, Any] = {"node": "quay-1", "at": datetime.now(UTC), "spooled": 3, "free_bytes": 10**12}
    return Message(NodeStatus(**said | {"version": "0.1.0"} | changes))


async def test_a_node_that_never_spoke_is_registered_and_not_heard(ingest: IngestAtWork) -> None:
    told = await read(ingest)
    assert told["escolta_node_registered_timestamp_seconds"].keys() == NODE.keys()
    assert told["escolta_node_last_heard_timestamp_seconds"] == {}
    assert told["escolta_node_info"] == {}


async def test_what_a_node_said_last_is_told(ingest: IngestAtWork) -> None:
    await Statuses(ingest.on).keep([status(recorded=70, clock_state="synchronized", source_done=True)])
    told = await read(ingest)
    assert told["escolta_node_info"] == {("quay-1", "0.1.0", "synchronized"): 1}
    assert told["escolta_node_recorded"] == {("quay-1",): 70}
    assert told["escolta_node_spooled_audios"] == {("quay-1",): 3}
    assert told["escolta_node_free_bytes"] == {("quay-1",): 1e12}
    assert told["escolta_node_source_done"] == NODE


async def test_a_node_is_heard_by_the_clock_of_ingest(ingest: IngestAtWork) -> None:
    at = datetime.now(UTC) - timedelta(days=7)  # the node's clock is slow
    await Statuses(ingest.on).keep([status(at=at)])
    [heard] = (await read(ingest))["escolta_node_last_heard_timestamp_seconds"].values()
    assert abs(heard - datetime.now(UTC).timestamp()) < 3600


async def test_a_node_of_before_does_not_say_how_much_it_recorded(ingest: IngestAtWork) -> None:
    await Statuses(ingest.on).keep([status()])
    assert (await read(ingest))["escolta_node_recorded"] == {}


async def test_names_that_nobody_registered_are_one(ingest: IngestAtWork) -> None:
    waiting = [status(node="raft-8", spooled=2), status(node="raft-9", spooled=5)]
    ahead = status(at=datetime.now(UTC) + timedelta(hours=1), spooled=4)
    await Statuses(ingest.on).keep([*waiting, ahead])
    assert (await read(ingest))["escolta_node_held_audios"] == {
        (UNREGISTERED, "unknown_node"): 7,
        ("quay-1", "clock"): 4,
    }


async def test_received_audios_are_counted_by_node_once(ingest: IngestAtWork) -> None:
    event = await ingest.upload(wav())
    await ingest.publish(event, event)

    async def answered_twice() -> bool:
        return ingest.on.metrics.get_sample_value("escolta_ingest_accepted_total") == 2

    await ingest.until(answered_twice)
    assert ingest.on.metrics.get_sample_value("escolta_ingest_cataloged_total", {"node": "quay-1"}) == 1


async def test_the_age_of_backups_and_the_size_of_the_catalog_are_told(ingest: IngestAtWork) -> None:
    told = await read(ingest)
    assert told["escolta_backup_last_timestamp_seconds"] == {}
    assert told["escolta_backup_log_followed"] == {}
    assert told["escolta_catalog_size_bytes"][()] > 1e6
    await ingest.on.catalog.execute(
        "INSERT INTO audio.backups VALUES ('catalog', '2026-11-29Z', true), ('drill', '2026-11-29Z', false)"
    )
    told = await read(ingest)
    assert (
        told["escolta_backup_last_timestamp_seconds"][("drill",)]
        == datetime(2026, 11, 29, tzinfo=UTC).timestamp()
    )
    assert told["escolta_backup_last_good"] == {("catalog",): 1, ("drill",): 0}
