"""Ctrl-C and SIGTERM, as an event that the work can wait for."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager


async def until_interrupted(work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `work` with an event that Ctrl-C and SIGTERM set."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await work(stop)


@asynccontextmanager
async def ends(waiting: asyncio.Timeout, stop: asyncio.Event) -> AsyncIterator[Callable[[], bool]]:
    """Inside, `stop` is the end of `waiting`, until the function that is given has been called."""

    async def end() -> None:
        await stop.wait()
        waiting.reschedule(asyncio.get_running_loop().time())

    watch = asyncio.create_task(end())
    try:
        yield watch.cancel
    finally:
        watch.cancel()
