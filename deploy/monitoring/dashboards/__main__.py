"""Writes the dashboards, and the alerts for a cluster: `make dashboards`; --check only says what differs."""

import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from monitoring.dashboards.active_learning import active_learning
from monitoring.dashboards.fleet import fleet
from monitoring.dashboards.labeling import labeling
from monitoring.dashboards.pipeline import pipeline
from monitoring.rule_for_clusters import MADE, rule

FOLDER = Path(__file__).parents[1] / "grafana/dashboards"
DASHBOARDS = {
    "pipeline": pipeline,
    "fleet": fleet,
    "labeling": labeling,
    "active-learning": active_learning,
}


def files() -> dict[Path, str]:
    """Every file that is made, with its text."""
    encoder = JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False)
    made = {
        FOLDER / f"{name}.json": encoder.encode(board().build()) + "\n" for name, board in DASHBOARDS.items()
    }
    return made | {MADE: rule()}


def differing() -> list[str]:
    """Which files are not as they would be made."""
    return [
        f"deploy/monitoring: {path.name} is not as it would be made: make dashboards"
        for path, text in files().items()
        if not path.exists() or path.read_text("utf-8") != text
    ]


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit("\n".join(differing()) or 0)
    for path, text in files().items():
        path.write_text(text, "utf-8")
