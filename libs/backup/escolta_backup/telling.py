"""What a backup leaves in the catalog that it is of: when it ended, for those who watch its age."""

from typing import Literal

import asyncpg

from escolta_backup.programs import Say

What = Literal["catalog", "objects", "drill"]
_KEEP = """
INSERT INTO audio.backups (what, at, good) VALUES ($1, now(), $2)
ON CONFLICT (what) DO UPDATE SET at = excluded.at, good = excluded.good
"""


async def tell(dsn: str | None, what: What, good: bool, say: Say) -> None:
    """Keep that it has ended just now. Where the catalog cannot be told, `say` why: what is done is done."""
    try:
        if dsn is None:
            raise ConnectionError("it is not at work")
        connection = await asyncpg.connect(dsn, timeout=30)
        try:
            await connection.execute(_KEEP, what, good)
        finally:
            await connection.close()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        say(f"{what}: the catalog is not told that this has ended, and its metrics will not show it: {error}")
