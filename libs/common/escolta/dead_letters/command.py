"""`escolta dead`: the operator's, whose account is in ESCOLTA_BROKER_ADMIN_URL and in ESCOLTA_BUS_URL."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated

import typer

from escolta.accounts.rabbitmq import administration
from escolta.dead_letters.queues import SUFFIX, DeadLetters, Fate, Found, dead_letters
from escolta.errors import Misconfigured
from escolta.fields import shortened
from escolta.settings import Settings, read_settings

app = typer.Typer(no_args_is_help=True, help="Messages that nobody will try again.")

Queue = Annotated[str, typer.Option(help="only those of this queue, such as ingest.audio.recorded")]
Ids = Annotated[list[str] | None, typer.Argument(help="which, as `list` shows them")]
Everything = Annotated[bool, typer.Option("--all", help="all of them, or of --queue")]
BODY_CHARS = 200


@app.callback()
def dead() -> None:
    """Messages that nobody will try again."""


@app.command("list")
def list_(queue: Queue = "", limit: Annotated[int, typer.Option(help="at most, of each queue")] = 50) -> None:
    """Every queue that has dead letters: id, topic, attempts, reason and beginning of each."""
    asyncio.run(_list(queue, limit))


@app.command()
def show(letter_id: Annotated[str, typer.Argument(help="as `list` shows it")], queue: Queue = "") -> None:
    """One of them, whole."""
    for found in asyncio.run(_judge(queue, [letter_id], False, Fate.STAY))[:1]:
        print("\n".join(_lines(found, len(found.letter.body))))


@app.command()
def requeue(letter_ids: Ids = None, everything: Everything = False, queue: Queue = "") -> None:
    """Put them back into their queues, once what stood in their way is mended."""
    print(f"{len(asyncio.run(_judge(queue, letter_ids, everything, Fate.PUT_BACK)))} are put back")


@app.command()
def drop(
    letter_ids: Ids = None,
    everything: Everything = False,
    queue: Queue = "",
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Remove them for good; the quarantine list keeps its rows."""
    if not yes:
        typer.confirm("They are removed from the broker for good. Go on?", abort=True)
    print(f"{len(asyncio.run(_judge(queue, letter_ids, everything, Fate.DROP)))} are dropped")


async def _list(queue: str, limit: int) -> None:
    async with _queues(queue) as (letters, counts):
        for name, count in counts.items():
            print(f"{name}: {count}")
            async for found in letters.judged(name, lambda _: Fate.STAY, limit):
                print("\n".join(_lines(found, BODY_CHARS)))
            if count > limit:
                print(f"  and {count - limit} more: --limit {count} shows them")
        if not counts:
            print("There are no dead letters.")


async def _judge(queue: str, letter_ids: Sequence[str] | None, everything: bool, fate: Fate) -> list[Found]:
    """Give this fate to the chosen ones; returns them.

    Raises `Misconfigured` for an id that is not there, and where nothing is chosen.
    """
    missing = set(letter_ids or ())
    if bool(missing) == everything:
        raise Misconfigured("say which: ids as `escolta dead list` shows them, or --all")
    done: list[Found] = []

    def judge(found: Found) -> Fate:
        return fate if everything or found.letter_id in (letter_ids or ()) else Fate.STAY

    async with _queues(queue) as (letters, counts):
        for name in counts:
            async for found in letters.judged(name, judge):
                if everything or found.letter_id in (letter_ids or ()):
                    missing.discard(found.letter_id)
                    done.append(found)
    if missing:
        raise Misconfigured(f"there is no dead letter {sorted(missing)[0]}; {len(done)} others are done")
    return done


@asynccontextmanager
async def _queues(queue: str) -> AsyncIterator[tuple[DeadLetters, dict[str, int]]]:
    """The broker's dead letters, and how many there are of each service's queue that has any."""
    settings = read_settings()
    _require_a_broker(settings)
    async with administration(settings.broker_admin_url) as admin:
        names = [name.removesuffix(SUFFIX) for name in await admin.queues() if name.endswith(SUFFIX)]
    async with dead_letters(settings.bus_url) as letters:
        counts = {name: await letters.count(name) for name in sorted(names) if queue in ("", name)}
        yield letters, {name: count for name, count in counts.items() if count}


def _require_a_broker(settings: Settings) -> None:
    if not settings.bus_url.startswith(("amqp://", "amqps://")):
        raise Misconfigured(
            "ESCOLTA_BUS_URL names no RabbitMQ: there, dead letters are kept by the quarantine list alone "
            "(the page Quarantine)"
        )


def _lines(found: Found, body_chars: int) -> list[str]:
    """What a person reads of a dead letter; what a stranger wrote cannot steer the terminal."""
    letter = found.letter
    body = shortened(letter.body.decode("utf-8", "replace"), body_chars)
    return [
        f"  {found.letter_id}  {_plain(letter.topic)}, {letter.attempts} attempts",
        f"    {_plain(letter.reason)}",
        f"    {_plain(body)}",
    ]


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
