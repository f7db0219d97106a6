"""Audios through random faults of every service and server, and what came of them.

    .venv/bin/python bench/faults.py --audios 2000 --seed 1 [--json FILE]

Five services and three nodes run as processes over a RabbitMQ, a PostgreSQL and a SeaweedFS of this run,
with accounts of their own; `tests/system/fault_run.py` says what happens to them, by chance from the seed. It
ends with status 1 unless every audio that was sent has one row and one embedding, and nobody had to do
anything by hand.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

for variable in [name for name in os.environ if name.startswith("ESCOLTA_")]:
    del os.environ[variable]  # what is set for a deployment must not reach the processes of this run

# The folder of a script comes first among those to import from, and there a file has a package's name.
HERE = Path(__file__).resolve().parent
sys.path[:] = [folder for folder in sys.path if Path(folder or ".").resolve() != HERE]
sys.path.append(str(HERE.parent / "tests"))

from system import fault_run  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--audios", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="escolta-faults-", ignore_cleanup_errors=True) as folder:
        result = asyncio.run(fault_run.run(options.audios, options.seed, Path(folder)))
        told = json.dumps(asdict(result), indent=2)
        print(told)
        if options.json:
            options.json.write_text(told + "\n")
        if not result.whole:
            kept = Path(tempfile.mkdtemp(prefix="escolta-faults-failed-"))
            for log in Path(folder).glob("*.log"):
                log.rename(kept / log.name)
            sys.exit(f"not all is as it was sent; what the services said lies in {kept}")


if __name__ == "__main__":
    main()
