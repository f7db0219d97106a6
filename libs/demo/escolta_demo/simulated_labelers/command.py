"""`escolta labelers simulate`."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from escolta.errors import Misconfigured
from escolta.truth import read_truth, shown
from escolta_demo.simulated_labelers import Habits, Strangers, label_until, session_token

app = typer.Typer(no_args_is_help=True, help="People who label.")
Rate = Annotated[float, typer.Option(min=0, max=1)]


@app.callback()
def labelers() -> None:
    """People who label."""


@app.command()
def simulate(
    truth: Annotated[Path, typer.Option(help="CSV with the columns filename and category")],
    link: Annotated[
        str,
        typer.Option(
            envvar="ESCOLTA_SIGN_IN_LINK",
            prompt="Sign-in link of a lead",
            hide_input=True,
            help="a lead's one-time sign-in link; asked for if absent, since others can read arguments",
        ),
    ],
    events: Annotated[
        Path | None, typer.Option(help="CSV with filename, category, onset_s, offset_s: a row for each sound")
    ] = None,
    groups: Annotated[str, typer.Option(help="how many people in each group")] = "3,2",
    error_rate: Rate = Habits.error_rate,
    doubt_rate: Rate = Habits.doubt_rate,
    seed: int = Habits.seed,
    iterations: Annotated[int | None, typer.Option(help="end when as many are closed in all")] = None,
) -> None:
    """Label every batch from a truth file, with mistakes, until interrupted: for measuring."""
    known = read_truth(truth, events)
    for note in known.notes:
        print(note, file=sys.stderr)
    sizes = _sizes(groups)
    habits = Habits(error_rate, doubt_rate, seed)

    strangers = Strangers()

    async def run() -> int:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        base_url, token = await session_token(link)
        return await label_until(
            base_url,
            token,
            known,
            groups=sizes,
            habits=habits,
            iterations=iterations,
            stop=stop,
            strangers=strangers,
        )

    closed = asyncio.run(run())
    if names := shown(list(strangers.names)):
        print(f"labeled as nothing, for {truth} does not know them: {', '.join(names)}", file=sys.stderr)
    print(f"{closed} iterations are closed")


def _sizes(groups: str) -> list[int]:
    sizes = [int(size) if size.strip().isdecimal() else 0 for size in groups.split(",")]
    if not all(sizes):
        raise Misconfigured(f"--groups {groups}: use numbers of people like 3,2")
    return sizes
