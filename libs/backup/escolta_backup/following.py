"""Receiving the catalog's log as it is written: what `escolta backup --follow` does until it is stopped."""

import asyncio

from escolta.errors import EscoltaError, Misconfigured
from escolta.settings import Settings
from escolta_backup.base import check_same_catalog
from escolta_backup.folder import BackupFolder
from escolta_backup.programs import Say, programs_of, run
from escolta_backup.server import address, look_at
from escolta_backup.tunnel import plain

SLOT = "escolta_backup"
"""By it the server keeps what we have not received yet, up to its `max_slot_wal_keep_size`."""
AGAIN_S = 5.0


async def follow(folder: BackupFolder, settings: Settings, stop: asyncio.Event, say: Say) -> None:
    """Receive the log until `stop`; a server that is away is waited for. Raises `Misconfigured`."""
    receiving = asyncio.create_task(_receive_for_ever(folder, settings, say))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([receiving, stopping], return_when=asyncio.FIRST_COMPLETED)
    for task in (receiving, stopping):
        task.cancel()
    [ended, _] = await asyncio.gather(receiving, stopping, return_exceptions=True)
    if isinstance(ended, Exception):
        raise ended


async def _receive_for_ever(folder: BackupFolder, settings: Settings, say: Say) -> None:
    last_reason = ""
    while True:
        try:
            why = await _receive(folder, settings, say)
        except Misconfigured:
            raise
        except EscoltaError as error:
            why = str(error)
        if why != last_reason:
            say(f"log: {why}; again every {AGAIN_S:.0f} s")
            last_reason = why
        await asyncio.sleep(AGAIN_S)


async def _receive(folder: BackupFolder, settings: Settings, say: Say) -> str:
    """Receive until the connection ends; why it ended."""
    dsn = address(settings)
    if dsn is None:
        return "the catalog is not at work"
    server = await look_at(dsn)
    check_same_catalog(folder.bases(), server.system)
    program = programs_of(server.major) / "pg_receivewal"
    slot = f"--slot={SLOT}"
    async with plain(dsn) as door:
        await run(program, "--create-slot", "--if-not-exists", slot, "--no-password", dsn=door)
        say(f"log: received into {folder.wal}")
        into = f"--directory={folder.wal}"
        await run(program, into, slot, "--synchronous", "--no-loop", "--no-password", dsn=door)
    return "the server has ended the connection"
