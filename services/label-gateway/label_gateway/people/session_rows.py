"""The sessions of people: one for each browser in which they have signed in, and for each token of theirs."""

import re
from datetime import datetime, timedelta
from typing import Literal, TypeAlias
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from escolta.service import Platform

Kind = Literal["browser", "token"]
Connection: TypeAlias = asyncpg.Connection | asyncpg.Pool

# The first that a User-Agent names is meant: most browsers name others too, for old servers.
BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Macintosh": "Mac",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


class SessionRow(BaseModel):
    """A session of a person, as they tell it from their others."""

    session_id: UUID
    kind: Kind
    name: str
    made_at: datetime
    ends_at: datetime


async def add_session(db: Connection, on: Platform, labeler_id: int, kind: Kind, name: str) -> UUID:
    """A new session of a labeler; it ends after `session_days`. Those that have ended are swept out."""
    now = on.clock.now()
    await db.execute("DELETE FROM label.sessions WHERE ends_at <= $1", now)
    return await db.fetchval(
        "INSERT INTO label.sessions (labeler_id, kind, name, made_at, ends_at)"
        " VALUES ($1, $2, $3, $4, $5) RETURNING session_id",
        labeler_id,
        kind,
        name,
        now,
        now + timedelta(days=on.settings.session_days),
    )


async def sessions_of(on: Platform, labeler_id: int) -> list[SessionRow]:
    """The labeler's sessions, the newest first."""
    rows = await on.catalog.fetch(
        "SELECT session_id, kind, name, made_at, ends_at FROM label.sessions"
        " WHERE labeler_id = $1 AND ends_at > $2 ORDER BY made_at DESC, session_id",
        labeler_id,
        on.clock.now(),
    )
    return [SessionRow(**row) for row in rows]


async def end_session(db: Connection, labeler_id: int, session_id: UUID) -> str | None:
    """End a session of the labeler. What it was called; None where the labeler has no such session."""
    return await db.fetchval(
        "DELETE FROM label.sessions WHERE labeler_id = $1 AND session_id = $2 RETURNING name",
        labeler_id,
        session_id,
    )


async def end_sessions(db: Connection, labeler_id: int) -> list[str]:
    """End all sessions of the labeler; what they were called."""
    rows = await db.fetch("DELETE FROM label.sessions WHERE labeler_id = $1 RETURNING name", labeler_id)
    return sorted(row["name"] for row in rows)


def called(user_agent: str) -> str:
    """What its owner would call a browser, by its `User-Agent`: "Firefox on Linux"."""
    browser = next((name for sign, name in BROWSERS.items() if re.search(rf"\b{sign}\w*/", user_agent)), None)
    system = next((name for sign, name in SYSTEMS.items() if sign in user_agent), None)
    return f"{browser or 'A browser'} on {system}" if system else browser or "A browser"
