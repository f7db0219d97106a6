"""The servers as they are deployed: by the files of `deploy/` themselves, with other ports and paths.

What would be open to others, all addresses of a container, is 127.0.0.2 here: it is no other machine's, and
whoever binds 127.0.0.1 is not found there.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from escolta.tls import make_certificates

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.2"
TLS = "/etc/escolta/tls"


def certificates(folder: Path) -> Path:
    """The authority's certificate; beside it a folder for each server, as `escolta tls` makes them."""
    make_certificates(folder, [HOST], datetime.now(UTC))
    return folder / "ca.crt"


def given(name: str) -> str:
    """The text of a file of deploy/k8s/servers, which Compose mounts, too."""
    return (ROOT / "deploy/k8s/servers" / name).read_text("utf-8")


def command_of(service: str) -> list[str]:
    """What docker-compose.yml starts, in the words of its file."""
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    part, *_ = re.findall(rf"^  {service}:\n(.*?)(?=^  \S|\Z)", text, re.MULTILINE | re.DOTALL)
    [command] = re.findall(r"^    command: (.*?)(?=^    \S)", part, re.MULTILINE | re.DOTALL)
    return str(command).split()


def at(arguments: Iterable[str], places: dict[str, str]) -> list[str]:
    """The same with other paths and addresses; each place must be there, or the test tests something else."""
    found, words = set(), []
    for argument in arguments:
        for old, new in places.items():
            if old in argument:
                argument = argument.replace(old, new)
                found.add(old)
        words.append(argument)
    assert found == set(places), set(places) - found
    return words
