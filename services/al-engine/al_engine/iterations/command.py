"""`escolta iterate` and `escolta iteration replay`."""

import asyncio
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import asyncpg
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from al_engine.iterations import records
from al_engine.iterations.handlers import Iterations
from al_engine.iterations.replay import replay as replayed
from escolta.audit import at_the_terminal
from escolta.errors import Misconfigured
from escolta.events import Window
from escolta.service import OpenPlatform

POLL_S = 0.3
STAGES = {
    "window": "finding the window's audios",
    "medoids": "fetching the medoids",
    "embeddings": "fetching embeddings",
    "select": "choosing",
    "suggest": "finding likely classes",
    "record": "recording",
}


def iterate(
    context: typer.Context,
    node: Annotated[list[str] | None, typer.Option(help="repeat for several; none: every node")] = None,
    start: Annotated[
        list[str] | None, typer.Option("--from", help="UTC; with several --from and --to: these united")
    ] = None,
    end: Annotated[
        list[str] | None, typer.Option("--to", help="UTC, not in the window itself; none: now")
    ] = None,
    hours: Annotated[str | None, typer.Option(help="hours of the day in UTC, such as 22-6")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="audios to propose; none: ESCOLTA_BATCH")] = None,
    strategy: Annotated[str | None, typer.Option(help="none: ESCOLTA_STRATEGY")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="until the audios are proposed")] = False,
) -> None:
    """Ask the al-engine for an iteration, and print its id."""
    first, *further = _windows(node or [], start or [], end or [], _hours(hours))
    asyncio.run(_iterate(context.obj, first, further, batch, strategy, wait))


iteration = typer.Typer(no_args_is_help=True, help="Iterations that were run.")


@iteration.callback()
def iterations() -> None:
    """Iterations that were run."""


@iteration.command()
def replay(context: typer.Context, iteration_id: UUID) -> None:
    """Run a recorded iteration again, change nothing, and print its audio ids by rank."""
    asyncio.run(_replay(context.obj, iteration_id))


async def _iterate(
    open_platform: OpenPlatform,
    first: Window,
    further: Sequence[Window],
    batch: int | None,
    strategy: str | None,
    wait: bool,
) -> None:
    async with open_platform() as on:
        with _told_in_a_sentence():
            iteration_id = await Iterations(on).request(
                at_the_terminal(), **dict(first), further_windows=further, batch=batch, strategy=strategy
            )
        print(iteration_id, flush=True)
        if wait:
            await _wait(on.catalog, iteration_id)


async def _wait(pool: asyncpg.Pool, iteration_id: UUID) -> None:
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("waiting for the al-engine", total=None)
        while (row := await records.iteration(pool, iteration_id)) and row["status"] == "requested":
            if row["waits_for"]:
                bar.update(task, description=f"waiting: {row['waits_for']}", total=None)
            elif row["stage"]:
                bar.update(
                    task,
                    description=STAGES[row["stage"]],
                    completed=row["stage_done"] or 0,
                    total=row["stage_total"],
                )
            await asyncio.sleep(POLL_S)
    assert row is not None, "nobody deletes iterations"
    if row["status"] == "failed":
        raise Misconfigured(f"iteration {iteration_id} was given up: {row['failure']}")
    proposed = len(await records.proposals(pool, iteration_id))
    print(f"{proposed} of {row['unlabeled']} unlabeled audios are proposed", file=sys.stderr)


async def _replay(open_platform: OpenPlatform, iteration_id: UUID) -> None:
    async with open_platform() as on:
        again = await replayed(on.catalog, iteration_id)
    for audio_id in again.found:
        print(audio_id)
    if again.found != again.recorded:
        same = len(set(again.found) & set(again.recorded))
        print(f"not as recorded: {same} of {len(again.recorded)} are the same", file=sys.stderr)
        raise typer.Exit(1)
    print(f"as recorded: {len(again.found)} audios", file=sys.stderr)


def _windows(
    nodes: list[str], starts: list[str], ends: list[str], hours: tuple[int, int] | None
) -> list[Window]:
    """The first --from with the first --to, and so on."""
    count = max(len(starts), len(ends), 1)
    if count > 1 and not len(starts) == len(ends):
        raise Misconfigured(f"{len(starts)} times --from and {len(ends)} times --to: give them in pairs")
    now = datetime.now(UTC)
    with _told_in_a_sentence():
        return [
            Window(nodes=tuple(nodes), window_start=_moment(start), window_end=_moment(end), hours=hours)
            for start, end in zip(starts or ["1970-01-01"], ends or [now.isoformat()], strict=True)
        ]


@contextmanager
def _told_in_a_sentence() -> Iterator[None]:
    """Where a value lies beyond its bounds, the person who typed it is told which."""
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        raise Misconfigured(f"{first['loc'][0]}: {first['msg'].removeprefix('Value error, ')}") from None


def _moment(text: str) -> datetime:
    """A date or a time, in UTC unless it says otherwise."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Misconfigured(f"{text!r} is no time: write 2024-05-01 or 2024-05-01T06:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _hours(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,2})-(\d{1,2})", text)
    if not found:
        raise Misconfigured(f"--hours {text!r}: write two hours of the day in UTC, such as 22-6")
    return int(found[1]), int(found[2])
