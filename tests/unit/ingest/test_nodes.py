"""What a node says of itself: the newest is kept."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from unit.ingest.at_work import IngestAtWork

from escolta.bus import Message, Verdict
from escolta.events import NodeStatus
from ingest.held import Mended
from ingest.nodes import Statuses

NOW = datetime.now(UTC)


def status(minutes_ago: float = 0, **changes: Any) -> NodeStatus:
    fields: dict[str, Any] = {"node": "quay-1", "at": NOW - timedelta(minutes=minutes_ago), "spooled": 0}
    return NodeStatus(**fields | {"free_bytes": 10**12, "version": "0.1.0"} | changes)


async def kept(ingest: IngestAtWork) -> int | None:
    return await ingest.on.catalog.fetchval("SELECT spooled FROM audio.node_status")


async def test_the_newest_status_of_a_node_is_kept_in_whatever_order_they_come(ingest: IngestAtWork) -> None:
    await ingest.publish(status(2, spooled=2), status(0, spooled=7, source_done=True), status(1, spooled=1))
    last = status(0, node="raft-9", spooled=60)  # its row says that those before it are through
    await ingest.publish(last)

    async def listed() -> bool:
        return [(row["node"], row["audios"]) for row in await ingest.held()] == [("raft-9", 60)]

    await ingest.until(listed)
    assert await kept(ingest) == 7
    await ingest.publish(status(-0.5, spooled=3))

    async def replaced() -> bool:
        return await kept(ingest) == 3

    await ingest.until(replaced)


RUN, ANOTHER = UUID(int=1), UUID(int=2)


async def test_a_node_whose_clock_is_set_back_is_heard_as_before(ingest: IngestAtWork) -> None:
    statuses = Statuses(ingest.on)
    for number, minutes_ago in enumerate((0, 600, 599)):
        await statuses.keep([Message(status(minutes_ago, spooled=number, run_id=RUN, number=number))])
        assert await kept(ingest) == number
    await statuses.keep([Message(status(0, spooled=1, run_id=RUN, number=1))])  # it was late
    assert await kept(ingest) == 2


async def test_a_node_that_starts_again_with_a_clock_of_before_is_heard_at_once(ingest: IngestAtWork) -> None:
    statuses = Statuses(ingest.on)
    await statuses.keep([Message(status(0, spooled=9, run_id=RUN, number=500))])
    await statuses.keep([Message(status(60_000, spooled=0, run_id=ANOTHER, number=0))])
    assert await kept(ingest) == 0
    heard_at = await ingest.on.catalog.fetchval("SELECT heard_at FROM audio.node_status")
    assert heard_at > NOW - timedelta(minutes=1)


async def test_a_status_of_the_version_before_is_ordered_by_its_clock(ingest: IngestAtWork) -> None:
    statuses = Statuses(ingest.on)
    await statuses.keep([Message(status(1, spooled=4, run_id=RUN, number=0))])
    for minutes_ago, expected in ((2, 4), (0, 0)):
        await statuses.keep([Message(status(minutes_ago, spooled=minutes_ago))])
        assert await kept(ingest) == expected


async def test_what_time_will_mend_of_a_status_is_listed_and_no_dead_letter(ingest: IngestAtWork) -> None:
    messages = [Message(status(-60_000)), Message(status(node="raft-9")), Message(status(spooled=5))]
    await Statuses(ingest.on).keep(messages)
    assert {message.verdict for message in messages} == {Verdict.DONE}
    assert await kept(ingest) == 5
    assert {(row["node"], row["kind"]) for row in await ingest.held()} == {
        ("quay-1", "clock"),
        ("raft-9", "unknown_node"),
    }


async def test_a_clock_that_was_never_set_is_listed_until_the_node_is_heard_and_tells_of_no_more(
    ingest: IngestAtWork,
) -> None:
    await Statuses(ingest.on).keep([Message(status(at=datetime(1970, 1, 1, tzinfo=UTC)))])
    [row] = await ingest.held()
    assert (row["kind"], row["until"]) == ("clock", None)
    await Mended(ingest.on).forget()
    assert len(await ingest.held()) == 1
    await ingest.on.catalog.execute("UPDATE audio.held SET last_at = last_at - interval '2 hours'")
    await Mended(ingest.on).forget()
    assert len(await ingest.held()) == 1  # nothing is heard of the node
    await Statuses(ingest.on).keep([Message(status())])
    assert await ingest.held() == []
    await Mended(ingest.on).forget()
    assert await ingest.on.catalog.fetchval("SELECT count(*) FROM audio.held") == 0


async def test_a_bad_status_is_quarantined_and_the_good_one_kept(ingest: IngestAtWork) -> None:
    bad = status().model_copy(update={"version": "1\0"})
    await ingest.publish(bad, status(spooled=5))
    [row] = await ingest.quarantined(1)
    assert "a NUL character cannot be stored" in row["reason"]
    assert await kept(ingest) == 5
