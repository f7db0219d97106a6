"""The command line. What only some commands need is imported by them, so that the others start at once."""

import asyncio
import sys
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from escolta.commands import Commands
from escolta.errors import EscoltaError, Misconfigured
from escolta.settings import Settings, load_settings

if TYPE_CHECKING:
    from escolta.service import Platform

app = typer.Typer(cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def escolta(context: typer.Context) -> None:
    """Turns sound that nobody has time to hear into a labeled data set."""
    context.obj = open_platform


def open_platform(
    *, state_dir: Path | None = None, bus: bool = True
) -> "AbstractAsyncContextManager[Platform]":
    """`OpenPlatform` for the settings at hand, or for the installation in `state_dir`."""
    from escolta.installations import settings_at_work, settings_in
    from escolta.runtime import joined

    return joined(settings_in(state_dir) if state_dir else settings_at_work(), bus=bus)


@app.command()
def run(
    services: Annotated[list[str] | None, typer.Argument(help="which; none: all that are installed")] = None,
) -> None:
    """Run services until interrupted."""
    from escolta.interruption import until_interrupted
    from escolta.observe import set_up_logs

    set_up_logs()
    asyncio.run(until_interrupted(partial(_run, load_settings(), services or [])))


async def _run(settings: Settings, names: list[str], stop: asyncio.Event) -> None:
    from escolta.runtime import find_services, running

    async with running(settings, find_services(names)) as (_, services):
        for service in services:
            # A link that signs somebody in may be shown only to whoever sits at this machine.
            if service.greeting and settings.http_host == "127.0.0.1" and sys.stdout.isatty():
                print(await service.greeting(), flush=True)
        await stop.wait()


@app.command()
def contracts(
    check: Annotated[bool, typer.Option("--check", help="write nothing; fail if a file has drifted")] = False,
) -> None:
    """Generate docs/events.md and asyncapi.json from the event classes."""
    from escolta.contracts import asyncapi_json, events_markdown

    for path, text in ((Path("docs/events.md"), events_markdown()), (Path("asyncapi.json"), asyncapi_json())):
        if not check:
            path.write_text(text, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != text:
            raise Misconfigured(f"{path} has drifted from escolta/events.py: run `make contracts`")


@app.command()
def doctor() -> None:
    """Check the set-up and say what to do."""
    from escolta.doctor import examine

    findings = asyncio.run(examine(load_settings()))
    for finding in findings:
        print(
            f"{'✗' if finding.todo else '✓'} {finding.what}" + (f": {finding.todo}" if finding.todo else "")
        )
    sys.exit(any(finding.todo for finding in findings))


def main() -> None:
    """The `escolta` command; an error of ours is one line and the status 2."""
    try:
        app()
    except EscoltaError as error:
        print(f"escolta: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:  # while a command is imported, which may take seconds
        sys.exit(130)
