"""Servers newer than the machine's own: RabbitMQ 4 and PostgreSQL 18, as a deployment has them, from Debian.

`python tests/servers/newer.py FOLDER` unpacks them into a folder, with the libraries that they want, and
touches nothing of the machine; with ESCOLTA_TEST_SERVERS=FOLDER the tests use them.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

SUITE = "sid"
"""Debian's stable release has RabbitMQ 4.0 and PostgreSQL 17."""
PACKAGES = ("rabbitmq-server", "postgresql-18", "patchelf")
UNUSED = (
    "adduser",
    "debconf",
    "libc-l10n",
    "libperl",
    "locales",
    "passwd",
    "perl",
    "systemd",
    "sysvinit-utils",
)
SOURCES = """Types: deb
URIs: {mirror}
Suites: {suite}
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


def newer() -> Path | None:
    """The folder, laid out as Debian's; None: the machine's own servers are used."""
    folder = os.environ.get("ESCOLTA_TEST_SERVERS")
    return Path(folder).resolve() if folder else None


def unpack_newer(folder: Path) -> None:
    """Fetch the packages with all that they depend on, unpack them, and let them find one another there."""
    with tempfile.TemporaryDirectory(prefix="escolta-apt-") as apt:
        for package in _fetched(Path(apt)):
            if not package.name.startswith(UNUSED):
                subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)
    _bind_programs(folder)
    _move_erlang(folder)


def _fetched(apt: Path) -> list[Path]:
    """By an apt that knows of no package on the machine, and has its lists and its cache for itself."""
    archives = apt / "cache/archives"
    for needed in (apt / "lists/partial", archives / "partial"):
        needed.mkdir(parents=True)
    (apt / "status").touch()
    (apt / "newer.sources").write_text(SOURCES.format(mirror=_mirror(), suite=SUITE), "utf-8")
    own = {
        "Dir::Etc::sourcelist": apt / "newer.sources",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State::lists": apt / "lists",
        "Dir::State::status": apt / "status",
        "Dir::Cache": apt / "cache",
        "APT::Get::Download-Only": "true",
        "APT::Sandbox::User": "root",
    }
    options = [f"--option={name}={value}" for name, value in own.items()]
    subprocess.run(["apt-get", "--quiet=2", *options, "update"], check=True)
    get = ["apt-get", "--quiet=2", *options, "install", "--yes", "--no-install-recommends", *PACKAGES]
    subprocess.run(get, check=True, stdout=subprocess.DEVNULL)
    return sorted(archives.glob("*.deb"))


def _mirror() -> str:
    """From where the machine has its own packages of Debian."""
    ask = ["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"]
    told = subprocess.run(ask, check=True, capture_output=True, text=True).stdout.split("\n")
    found = sorted({line.removeprefix("Debian ") for line in told if line.startswith("Debian ")})
    if not found:
        sys.exit("apt knows of no mirror of Debian: run `apt-get update` first")
    return found[0]


def _bind_programs(folder: Path) -> None:
    """To the libraries beside them, down to the C library: the machine's may be older."""
    libraries = folder / "usr/lib/x86_64-linux-gnu"
    loader = libraries / "ld-linux-x86-64.so.2"
    patchelf = [str(loader), "--library-path", str(libraries), str(folder / "usr/bin/patchelf")]
    bind = [*patchelf, "--set-interpreter", str(loader), "--force-rpath", "--set-rpath", str(libraries)]
    for part in ("usr/lib/erlang", "usr/lib/postgresql"):
        for program in (folder / part).rglob("*"):
            if _is_program(program):
                subprocess.run([*bind, program], check=True)


def _is_program(file: Path) -> bool:
    """Of those that the loader starts; a library among them is none."""
    if file.is_symlink() or not file.is_file() or not os.access(file, os.X_OK) or ".so" in file.suffixes:
        return False
    with file.open("rb") as start:
        return start.read(4) == b"\x7fELF"


def _move_erlang(folder: Path) -> None:
    """Its scripts name the folder that it was built for."""
    for script in (folder / "usr/lib/erlang").glob("**/bin/*"):
        if script.is_file() and script.read_bytes()[:2] == b"#!":
            text = script.read_text("utf-8")
            script.write_text(text.replace("=/usr/lib/erlang", f"={folder}/usr/lib/erlang"), "utf-8")


if __name__ == "__main__":
    unpack_newer(Path(sys.argv[1]).resolve())
