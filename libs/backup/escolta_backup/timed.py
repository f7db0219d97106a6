"""What is done at its time, again and again."""

import sys
from collections.abc import Awaitable, Callable

from escolta.clock import Clock
from escolta.errors import EscoltaError
from escolta.times import read_times


async def timed(work: Callable[[], Awaitable[None]], at: str, clock: Clock) -> None:
    """Do the work once where `at` is empty; else whenever that time comes, until the process ends.

    What goes wrong then is told, and done again at the next such time.
    """
    if not at:
        await work()
        return
    async for _ in read_times(at, "--at").coming(clock):
        try:
            await work()
        except EscoltaError as error:
            print(f"escolta: {error}", file=sys.stderr, flush=True)
