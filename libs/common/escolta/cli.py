"""The command line, and the only place where concrete things are named."""

import asyncio
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr, ValidationError

from escolta.contracts import asyncapi_json, events_markdown
from escolta.demo import Demo, play
from escolta.doctor import examine
from escolta.errors import EscoltaError, Misconfigured
from escolta.observe import set_up_logs
from escolta.runtime import find_services, greetings, joined, running
from escolta.settings import Settings

LEAST_SECRET = 16
"""Characters of the secret that signs sessions. An empty one would be signed with as well."""

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
    if settings.secret is not None and len(settings.secret.get_secret_value()) < LEAST_SECRET:
        raise Misconfigured(
            f"ESCOLTA_SECRET is shorter than {LEAST_SECRET} characters: who guesses it signs in as anybody"
        )
    if settings.secret is None:
        settings = settings.model_copy(update={"secret": SecretStr(_kept_secret(settings))})
    return settings


def _kept_secret(settings: Settings) -> str:
    """The secret of earlier starts; the first start makes it, whole or not at all."""
    path = settings.state_dir / "secret"
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        descriptor, name = tempfile.mkstemp(prefix="secret-", dir=settings.state_dir)  # of mode 600
        new = Path(name)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(descriptor)
        try:
            os.link(new, path)
        except FileExistsError:
            pass  # another process was first: its secret counts
        except OSError:  # a file system without hard links
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
    secret = path.read_text().strip()
    if len(secret) < LEAST_SECRET:
        raise Misconfigured(f"{path} holds no secret: remove it, and the next start makes a new one")
    return secret


@app.callback()
def escolta(context: typer.Context) -> None:
    """Turns sound that nobody has time to hear into a labeled data set."""
    context.obj = lambda: joined(load_settings())


@app.command()
def run(
    services: Annotated[list[str] | None, typer.Argument(help="which; none: all that are installed")] = None,
) -> None:
    """Run services until interrupted."""
    set_up_logs()
    asyncio.run(_until_interrupted(partial(_run, load_settings(), services or [])))


async def _run(settings: Settings, names: list[str], stop: asyncio.Event) -> None:
    async with running(settings, find_services(names)) as (_, services):
        for service in services:
            # A link that signs somebody in may be shown only to whoever sits at this machine.
            if service.greeting and settings.http_host == "127.0.0.1" and sys.stdout.isatty():
                print(await service.greeting(), flush=True)
        await stop.wait()


@app.command()
def greet() -> None:
    """Print a fresh sign-in link of the first lead, for a deployment that runs elsewhere."""
    for line in asyncio.run(greetings(load_settings(), find_services())):
        print(line)


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


@app.command()
def doctor() -> None:
    """Check the set-up and say what to do."""
    findings = asyncio.run(examine(load_settings()))
    for finding in findings:
        print(
            f"{'✗' if finding.todo else '✓'} {finding.what}" + (f": {finding.todo}" if finding.todo else "")
        )
    sys.exit(any(finding.todo for finding in findings))


@app.command()
def demo(
    audio: Annotated[Path | None, typer.Option(help="folder of recordings; none: a synthetic harbor")] = None,
    truth: Annotated[Path | None, typer.Option(help="CSV with filename and category")] = None,
    iterations: Annotated[int | None, typer.Option(min=1, help="stop proposing after so many")] = None,
    batch: Annotated[int, typer.Option(min=1, help="audios an iteration proposes")] = 20,
    headless: Annotated[bool, typer.Option(help="simulated labelers; print the result and end")] = False,
) -> None:
    """Run the whole loop on this machine."""
    chosen = Demo(audio, truth, iterations, batch, headless)
    chosen.check()
    own = demo_settings(chosen)
    with (own.state_dir / "escolta.log").open("a") as log:
        set_up_logs(log)
        asyncio.run(_until_interrupted(partial(play, chosen, own)))


def demo_settings(chosen: Demo) -> Settings:
    """The embedded world in a folder of its own, on loopback alone: the terminal shows a sign-in link."""
    state_dir = chosen.state_dir(load_settings().state_dir)
    state_dir.mkdir(parents=True, exist_ok=True)
    return load_settings(
        state_dir=state_dir,
        catalog_url=f"embedded://{state_dir}/catalog",
        objects_url=f"file://{state_dir}/objects",
        bus_url="memory://",
        node_name="demo",
        http_host="127.0.0.1",
        public_url="",
    )


async def _until_interrupted(work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `work` with an event that Ctrl-C and SIGTERM set."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await work(stop)


def main() -> None:
    """The `escolta` command, with the commands that the installed services bring.

    Entry points of the group `escolta.commands`: a Typer app is a group of commands, a function is one.
    In both, `context.obj` is an `OpenPlatform`.
    """
    try:
        for entry in sorted(entry_points(group="escolta.commands"), key=lambda entry: entry.name):
            brought = entry.load()
            if isinstance(brought, typer.Typer):
                app.add_typer(brought, name=entry.name)
            else:
                app.command(entry.name)(brought)
        app()
    except EscoltaError as error:
        print(f"escolta: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:  # while the commands are imported, which may take seconds
        sys.exit(130)
