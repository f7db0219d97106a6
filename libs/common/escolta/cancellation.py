"""Cancellation as asyncio means it, though libraries do not always keep to it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from escolta.errors import Transient


@contextmanager
def cancelled_by_us_alone() -> Iterator[None]:
    """Inside, a library waits for a broker, or a handler or a job runs.

    - A `CancelledError` that nobody asked for is `Transient`. A library whose connection dies may cancel the
      future that we wait for; left alone, that would end the task that consumes the queue without a word.
    - A cancellation that was asked for and has not come through is raised. A library, or `wait_for` before
      Python 3.12, may return or fail in the moment in which it is cancelled, and a task is told only once:
      whoever waits for its end, or for a timeout, would wait for ever.
    """
    task = asyncio.current_task()
    asked_before = task.cancelling() if task else 0

    def swallowed() -> bool:
        return task is not None and task.cancelling() > asked_before

    try:
        yield
    except asyncio.CancelledError:
        if task is None or task.cancelling():
            raise
        raise Transient("cancelled from inside: a connection has probably died") from None
    except Exception as error:
        if swallowed():
            raise asyncio.CancelledError from error
        raise
    if swallowed():
        raise asyncio.CancelledError
