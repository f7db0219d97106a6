"""A connection to the catalog, as asyncpg has it but for one thing."""

from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg


class Connection(asyncpg.Connection):
    """For no rows at all asyncpg prepares a statement and never says that this was all.

    The server would hold the locks of its tables until somebody has another question for this connection,
    which may be never: a migration that wants one of these tables would wait as long.
    """

    async def executemany(self, command: str, args: Iterable[Sequence[Any]], **further: Any) -> None:
        """The same; of no rows the server does not hear."""
        rows = list(args)
        if rows:
            await super().executemany(command, rows, **further)
