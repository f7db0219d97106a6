"""`escolta bat check`: can we label with that BAT, and what does its operator have to do?"""

import asyncio
import sys

import typer

from escolta.names import on_screen
from escolta.service import OpenPlatform
from label_gateway.bat.check import Found, looked_at, ready
from label_gateway.bat.client import open_bat

WORKS_NOT, WORKS_IN_DANGER = 1, 3


def check(context: typer.Context) -> None:
    """Look at the BAT of ESCOLTA_BAT_URL: what keeps us from it, and what is a danger there.

    Ends with 1 where nothing works, with 3 where something should be mended, and with 0 where all is well.
    """
    found = asyncio.run(_check(context.obj))
    sys.exit(WORKS_NOT if any(it.stops for it in found) else WORKS_IN_DANGER * any(it.todo for it in found))


async def _check(open_platform: OpenPlatform) -> list[Found]:
    found: list[Found] = []
    async with open_platform(bus=False) as on, open_bat(on.settings) as bat:
        async for finding in looked_at(bat):
            found.append(_told(finding))
        if not found[-1].stops:
            async for finding in ready(on.catalog):
                found.append(_told(finding))
    return found


def _told(finding: Found) -> Found:
    mark = "✗" if finding.stops else "!" if finding.todo else "✓"
    print(on_screen(f"{mark} {finding.what}" + (f": {finding.todo}" if finding.todo else "")), flush=True)
    return finding
