"""Audios out to BAT and answers back, through everything that can fail; and what a round costs.

    .venv/bin/python bench/bat.py --audios 400 --seed 1 [--short] [--json FILE]     through all failures
    .venv/bin/python bench/bat.py --cost --audios 400 [--json FILE]                 requests, seconds, memory
    .venv/bin/python bench/bat.py --names                                           1,027 names there and back

BAT is the double of the tests (`tests/servers/bat/`), over HTTP. `tests/system/bat_run.py` says what happens,
by chance from the seed. Without `--short` a round is killed at each of its requests, each of which fails in
every way besides.
It ends with status 1 unless BAT holds each audio once and the catalog what the people did.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

for variable in [name for name in os.environ if name.startswith("ESCOLTA_")]:
    del os.environ[variable]  # what is set for a deployment must not reach the processes of this run

# The folder of a script comes first among those to import from, and there a file has a package's name.
HERE = Path(__file__).resolve().parent
sys.path[:] = [folder for folder in sys.path if Path(folder or ".").resolve() != HERE]
sys.path.append(str(HERE.parent / "tests"))

from escolta.catalog import migrate_server  # noqa: E402
from servers.bat.process import bat_at_work  # noqa: E402
from servers.postgres import PASSWORDS, account, database, private_postgres  # noqa: E402
from system.bat_commands import Commands  # noqa: E402
from system.bat_cost import costs  # noqa: E402
from system.bat_names import names, round_trip  # noqa: E402
from system.bat_run import Run  # noqa: E402
from system.bat_team import SAME_S, TeamInBat, team_in_bat  # noqa: E402


@asynccontextmanager
async def installation(folder: Path) -> AsyncIterator[tuple[TeamInBat, Commands]]:
    """A catalog, a BAT, and five people who label there."""
    async with (
        private_postgres(folder / "postgres") as server,
        database(server) as catalog_url,
        bat_at_work(folder / "bat") as bat,
    ):
        await migrate_server(catalog_url, PASSWORDS, say=lambda _: None)
        async with team_in_bat(catalog_url, bat, folder) as team:
            yield team, Commands(bat, account(catalog_url, "label-gateway"), folder)


async def measure(options: argparse.Namespace, folder: Path) -> tuple[dict, bool]:
    """What was found, and whether all is as it should be."""
    async with installation(folder) as (team, commands):
        try:
            if options.cost:
                return {"costs": [asdict(cost) for cost in await costs(team, commands, options.audios)]}, True
            if options.names:
                said, found = await round_trip(team, commands, names())
                apart = [abs(a - b) for it in said for a, b in zip(said[it], found.get(it, ()), strict=False)]
                told = {"names": len(said), "came_back": len(found), "furthest_apart_s": max(apart)}
                return told, said.keys() == found.keys() and max(apart) <= SAME_S
            result = await Run(team, commands, options.audios, options.seed, thorough=not options.short).all()
            return asdict(result), result.whole
        finally:
            print(commands.said()[-1500:], file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--audios", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--cost", action="store_true")
    parser.add_argument("--names", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="escolta-bat-", ignore_cleanup_errors=True) as folder:
        found, whole = asyncio.run(measure(options, Path(folder)))
    told = json.dumps(found, indent=2)
    print(told)
    if options.json:
        options.json.write_text(told + "\n")
    if not whole:
        sys.exit("not all is as it was said")


if __name__ == "__main__":
    main()
