"""`escolta greet`: a way in for whoever may read the catalog, beside services that are at work or not."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from escolta.audit import at_the_terminal
from escolta.errors import Rejected
from escolta.names import tidy_name
from escolta.service import OpenPlatform, Platform
from escolta.web import Sessions
from label_gateway.audit.log import note
from label_gateway.people.address import kept_address
from label_gateway.people.labelers import Labeler, ensure_a_lead, labeler_named, make_lead
from label_gateway.people.session_rows import add_session
from label_gateway.people.sign_in import new_link


def greet(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="whose; none: the lead who came first")] = None,
    lead: Annotated[
        bool, typer.Option("--lead", help="make that person a lead who may sign in, known or not")
    ] = False,
    token: Annotated[
        bool, typer.Option("--token", help="print a token for the API instead: Authorization: Bearer …")
    ] = False,
    state_dir: Annotated[
        Path | None, typer.Option(help="folder of a demo or another installation on this machine")
    ] = None,
) -> None:
    """Print a fresh sign-in link, that works once; or a token for the API."""
    print(asyncio.run(_greet(context.obj, name, lead, token, state_dir)))


async def _greet(
    open_platform: OpenPlatform, name: str | None, lead: bool, token: bool, state_dir: Path | None
) -> str:
    async with open_platform(state_dir=state_dir, bus=False) as on:
        on.http_url = on.settings.public_url or await kept_address(on.catalog) or on.http_url
        person = await _person(on, name, lead)
        if token:
            async with on.catalog.acquire() as db, db.transaction():
                session_id = await add_session(db, on, person.labeler_id, "token", "escolta greet")
                await note(db, at_the_terminal(), "made a token", f"for {person.name}")
            return Sessions(on).token(session_id)
        link = await new_link(on, person, at_the_terminal())
        return f"Open this link to sign in as {person.name!r}; it works once: {link}"


async def _person(on: Platform, name: str | None, lead: bool) -> Labeler:
    """Raises `Rejected` for a name that nobody has, or whose owner may not sign in."""
    if name is None and not lead:
        return await ensure_a_lead(on.catalog)
    known_as = _tidy(name or "lead")
    if lead:
        return await make_lead(on.catalog, known_as, at_the_terminal())
    person = await labeler_named(on.catalog, known_as)
    if person is None or not person.enabled:
        raise Rejected(f"No labeler called {known_as!r} may sign in: --lead makes a lead of that name.")
    return person


def _tidy(name: str) -> str:
    try:
        return tidy_name(name)
    except ValueError as error:
        raise Rejected(f"{name!r} is no name: {error}") from None
