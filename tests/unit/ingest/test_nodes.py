"""What a node says of itself: the newest is kept."""

from datetime import UTC, datetime, timedelta
from typing import Any

from unit.ingest.house import House

from escolta.events import NodeStatus

NOW = datetime.now(UTC)


def status(minutes_ago: float = 0, **changes: Any) -> NodeStatus:
    fields: dict[str, Any] = {"node": "quay-1", "at": NOW - timedelta(minutes=minutes_ago), "spooled": 0}
    return NodeStatus(**fields | {"free_bytes": 10**12, "version": "0.1.0"} | changes)


async def kept(house: House) -> int | None:
    return await house.on.catalog.fetchval("SELECT spooled FROM audio.node_status")


async def test_the_newest_status_of_a_node_is_kept_in_whatever_order_they_come(house: House) -> None:
    await house.publish(status(2, spooled=2), status(0, spooled=7, source_done=True), status(1, spooled=1))
    last = status(0, node="raft-9")  # its rejection says that those before it are through
    await house.publish(last)
    await house.quarantined(1)
    assert await kept(house) == 7
    await house.publish(status(-0.5, spooled=3))

    async def replaced() -> bool:
        return await kept(house) == 3

    await house.until(replaced)


async def test_bad_statuses_are_quarantined_and_the_good_one_kept(house: House) -> None:
    bad = {
        "No node is called raft-9": status(node="raft-9"),
        "lies in the future": status(-60),
        "has a NUL character": status(version="1\0"),
    }
    await house.publish(*bad.values(), status(spooled=5))
    reasons = [row["reason"] for row in await house.quarantined(3)]
    for words in bad:
        assert any(words in reason for reason in reasons)
    assert await kept(house) == 5
