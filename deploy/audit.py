"""Asks PyPI for known vulnerabilities of what is pinned: `make audit`. What is found fails.

Where PyPI cannot be asked it says so and goes on, or with --must fails, as a release wants.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PINS = ("constraints.txt", "requirements/tools.txt")


def main() -> None:
    """Exit 1 with what is found."""
    for pins in PINS:
        found, unknown, asked = findings(_asked(pins))
        print(f"{pins}: {asked} packages audited, {len(unknown)} could not be")
        if found:
            sys.exit("\n".join(found))
        if not asked or (unknown and "--must" in sys.argv):
            print(f"{pins}: PyPI does not tell of {', '.join(unknown[:5]) or 'anything'}: not audited")
            if "--must" in sys.argv:
                sys.exit(1)


def _asked(pins: str) -> Mapping[str, Any]:
    command = [BIN / "pip-audit", "--requirement", pins, "--no-deps", "--disable-pip"]
    options = ["--format=json", "--progress-spinner=off", "--vulnerability-service=pypi"]
    done = subprocess.run(
        [*map(str, command), *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError:
        print(
            done.stderr.strip().splitlines()[-1] if done.stderr else "pip-audit says nothing", file=sys.stderr
        )
        return {"dependencies": []}


def findings(report: Mapping[str, Any]) -> tuple[list[str], list[str], int]:
    """What is vulnerable, as sentences; what PyPI does not know; how many were audited."""
    parts = report["dependencies"]
    unknown = [part["name"] for part in parts if "skip_reason" in part]
    found = [
        f"{part['name']} {part['version']}: {fault['id']}, mended in {fault['fix_versions'] or 'no version'}"
        for part in parts
        for fault in part.get("vulns", [])
    ]
    return found, unknown, len(parts) - len(unknown)


if __name__ == "__main__":
    main()
