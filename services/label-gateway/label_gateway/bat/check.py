"""What stands between us and a BAT: each thing that `escolta bat check` looks at, and what mends it.

Nothing is changed in BAT, and no page of an annotation is opened.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

import asyncpg

from label_gateway.bat import wanted
from label_gateway.bat.client import Bat
from label_gateway.bat.errors import BatError, BatFailed, NotLetIn, UnexpectedPage
from label_gateway.bat.session import TOOL
from label_gateway.ontology.classes import classes

SLOW_S = 10.0
"""A list of a thousand annotations takes 3 s; beside the debug toolbar, minutes."""

NO_PROJECT = "escolta-check"
"""Asked for one that is not there, the list of annotations is short, and the page whole."""

_ADMIN = "admin/annotation_tool/"


class Found(NamedTuple):
    """One thing that was looked at. `todo`: what somebody has to do, empty where all is well; `stops`: until
    then nothing works."""

    what: str
    todo: str = ""
    stops: bool = False


async def looked_at(bat: Bat) -> AsyncIterator[Found]:
    """Everything, in order; what stops us is the last."""
    try:
        await bat.session.sign_in()
    except BatError as error:
        yield Found(*_told(error), stops=True)
        return
    yield Found("BAT answers, and lets us in as a superuser")
    for look in (_lists, _admin, _names, _toolbar, _open_files):
        async for found in look(bat):
            yield found
            if found.stops:
                return


async def ready(db: asyncpg.Pool) -> AsyncIterator[Found]:
    """What is still to be done here before anything goes to BAT."""
    if not await wanted.somebody_labels_in_bat(db):
        yield Found("nobody labels in BAT", "give labelers the names of their users there, on the page /bat")
    if all(sound_class.is_doubt for sound_class in await classes(db)):
        yield Found(
            "there is no class but Doubt", "add the classes on the labeling page: no project is made before"
        )


async def _lists(bat: Bat) -> AsyncIterator[Found]:
    """The pages that every round reads, and the one by which audios go out."""
    pages: tuple[tuple[str, Callable[[], Awaitable[object]]], ...] = (
        ("classes", bat.classes),
        ("projects", bat.projects),
        ("annotations", lambda: bat.annotations(NO_PROJECT)),
        ("files to upload", lambda: bat.session.get(f"{TOOL}upload_data/")),
    )
    loop = asyncio.get_running_loop()
    for name, read in pages:
        begun = loop.time()
        try:
            await read()
        except BatError as error:
            yield Found(f"its page of {name} is not to be had: {error}", _mended_by(name), stops=True)
            return
        took_s = loop.time() - begun
        slow = f"it takes {took_s:.0f} s: delete projects that nobody needs" if took_s > SLOW_S else ""
        yield Found(f"its page of {name} can be read", slow)


async def _admin(bat: Bat) -> AsyncIterator[Found]:
    """The pages by which annotations are read without disturbing labelers."""
    for model, named in (("wav", "wavs"), ("region", "regions"), ("class", "classes"), ("tag", "tags")):
        try:
            await bat.session.get(f"{_ADMIN}{model}/")
        except NotLetIn as error:
            yield Found(f"its admin pages are closed to us: {error}", "make our user staff, too", stops=True)
            return
        except BatFailed:
            yield Found(
                f"its admin's list of {named} fails, as it does where a name is not ASCII",
                f"rename or delete the one of the {named} that has other letters: until then labelers' pages"
                " fail as well, and what they mark is read by a way that may disturb them",
                stops=model == "wav",
            )
        except BatError as error:
            yield Found(f"its admin's list of {named} cannot be read: {error}", "see BAT's log", stops=True)
            return
    yield Found("its admin pages can be read")


async def _names(bat: Bat) -> AsyncIterator[Found]:
    """Names that break pages of BAT for everybody."""
    for kind, names in (
        ("class", [it.name for it in await bat.classes()]),
        ("project", [it.name for it in await bat.projects()]),
    ):
        foreign = [name for name in names if not name.isascii()]
        if foreign:
            yield Found(
                f"a {kind} of BAT's is called {foreign[0]!r}, which is not ASCII",
                f"delete that {kind}, or let nobody use it: pages that show it fail, for everybody",
            )


async def _toolbar(bat: Bat) -> AsyncIterator[Found]:
    if "djDebug" in await bat.session.get(f"{TOOL}classes/"):
        yield Found(
            "BAT's debug toolbar is on for our address",
            "take our address out of INTERNAL_IPS, or set DEBUG = False: with it a page takes minutes (ours"
            " does without, other programs' do not)",
        )


async def _open_files(bat: Bat) -> AsyncIterator[Found]:
    answer = await bat.session.send("HEAD", "tmp/.env")
    if answer.status_code == 200:
        yield Found(
            "BAT shows its folder to anybody, /tmp/.env with its secrets included",
            "close /tmp/ to all but BAT's labelers, or keep BAT on a network of your own: whoever reaches it"
            " may also change annotations without signing in",
        )


def _told(error: BatError) -> tuple[str, str]:
    """What happened, and what is to be done: the error says both, but for what is not BAT."""
    if isinstance(error, UnexpectedPage):
        return f"what answers at ESCOLTA_BAT_URL is not BAT: {error}", "correct the address"
    if isinstance(error, BatFailed):
        return str(error), "see BAT's log"
    what, _, todo = str(error).rpartition(": ")
    return what, todo


def _mended_by(page: str) -> str:
    if page == "files to upload":
        return "delete the project whose name is not ASCII, or see BAT's log"
    return "see BAT's log"
