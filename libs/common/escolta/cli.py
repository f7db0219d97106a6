"""The command line, and the only place where concrete things are named."""

import asyncio
import os
import secrets
import signal
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr, ValidationError

from escolta.contracts import asyncapi_json, events_markdown
from escolta.errors import EscoltaError, Misconfigured
from escolta.observe import set_up_logs
from escolta.runtime import find_services, running
from escolta.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def load_settings(**chosen: object) -> Settings:
    """Settings from the environment, `chosen` ones first; makes the secret on the first start.

    Raises `Misconfigured` that names the variable at fault.
    """
    try:
        settings = Settings(**chosen)  # type: ignore[arg-type]  # pydantic checks
    except ValidationError as error:
        first = error.errors()[0]
        raise Misconfigured(f"ESCOLTA_{str(first['loc'][0]).upper()}: {first['msg']}") from None
    if settings.secret is None:
        settings = settings.model_copy(update={"secret": SecretStr(_kept_secret(settings))})
    return settings


def _kept_secret(settings: Settings) -> str:
    path = settings.state_dir / "secret"
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(secret := secrets.token_urlsafe(32))
    return secret


@app.command()
def run(
    services: Annotated[list[str] | None, typer.Argument(help="which; none: all that are installed")] = None,
) -> None:
    """Run services until interrupted."""
    set_up_logs()
    asyncio.run(_run(load_settings(), services or []))


async def _run(settings: Settings, names: list[str]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
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
    for path, text in ((Path("docs/events.md"), events_markdown()), (Path("asyncapi.json"), asyncapi_json())):
        if not check:
            path.write_text(text, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != text:
            raise Misconfigured(f"{path} has drifted from escolta/events.py: run `make contracts`")


def main() -> None:
    """The `escolta` command, with the commands that the installed services bring."""
    for entry in sorted(entry_points(group="escolta.commands"), key=lambda entry: entry.name):
        app.add_typer(entry.load(), name=entry.name)
    try:
        app()
    except EscoltaError as error:
        print(f"escolta: {error}", file=sys.stderr)
        sys.exit(2)
