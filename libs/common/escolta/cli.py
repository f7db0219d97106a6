"""The command line. What only some commands need is imported by them, so that the others start at once."""

import asyncio
import gc
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from escolta.commands import Commands
from escolta.errors import EscoltaError, Misconfigured
from escolta.settings import Settings, load_settings, read_settings

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
    with asyncio.Runner(loop_factory=_fast_loop()) as runner:
        runner.run(until_interrupted(partial(_run, load_settings(), services or [])))


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, which takes less of the processor for the same; none where there is none for the machine."""
    try:
        import uvloop
    except ModuleNotFoundError:
        return None
    return uvloop.new_event_loop


async def _run(settings: Settings, names: list[str], stop: asyncio.Event) -> None:
    from escolta.interruption import ends
    from escolta.runtime import find_services, running

    starting = asyncio.timeout(None)  # a start may wait for hours, for the schema of the catalog
    try:
        async with (
            starting,
            ends(starting, stop) as started,
            running(settings, find_services(names)) as (_, services),
        ):
            started()
            gc.collect()
            gc.freeze()  # what is loaded by now stays: it need not be looked through again and again
            for service in services:
                # A link that signs somebody in may be shown only to whoever sits at this machine.
                if service.greeting and settings.http_host == "127.0.0.1" and sys.stdout.isatty():
                    print(await service.greeting(), flush=True)
            await stop.wait()
    except TimeoutError:
        if not starting.expired():
            raise


@app.command()
def accounts() -> None:
    """Make the account of every service at RabbitMQ, with its rights; can be run again.

    ESCOLTA_BROKER_ADMIN_URL is the operator's, ESCOLTA_BROKER_PASSWORDS what the services sign in with.
    """
    from escolta.accounts.services import make_accounts

    settings = read_settings()
    services, nodes = (
        {name: password.get_secret_value() for name, password in given.items()}
        for given in (settings.broker_passwords, settings.node_passwords)
    )
    watcher = settings.broker_watcher_password
    watchers = watcher.get_secret_value() if watcher else ""
    made, revoked = asyncio.run(make_accounts(settings.broker_admin_url, services, nodes, watchers))
    print(f"RabbitMQ knows {', '.join(made)}, each with its own rights and no other")
    for name in revoked:
        print(f"{name} was revoked and stays out: `escolta node add {name}` lets it in again")


@app.command()
def contracts(
    check: Annotated[bool, typer.Option("--check", help="write nothing; fail if a file has drifted")] = False,
) -> None:
    """Generate what is made from the code: events, API of the bus, rights, settings, metrics."""
    from escolta.accounts.rights import broker_json
    from escolta.contracts import asyncapi_json, events_markdown
    from escolta.metrics_page import metrics_exposition, metrics_markdown
    from escolta.settings_page import settings_markdown

    documents = {
        "docs/events.md": events_markdown(),
        "asyncapi.json": asyncapi_json(),
        "deploy/broker.json": broker_json(),
        "docs/settings.md": settings_markdown(Path()),
        "docs/metrics.md": metrics_markdown(),
        "docs/metrics.prom": metrics_exposition(),
    }
    for path, text in ((Path(name), text) for name, text in documents.items()):
        if not check:
            path.write_text(text, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != text:
            raise Misconfigured(f"{path} has drifted from the code: run `make contracts`")


@app.command()
def migrate() -> None:
    """Bring a catalog server up to date: tables, the services' accounts and rights. Services may be at work.

    ESCOLTA_CATALOG_URL is the database's owner's, ESCOLTA_CATALOG_PASSWORDS what the services sign in with.
    """
    from escolta.catalog import migrate_server

    settings = read_settings()
    passwords = {name: password.get_secret_value() for name, password in settings.catalog_passwords.items()}
    asyncio.run(migrate_server(settings.catalog_url, passwords, say=partial(print, flush=True)))


@app.command()
def store() -> None:
    """Make the bucket at an S3 store, which from then on keeps what is written over or deleted.

    ESCOLTA_OBJECTS_URL is the operator's, and so is ESCOLTA_COLD_OBJECTS_URL, if it is set. Can be run again.
    """
    from escolta.objects import open_objects
    from escolta.objects.s3 import S3Objects

    settings = read_settings()
    if not isinstance(open_objects(settings.objects_url), S3Objects):
        raise Misconfigured("ESCOLTA_OBJECTS_URL names no S3 store (s3://…), and a folder needs no bucket")
    for url in filter(None, (settings.objects_url, settings.cold_objects_url)):
        if isinstance(objects := open_objects(url), S3Objects):
            asyncio.run(objects.make_bucket())
            print("the bucket is there, and keeps what is written over or deleted")


@app.command()
def tls(
    host: Annotated[
        list[str] | None, typer.Option(help="name or IP address by which nodes and people reach the servers")
    ] = None,
    out: Annotated[Path, typer.Option(help="folder for certificates and keys")] = Path("deploy/tls"),
) -> None:
    """Make an authority and the certificates of the servers; again, and those that soon end are renewed."""
    from datetime import UTC, datetime

    try:
        from escolta.tls import make_certificates
    except ModuleNotFoundError as error:
        raise Misconfigured(f"{error.name} is absent: pip install 'escolta-common[tls]'") from None
    for made in make_certificates(out, host or [], datetime.now(UTC)):
        print(
            f"{made.path} holds until {made.until:%Y-%m-%d}{': new, start its server' if made.fresh else ''}"
        )
    print(f"nodes and browsers trust {out / 'ca.crt'}; keep {out / 'ca.key'} away from servers")


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
