"""What a node says of itself: the newest is kept."""

from datetime import UTC, datetime, timedelta
from typing import Any

from unit.ingest.at_work import IngestAtWork

from escolta.events import NodeStatus

NOW = datetime.now(UTC)


def status(minutes_ago: float = 0, **changes: Any) -> NodeStatus:
    fields: dict[str, Any] = {"node": "quay-1", "at": NOW - timedelta(minutes=minutes_ago), "spooled": 0}
    return NodeStatus(**fields | {"free_bytes": 10**12, "version": "0.1.0"} | changes)


async def kept(ingest: IngestAtWork) -> int | None:
    return await ingest.on.catalog.fetchval("SELECT spooled FROM audio.node_status")


async def test_the_newest_status_of_a_node_is_kept_in_whatever_order_they_come(ingest: IngestAtWork) -> None:
    await ingest.publish(status(2, spooled=2), status(0, spooled=7, source_done=True), status(1, spooled=1))
    last = status(0, node="raft-9")  # its rejection says that those before it are through
    await ingest.publish(last)
    await ingest.quarantined(1)
    assert await kept(ingest) == 7
    await ingest.publish(status(-0.5, spooled=3))

    async def replaced() -> bool:
        return await kept(ingest) == 3

    await ingest.until(replaced)


async def test_bad_statuses_are_quarantined_and_the_good_one_kept(ingest: IngestAtWork) -> None:
    bad = {
        "No node is called raft-9": status(node="raft-9"),
        "lies in the future": status(-60),
        "a NUL character cannot be stored": status().model_copy(update={"version": "1\0"}),
    }
    await ingest.publish(*bad.values(), status(spooled=5))
    reasons = [row["reason"] for row in await ingest.quarantined(3)]
    for words in bad:
        assert any(words in reason for reason in reasons)
    assert await kept(ingest) == 5
