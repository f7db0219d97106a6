"""Updates of all services under load, over and over, and what anybody saw of them.

    .venv/bin/python bench/rolling.py --seconds 600 [--before FOLDER] [--json FILE]

Five services run as processes over a RabbitMQ, a PostgreSQL and a SeaweedFS of this run, with accounts of
their own; `tests/system/rolling.py` says what happens to them. `--before` names a checkout of an earlier
version, from which they are updated at first. It ends with status 1 if anybody saw an error, or if anything
is lost or double.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path

for variable in [name for name in os.environ if name.startswith("ESCOLTA_")]:
    if not variable.startswith("ESCOLTA_TEST_"):
        del os.environ[variable]  # what is set for a deployment must not reach the processes of this run

# The folder of a script comes first among those to import from, and there a file has a package's name.
HERE = Path(__file__).resolve().parent
sys.path[:] = [folder for folder in sys.path if Path(folder or ".").resolve() != HERE]
sys.path.append(str(HERE.parent / "tests"))

from escolta.catalog import migrate_server  # noqa: E402
from servers.postgres import PASSWORDS, database, private_postgres  # noqa: E402
from servers.rabbit import private_broker  # noqa: E402
from servers.seaweed import bucket, seaweed  # noqa: E402
from system import rolling  # noqa: E402
from system.deployments import Servers  # noqa: E402


async def run(seconds: float, before: Path | None, folder: Path) -> rolling.Result:
    """So long, and until all that was sent is embedded."""
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(private_postgres(folder / "postgres"))
        catalog_url = await stack.enter_async_context(database(postgres))
        await migrate_server(catalog_url, PASSWORDS, say=lambda _: None)
        broker = await stack.enter_async_context(private_broker(folder / "rabbit"))
        rabbit = await stack.enter_async_context(broker.virtual_host())
        store = await stack.enter_async_context(seaweed(folder / "seaweed"))
        objects_url = stack.enter_context(bucket(store, "escolta"))
        servers = Servers(rabbit, catalog_url, objects_url)
        end = time.monotonic() + seconds
        audios = max(60, round(seconds * rolling.AUDIOS_A_SECOND))
        return await rolling.run(audios, folder, servers, lambda _: time.monotonic() > end, before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="escolta-rolling-", ignore_cleanup_errors=True) as folder:
        result = asyncio.run(run(options.seconds, options.before, Path(folder)))
    told = json.dumps(asdict(result), indent=2)
    print(told)
    if options.json:
        options.json.write_text(told + "\n")
    sys.exit(not result.whole)


if __name__ == "__main__":
    main()
