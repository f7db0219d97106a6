"""What each image of ours holds, as a CycloneDX file: `make sbom` writes var/sbom/IMAGE.cdx.json.

For each image an environment is made as deploy/Dockerfile makes it, by the same pins, and read. Where a
license would oblige whoever passes the image on to more than ours does (GPL, AGPL), that is told and fails.
"""

import json
import re
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from checks.alike import compose_services, unchosen

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "var/sbom"
BIN = Path(sys.executable).parent
STRONG = re.compile(r"(?<!L)(?<!Lesser )(AGPL|GPL|GNU (Affero )?General Public)", re.I)


def main() -> None:
    """One file for each image that is built; exit 1 with what is wrong."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wrong = [line for name, build in sorted(builds().items()) for line in _made(name, build)]
    sys.exit("\n".join(wrong))


def builds() -> dict[str, dict[str, str]]:
    """For each image what docker-compose.yml has it built with."""
    parts = (part["build"]["args"] for part in compose_services().values() if "build" in part)
    return {args["SERVICE"]: {name: unchosen(value) for name, value in args.items()} for args in parts}


def _made(name: str, build: Mapping[str, str]) -> Iterator[str]:
    environment, file = FOLDER / name, FOLDER / f"{name}.cdx.json"
    venv.create(environment, clear=True, symlinks=True)
    folder = build.get("FOLDER", f"services/{name}")
    _pip(environment, "-c", "constraints.txt", "./libs/common", f"./{folder}{build.get('EXTRAS', '')}")
    if name == "embedder":
        _pip(environment, "--no-deps", "-r", "requirements/no-deps.txt")
    project = f"--pyproject={folder}/pyproject.toml"
    python = environment / "bin/python"
    _run(
        BIN / "cyclonedx-py", "environment", project, "--mc-type=application", f"--output-file={file}", python
    )
    document = json.loads(file.read_text("utf-8"))
    installed = {dist.name.lower() for dist in distributions(path=[str(_packages(environment))])}
    print(f"{file.relative_to(ROOT)}: {len(names(document))} packages")
    yield from (
        f"{file.name} lacks {package}, which is installed" for package in sorted(installed - names(document))
    )
    yield from (f"{name}: {sentence}" for sentence in strong_copyleft(document))


def _packages(environment: Path) -> Path:
    [folder] = environment.glob("lib/python*/site-packages")
    return folder


def names(document: Mapping[str, Any]) -> set[str]:
    """The packages in a CycloneDX document, the one that it is about included."""
    about = document.get("metadata", {}).get("component", {})
    return {part["name"].lower() for part in (*document.get("components", []), about) if part}


def strong_copyleft(document: Mapping[str, Any]) -> list[str]:
    """Packages under a license that a choice (`OR`) does not spare us."""
    return [
        f"{part['name']} is under {licenses}"
        for part in document.get("components", [])
        if (licenses := _licenses(part)) and STRONG.search(licenses) and " OR " not in licenses
    ]


def _licenses(part: Mapping[str, Any]) -> str:
    choices = part.get("licenses", [])
    return ", ".join(
        choice.get("expression") or choice["license"].get("id") or choice["license"].get("name", "")
        for choice in choices
    )


def _pip(environment: Path, *arguments: str) -> None:
    _run(BIN / "pip", "--python", environment / "bin/python", "install", "--quiet", *arguments)


def _run(*command: str | Path) -> None:
    done = subprocess.run(
        [str(part) for part in command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{Path(command[0]).name}: {done.stderr}")


if __name__ == "__main__":
    main()
