"""Where people find the pages: known to the process that serves them, and wanted by commands beside it."""

import asyncpg


async def keep_address(db: asyncpg.Pool, url: str) -> None:
    """Remember it for later commands."""
    await db.execute(
        "INSERT INTO label.address (url) VALUES ($1) ON CONFLICT (one) DO UPDATE SET url = $1", url
    )


async def kept_address(db: asyncpg.Pool) -> str | None:
    """The address of the process that served the pages last; None before the first."""
    return await db.fetchval("SELECT url FROM label.address")
