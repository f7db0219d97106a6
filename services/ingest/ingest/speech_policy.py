"""What becomes of speech that a node records: a lead says it, and it holds at once, for all that it recorded.

What may be heard follows in the catalog itself (`audio.hearable` and its sisters): nothing else decides it.
"""

from collections.abc import Collection
from typing import Annotated, Literal

import asyncpg
from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, Field

from escolta import audit
from escolta.fields import NodeName
from escolta.service import Platform
from escolta.web import Session, lead

Policy = Literal["keep", "withhold", "stay"]


class SpeechPolicy(BaseModel):
    """keep: all may be heard. withhold: only what some model has heard, and with a score of speech under the
    threshold. stay: nothing more leaves the node, and nothing of what has left it may be heard."""

    speech_policy: Policy
    speech_threshold: float = Field(0.1, gt=0, le=1, description="a score of speech from here on is speech")


def add_routes(routes: APIRouter, on: Platform) -> None:
    """/api/nodes/{name}/policy."""

    @routes.put("/nodes/{name}/policy", responses={404: {"description": "No node is called so."}})
    async def set_policy(
        name: NodeName, policy: SpeechPolicy, by: Annotated[Session, Depends(lead)]
    ) -> SpeechPolicy:
        """Say what becomes of speech that a node records and has recorded."""
        async with on.catalog.acquire() as db, db.transaction():
            if not await _set(db, name, policy):
                raise HTTPException(404, f"No node is called {name}.")
            what = f"{name}: {policy.speech_policy}, threshold {policy.speech_threshold:g}"
            await audit.note(db, "ingest", by, "changed a speech policy", what)
        return policy


async def _set(db: asyncpg.Connection, name: str, policy: SpeechPolicy) -> bool:
    """Whether there is such a node."""
    done = await db.fetchval(
        "UPDATE audio.nodes SET speech_policy = $2, speech_threshold = $3 WHERE name = $1 RETURNING true",
        name,
        policy.speech_policy,
        policy.speech_threshold,
    )
    return bool(done)


async def staying(catalog: asyncpg.Pool, names: Collection[str]) -> set[str]:
    """Those of the nodes whose audios never leave them."""
    rows = await catalog.fetch(
        "SELECT name FROM audio.nodes WHERE name = ANY($1) AND speech_policy = 'stay'", list(names)
    )
    return {row["name"] for row in rows}
