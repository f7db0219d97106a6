"""A cancellation ends what it is meant to end, and nothing else does."""

import asyncio

import pytest
from prometheus_client import Counter

from escolta.cancellation import cancelled_by_us_alone
from escolta.errors import Transient
from escolta.runtime import _repeat
from escolta.service import Always, Every

FAILURES = Counter("failures", "Jobs that failed", ["service", "job"], registry=None)


async def guarded(waiting):
    with cancelled_by_us_alone():
        return await waiting


async def swallows(then: Exception | None = None):
    """Waits, and where it is cancelled returns or fails."""
    try:
        await asyncio.sleep(600)
    except asyncio.CancelledError:
        if then:
            raise then from None


async def test_without_a_cancellation_it_changes_nothing():
    assert await guarded(asyncio.sleep(0, "slept")) == "slept"
    with pytest.raises(KeyError):
        await guarded(fails(KeyError()))


async def fails(error: BaseException):
    raise error


@pytest.mark.parametrize("then", [None, ConnectionError("hung up")])
async def test_a_cancelled_task_ends_though_what_it_waits_for_swallows_that(then):
    task = asyncio.create_task(guarded(swallows(then)))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


@pytest.mark.parametrize("then", [None, ConnectionError("hung up")])
async def test_a_timeout_comes_though_what_it_waits_for_swallows_that(then):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await guarded(swallows(then))
    await asyncio.sleep(0)  # and the task goes on


async def test_a_cancellation_that_nobody_asked_for_is_transient():
    with pytest.raises(Transient):
        await guarded(fails(asyncio.CancelledError()))


async def test_what_a_task_does_after_its_cancellation_is_left_alone():
    async def closes():
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            return await guarded(asyncio.sleep(0, "closed"))

    task = asyncio.create_task(closes())
    await asyncio.sleep(0)
    task.cancel()
    assert await task == "closed"


async def test_a_job_that_swallows_its_cancellation_ends_with_its_service():
    begun = asyncio.Event()

    async def job():
        swallowing = not begun.is_set()
        begun.set()
        await (swallows() if swallowing else asyncio.sleep(600))

    working = asyncio.create_task(_repeat("test", Every(0.01, job), FAILURES))
    await begun.wait()
    working.cancel()
    async with asyncio.timeout(240):
        await asyncio.wait({working})
    assert working.cancelled()


@pytest.mark.parametrize("kind", [lambda job: Every(0.01, job), lambda job: Always(job, 0.01)])
async def test_a_job_that_fails_begins_again_and_an_outage_leaves_no_traceback(kind, caplog):
    failures = [Transient("the catalog is away"), ZeroDivisionError("one over none")]
    ran = asyncio.Event()

    async def job():
        if failures:
            raise failures.pop(0)
        ran.set()
        await asyncio.sleep(600)

    working = asyncio.create_task(_repeat("test", kind(job), FAILURES))
    await ran.wait()
    working.cancel()
    await asyncio.wait({working})
    away, slip = caplog.records
    assert "the job job failed; again in 0 s: Transient: the catalog is away" in away.message
    assert away.exc_info is None
    assert slip.exc_info is not None
