"""Debian's promtool and amtool, found or fetched beside this project's tools; nothing is installed."""

import shutil
import subprocess
import tempfile
from pathlib import Path

FETCHED = Path(__file__).parents[2] / ".tools/debian"
PACKAGES = {"promtool": "prometheus", "amtool": "prometheus-alertmanager"}


def program(name: str) -> str | None:
    """Where the program is; None where it is absent and Debian's packages cannot be had."""
    fetched = FETCHED / "usr/bin" / name
    if not shutil.which(name) and not fetched.exists():
        _fetch(PACKAGES[name])
    return shutil.which(name) or (str(fetched) if fetched.exists() else None)


def _fetch(package: str) -> None:
    if not shutil.which("apt-get"):
        return
    with tempfile.TemporaryDirectory() as folder:
        if not _apt(folder, "download", package):
            _apt(folder, "update")  # a fresh machine knows of no packages; who is not root is refused
            _apt(folder, "download", package)
        for archive in Path(folder).glob("*.deb"):
            subprocess.run(["dpkg-deb", "--extract", archive, FETCHED], check=True)


def _apt(folder: str, *arguments: str) -> bool:
    command = ["apt-get", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0
