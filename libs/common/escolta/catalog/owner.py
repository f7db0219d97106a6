"""What deletes wants the account that owns the catalog: no service has the right to."""

import asyncpg

from escolta.errors import Misconfigured


async def require_owner(catalog: asyncpg.Pool) -> None:
    """Raises `Misconfigured` where the account is another one."""
    try:
        may = await catalog.fetchval("SELECT has_table_privilege('audio.forgotten', 'INSERT')")
    except asyncpg.InsufficientPrivilegeError:
        may = False
    if not may:
        raise Misconfigured(
            "ESCOLTA_CATALOG_URL: this account may not delete: use the one that owns the catalog, as for "
            "`escolta migrate`"
        )
