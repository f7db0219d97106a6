"""Signing in by a link that works once, so that nobody needs a password.

A token has 256 random bits: guessing one is hopeless at any rate, so attempts are not counted. Only its
SHA-256 is kept and compared, in an index: how long that takes tells of digests, never of a token.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

import asyncpg
from pydantic import BaseModel, Field

from escolta.audit import INSTALLATION, Who
from escolta.errors import Rejected
from escolta.service import Platform
from label_gateway.audit.log import note
from label_gateway.people import labelers as people


class Person(NamedTuple):
    """Who has just come in by a link."""

    labeler_id: int
    name: str
    role: people.Role


class SignInLink(BaseModel):
    """A link that signs its owner in, once: hand it over in private."""

    url: str = Field(description="the token follows the #, so that no log of a server has it")


async def sign_in_link(on: Platform, name: str) -> str:
    """A fresh one-time link for the labeler `name`; a catalog without labelers gets its first lead.

    Its token is in the fragment, which browsers do not send, so that no log of a server or proxy has it.
    Raises `Rejected` when nobody of that name may sign in.
    """
    await people.ensure_a_lead(on.catalog)
    labeler = await people.labeler_named(on.catalog, name)
    if labeler is None or not labeler.enabled:
        raise Rejected(f"No labeler called {name!r} may sign in.")
    return await new_link(on, labeler, INSTALLATION)


async def greeting(on: Platform) -> str:
    """A line for whoever sits at the machine: how the first lead signs in."""
    lead = await people.ensure_a_lead(on.catalog)
    link = await new_link(on, lead, INSTALLATION)
    return f"Open this link to sign in as {lead.name!r}; it works once: {link}"


async def new_link(on: Platform, labeler: people.Labeler, by: Who) -> str:
    """A fresh one-time link for a labeler, good for `sign_in_hours`; made `by` somebody."""
    token, now = secrets.token_urlsafe(32), on.clock.now()
    async with on.catalog.acquire() as db, db.transaction():
        await db.execute("DELETE FROM label.sign_in_links WHERE expires_at < $1", now)
        await db.execute(
            "INSERT INTO label.sign_in_links (token_sha256, labeler_id, expires_at) VALUES ($1, $2, $3)",
            _digest(token),
            labeler.labeler_id,
            now + timedelta(hours=on.settings.sign_in_hours),
        )
        await note(db, by, "made a link", f"for {labeler.name}")
    return f"{on.http_url}/sign-in#{token}"


async def use_token(db: asyncpg.Connection, now: datetime, token: str) -> Person | None:
    """Who the link was made for; None where it is unknown, used or too old, or its labeler disabled.

    One statement, so that of two attempts at once only one succeeds.
    """
    row = await db.fetchrow(
        """
        UPDATE label.sign_in_links link SET used_at = $2
        FROM audio.labelers l
        WHERE token_sha256 = $1 AND used_at IS NULL AND expires_at > $2
          AND l.labeler_id = link.labeler_id AND l.enabled
        RETURNING l.labeler_id, l.name, l.role
        """,
        _digest(token),
        now,
    )
    return Person(**row) if row else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
