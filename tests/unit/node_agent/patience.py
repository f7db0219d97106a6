"""Waiting for what other tasks, threads and processes do."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], bool]) -> None:
    """Return as soon as `condition` holds; the test fails after four minutes."""
    async with asyncio.timeout(240):
        while not condition():  # files and lists ring no bell
            await asyncio.sleep(0.002)
