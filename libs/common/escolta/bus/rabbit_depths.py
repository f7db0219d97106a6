"""How many messages wait in a service's queues, and how many are dead: the broker is asked now and then."""

import logging
from collections.abc import Iterable

from escolta.bus.delivery import BusMetrics, reason_of
from escolta.bus.rabbit_link import AWAY, Link
from escolta.cancellation import cancelled_by_us_alone

log = logging.getLogger("escolta.bus")

LOOK_EVERY_S = 15.0


async def tell_depths(link: Link | None, queues: Iterable[tuple[str, str]], metrics: BusMetrics) -> None:
    """Ask for each queue and its dead letters; without an answer no figure stays, rather than an old one."""
    try:
        with cancelled_by_us_alone():
            found = {queue: await _depths(link, queue, dead) for queue, dead in queues} if link else {}
    except AWAY as error:
        log.warning("the queues cannot be counted: %s", reason_of(error))
        found = {}
    metrics.waiting.clear()
    metrics.dead.clear()
    for queue, (waiting, dead) in found.items():
        metrics.waiting.labels(queue).set(waiting)
        metrics.dead.labels(queue).set(dead)


async def _depths(link: Link, *names: str) -> list[int]:
    # A channel of its own: the broker closes one on which a queue is asked for that is gone.
    async with await link.connection.channel(publisher_confirms=False) as channel:
        asked = [await channel.declare_queue(name, passive=True) for name in names]
    return [queue.declaration_result.message_count or 0 for queue in asked]
