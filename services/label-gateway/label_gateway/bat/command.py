"""`escolta bat status`, `push` and `pull`: what a round does by itself, by hand and at once."""

import asyncio
from collections.abc import Iterator

import typer

from escolta.names import on_screen
from escolta.service import OpenPlatform
from label_gateway.bat.client import open_bat
from label_gateway.bat.pull import pulling
from label_gateway.bat.state import BatProject, projects
from label_gateway.bat.sync import Sync
from label_gateway.batches.handlers import Batches


def status(context: typer.Context) -> None:
    """Tell of each project in BAT what is there, what was taken over, and what waits for somebody."""
    for line in asyncio.run(_status(context.obj)):
        print(on_screen(line))


def push(context: typer.Context) -> None:
    """Bring to BAT now what its labelers have to hear, then tell how it stands."""
    asyncio.run(_round(context.obj, push=True))
    status(context)


def pull(context: typer.Context) -> None:
    """Take over now what was finished in BAT in two rounds in a row, then tell how it stands."""
    asyncio.run(_round(context.obj, pull=True))
    status(context)


async def _round(open_platform: OpenPlatform, *, push: bool = False, pull: bool = False) -> None:
    async with open_platform() as on, open_bat(on.settings) as bat:
        await Sync(on, pulling(on, Batches(on))).round(bat, push=push, pull=pull)


async def _status(open_platform: OpenPlatform) -> list[str]:
    async with open_platform(bus=False) as on:
        told = await projects(on.catalog, on.clock.now())
        return [line for project in told for line in lines(project)] or ["nothing of ours is in BAT"]


def lines(project: BatProject) -> Iterator[str]:
    """A project as lines of text."""
    yield f"{project.name} (group {project.group}): {_stage(project)}"
    for user in project.users:
        who = user.name or "nobody here"
        yield f"  {user.bat_user} ({who}): {user.finished} finished, {user.imported} taken over"
    for listed in project.listed:
        which = ", ".join(listed.which) + (" …" if listed.audios > len(listed.which) else "")
        audios = f"{listed.audios} audio{'' if listed.audios == 1 else 's'}"
        yield f"  ! {listed.bat_user}, {audios}: {listed.reason}. {listed.todo} ({which})"
    for reason in project.refused:
        yield f"  ! {reason}: whoever labels in BAT answers such an audio on the labeling page"
    if project.last_error:
        yield f"  ! {project.last_error}"


def _stage(project: BatProject) -> str:
    if project.deleted:
        return "closed, read and deleted there"
    at = f"{project.pushed} of {project.audios} audios are there"
    if project.closed:
        at += ", closed" + (" and read to its end" if project.read_to_end else "")
    if project.last_round_s is None:
        return f"{at}; no round has come here yet"
    return f"{at}; last round {project.last_round_s:.0f} s ago"
