"""What operators see: the queries of every dashboard, asked of a deployment at work, as tables.

    .venv/bin/python bench/dashboards.py [--markdown FILE]

Five services run as processes over servers as they are deployed, and Prometheus and Alertmanager beside them;
a harbor is recorded, and simulated labelers label two batches. Then each query is asked.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

for variable in [name for name in os.environ if name.startswith("ESCOLTA_")]:
    del os.environ[variable]  # what is set for a deployment must not reach the processes of this run

# The folder of a script comes first among those to import from, and there a file has a package's name.
HERE = Path(__file__).resolve().parent
sys.path[:] = [folder for folder in sys.path if Path(folder or ".").resolve() != HERE]
sys.path += [str(HERE.parent / "tests"), str(HERE.parent / "deploy")]

from escolta_demo.harbor import write_harbor  # noqa: E402
from monitored.watched import Watched, watched  # noqa: E402
from monitoring.queries import dashboards, filled_in  # noqa: E402
from system.deployed_servers import deployed_servers  # noqa: E402
from system.walk import ask_for_iterations, signed_in_team, until_embedded  # noqa: E402

AUDIOS, BATCH, ITERATIONS = 90, 8, 2
SCRAPED_S = 65.0
"""After the last label: every figure of rows is read anew within a minute."""
MOST_ROWS = 6


async def run() -> str:
    """The tables, in Markdown."""
    with tempfile.TemporaryDirectory(prefix="escolta-dashboards-", ignore_cleanup_errors=True) as folder:
        async with _at_work(Path(folder)) as world:
            return "\n".join([line async for line in _tables(world)])


@asynccontextmanager
async def _at_work(folder: Path) -> AsyncIterator[Watched]:
    recordings = folder / "recordings"
    write_harbor(recordings, audios=AUDIOS)
    chosen = {"node_name": "quay-1", "nodes": "quay-1", "replay_dir": recordings, "replay_speed": 10}
    async with (
        deployed_servers(folder / "servers") as servers,
        watched(folder / "watched", servers, **chosen) as world,
    ):
        await until_embedded(world.deployment, AUDIOS)
        async with signed_in_team(world.deployment, recordings, ITERATIONS):
            await ask_for_iterations(world.deployment, BATCH, ITERATIONS)
        await asyncio.sleep(SCRAPED_S)
        yield world


async def _tables(world: Watched) -> AsyncIterator[str]:
    for name, dashboard in dashboards():
        yield f"\n### {dashboard['title']} (`{name}`)\n\n| panel | answer |\n|---|---|"
        for panel in dashboard["panels"]:
            for name, query in _queries(panel):
                samples = await world.monitoring.ask(filled_in(query))
                yield f"| {name} | {_told(samples)} |"


def _queries(panel: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Of each line of a panel, or each column of a table, what it is called and asks."""
    columns = {
        override["matcher"]["options"].removeprefix("Value #"): override["properties"][0]["value"]
        for override in panel.get("fieldConfig", {}).get("overrides", [])
    }
    for target in panel.get("targets", []):
        legend = columns.get(target["refId"], target.get("legendFormat", ""))
        name = panel["title"] if not legend or "{{" in legend else f"{panel['title']}: {legend}"
        yield name, target["expr"]


def _told(samples: list[dict[str, Any]]) -> str:
    """The first samples, as `labels: value`."""
    told = [f"{_labels(sample['metric'])}{float(sample['value'][1]):.4g}" for sample in samples]
    more = f", and {len(told) - MOST_ROWS} more" if len(told) > MOST_ROWS else ""
    return (", ".join(told[:MOST_ROWS]) or "–") + more


def _labels(metric: dict[str, str]) -> str:
    said = [value for name, value in sorted(metric.items()) if name not in ("__name__", "job", "instance")]
    return f"{' '.join(said)}: " if said else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--markdown", type=Path)
    options = parser.parse_args()
    told = asyncio.run(run())
    print(told)
    if options.markdown:
        options.markdown.write_text(told + "\n", "utf-8")


if __name__ == "__main__":
    main()
