"""Work in the background: each piece once, one at a time, and no piece in another's way."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from escolta.catalog import open_catalog
from escolta.errors import Rejected, Transient
from escolta.work import MOST_ATTEMPTS, Busy, Doing, Waits, Work, WorkTable

TABLE = """
    CREATE TABLE public.exports (
        export_id uuid PRIMARY KEY, status text NOT NULL DEFAULT 'requested',
        requested_at timestamptz NOT NULL DEFAULT clock_timestamp(), attempts integer NOT NULL DEFAULT 0,
        stage text, stage_done integer, stage_total integer, waits_for text, failure text,
        canceled boolean NOT NULL DEFAULT false
    )
"""
EXPORTS = WorkTable("public.exports", "export_id", 0x7465)
FIRST, SECOND = UUID(int=1), UUID(int=2)
MONDAY = datetime(2024, 5, 6, tzinfo=UTC)


@dataclass
class Desk:
    """Work on a table of its own, `pool`; `acts` says what a piece does instead of being done at once."""

    pool: asyncpg.Pool
    acts: dict[UUID, Callable[[Doing], Awaitable[object]]] = field(default_factory=dict)
    begun: list[UUID] = field(default_factory=list)
    failed: list[UUID] = field(default_factory=list)

    def work(self) -> Work:
        return Work(EXPORTS, lambda: self.pool, logging.getLogger("tests"), self._do, self.failed.append)

    async def _do(self, doing: Doing) -> None:
        self.begun.append(doing.work_id)
        if act := self.acts.get(doing.work_id):
            await act(doing)
        await doing.connection.execute(
            "UPDATE public.exports SET status = 'done' WHERE export_id = $1", doing.work_id
        )

    async def row(self, export_id: UUID = FIRST) -> asyncpg.Record:
        return await self.pool.fetchrow("SELECT * FROM public.exports WHERE export_id = $1", export_id)

    async def until(self, export_id: UUID, **wanted: object) -> None:
        async with asyncio.timeout(240):
            while not wanted.items() <= dict(await self.row(export_id)).items():
                await asyncio.sleep(0.01)


@pytest.fixture
async def desk(catalog_url: str) -> AsyncIterator[Desk]:
    async with open_catalog(catalog_url) as pool:
        await pool.execute(TABLE)
        asked = "INSERT INTO public.exports (export_id, requested_at) VALUES ($1, $3), ($2, $4)"
        await pool.execute(asked, FIRST, SECOND, MONDAY, MONDAY + timedelta(days=1))
        yield Desk(pool)


def raising(error: BaseException) -> Callable[[Doing], Awaitable[object]]:
    async def act(doing: Doing) -> None:
        raise error

    return act


async def test_pieces_are_done_in_the_order_in_which_they_were_asked_for(desk):
    await desk.work().do_all()
    await desk.work().do_all()
    assert desk.begun == [FIRST, SECOND]
    assert [(await desk.row(one))["status"] for one in (FIRST, SECOND)] == ["done", "done"]


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (Rejected("there is nothing to export"), "there is nothing to export"),
        (KeyError("onset"), "KeyError: 'onset'"),
        (FileNotFoundError(2, "No such file", "export.csv"), "FileNotFoundError: [Errno 2]"),
        (
            asyncpg.InterfaceError("the server expects 2 arguments, 1 was passed"),
            "InterfaceError: the server",
        ),
    ],
)
async def test_a_piece_that_fails_has_its_reason_and_lets_the_next_be_done(desk, error, failure):
    desk.acts[FIRST] = raising(error)
    await desk.work().do_all()
    assert (await desk.row())["status"] == "failed"
    assert failure in (await desk.row())["failure"]
    assert (await desk.row(SECOND))["status"] == "done"
    assert desk.failed == [FIRST]


async def test_a_piece_that_waits_says_for_what_and_is_done_once_it_need_not(desk):
    desk.acts[FIRST] = raising(Waits("the disk is being changed"))
    for _ in range(MOST_ATTEMPTS + 1):
        await desk.work().do_all()
    row = await desk.row()
    assert (row["status"], row["waits_for"], row["attempts"]) == ("requested", "the disk is being changed", 0)
    assert (await desk.row(SECOND))["status"] == "done"
    desk.acts[FIRST] = lambda doing: doing.tell("writing")
    await desk.work().do_all()
    assert ((await desk.row())["status"], (await desk.row())["waits_for"]) == ("done", None)


async def test_a_piece_that_is_canceled_while_it_waits_waits_for_nothing(desk):
    desk.acts[FIRST] = raising(Waits("the disk is being changed"))
    await desk.work().do_all()
    assert await desk.work().cancel(FIRST)
    await desk.work().do_all()
    row = await desk.row()
    assert (row["status"], row["failure"], row["waits_for"]) == ("failed", "it was canceled", None)


@pytest.mark.parametrize(
    "error",
    [Transient("the store is away"), asyncpg.ConnectionDoesNotExistError("closed"), ConnectionError()],
)
async def test_what_only_time_can_mend_is_no_attempt(desk, error):
    desk.acts[FIRST] = raising(error)
    for _ in range(MOST_ATTEMPTS + 1):
        with pytest.raises(type(error)):
            await desk.work().do_all()
    desk.acts.clear()
    await desk.work().do_all()
    assert (await desk.row())["status"] == (await desk.row(SECOND))["status"] == "done"


async def test_what_takes_too_long_every_time_is_given_up(desk):
    desk.acts[FIRST] = raising(TimeoutError())
    for _ in range(MOST_ATTEMPTS):
        with pytest.raises(TimeoutError):
            await desk.work().do_all()
    await desk.work().do_all()
    assert f"begun {MOST_ATTEMPTS} times" in (await desk.row())["failure"]
    assert (await desk.row(SECOND))["status"] == "done"


async def test_a_stop_in_mid_work_is_no_attempt(desk):
    held = asyncio.Event()
    desk.acts[FIRST] = lambda doing: held.wait()
    working = asyncio.create_task(desk.work().do_all())
    await desk.until(FIRST, attempts=1)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert ((await desk.row())["attempts"], (await desk.row())["status"]) == (0, "requested")


async def test_two_are_never_at_work_at_once(desk):
    held = asyncio.Event()
    desk.acts[FIRST] = lambda doing: held.wait()
    working = asyncio.create_task(desk.work().do_all())
    await desk.until(FIRST, attempts=1)
    with pytest.raises(Busy, match="another process"):
        await desk.work().do_all()
    held.set()
    await working
    assert desk.begun == [FIRST, SECOND]


async def test_the_lock_is_let_go_wherever_a_stop_comes(desk, catalog_url):
    other = await asyncpg.connect(catalog_url)
    for waits in range(0, 60, 2):
        working = asyncio.create_task(desk.work().do_all())
        for _ in range(2):  # the second stop comes while the first is seen to
            for _ in range(waits):
                await asyncio.sleep(0.0002)
            working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        async with asyncio.timeout(240):  # a connection that was given up may still be closing
            while not await other.fetchval("SELECT pg_try_advisory_lock($1)", EXPORTS.lock):
                await asyncio.sleep(0.01)
        await other.execute("SELECT pg_advisory_unlock_all()")
    await other.close()


async def test_whoever_waits_sees_how_far_it_is(desk):
    told, held = asyncio.Event(), asyncio.Event()

    async def act(doing: Doing) -> None:
        await doing.tell("writing", 3, 7)
        told.set()
        await held.wait()

    desk.acts[FIRST] = act
    working = asyncio.create_task(desk.work().do_all())
    await told.wait()
    row = await desk.row()
    assert (row["stage"], row["stage_done"], row["stage_total"]) == ("writing", 3, 7)
    held.set()
    await working


async def test_a_piece_that_is_canceled_stops_at_its_next_word_or_never_begins(desk):
    told, held = asyncio.Event(), asyncio.Event()

    async def act(doing: Doing) -> None:
        await doing.tell("reading")
        told.set()
        await held.wait()
        await doing.tell("writing")

    desk.acts[FIRST] = act
    working = asyncio.create_task(desk.work().do_all())
    await told.wait()
    assert await desk.work().cancel(FIRST)
    assert await desk.work().cancel(SECOND)
    held.set()
    await working
    assert [(await desk.row(it))["failure"] for it in (FIRST, SECOND)] == ["it was canceled"] * 2
    assert desk.begun == [FIRST]
    assert not await desk.work().cancel(FIRST)


async def test_what_was_just_asked_for_is_done_at_once(desk):
    work = desk.work()
    working = asyncio.create_task(work.for_ever())
    await desk.until(SECOND, status="done")
    await desk.pool.execute("UPDATE public.exports SET status = 'requested'")
    work.wake()
    await desk.until(SECOND, status="done")
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert desk.begun == [FIRST, SECOND] * 2
