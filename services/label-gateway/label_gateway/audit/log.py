"""Adding to the audit log, and reading it: newest first, from a mark on, so that a page is always cheap."""

from datetime import datetime
from typing import Literal

import asyncpg
from pydantic import BaseModel, Field

from escolta import audit
from escolta.audit import What, Who

Wanted = What | Literal["everything", "all but labels"]
NEWEST = 2**63 - 1
"""A mark after every entry."""

_ENTRIES = """
    SELECT audit_id, at, service, labeler_id, name, what, which FROM audio.audit
    WHERE audit_id < $1 AND {} ORDER BY audit_id DESC LIMIT $2
"""
_EVERYTHING = _ENTRIES.format("true")
_BUT_LABELS = _ENTRIES.format("what <> 'labeled'")
_OF_A_KIND = _ENTRIES.format("what = $3")


class Entry(BaseModel):
    """Something that somebody did."""

    audit_id: int = Field(description="its mark")
    at: datetime
    service: str = Field(description="by which it was done")
    labeler_id: int | None = Field(description="null: somebody at a terminal; 0: the installation itself")
    name: str = Field(description="of whoever did it, as it was then")
    what: str
    which: str = Field(description="to what it was done")


async def entries(db: asyncpg.Pool, wanted: Wanted, before: int, limit: int) -> list[Entry]:
    """The `limit` newest entries before a mark."""
    if wanted == "everything":
        rows = await db.fetch(_EVERYTHING, before, limit)
    elif wanted == "all but labels":
        rows = await db.fetch(_BUT_LABELS, before, limit)
    else:
        rows = await db.fetch(_OF_A_KIND, before, limit, wanted)
    return [Entry(**row) for row in rows]


async def note(db: asyncpg.Connection | asyncpg.Pool, who: Who, what: What, which: str) -> None:
    """Add what was done by way of label-gateway."""
    await audit.note(db, "label-gateway", who, what, which)
