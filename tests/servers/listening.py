"""On which addresses a server listens: of the kernel, whatever its configuration says. On Linux."""

import ipaddress
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

LISTENS = "0A"
LOOPBACK = {"127.0.0.1", "::1"}
"""What a process binds to be reached by nobody beyond its own machine, container or pod."""


def beyond_loopback(session: int) -> set[int]:
    """The ports at which the processes of a session listen for others than their own neighbors."""
    return {port for address, port in listening(session) if address not in LOOPBACK}


def listening(session: int) -> set[tuple[str, int]]:
    """Every address and port at which a process of this session listens."""
    sockets = {target for pid in _pids(session) for target in _open_files(pid)}
    return {where for where, inode in _listeners() if f"socket:[{inode}]" in sockets}


def _pids(session: int) -> Iterator[int]:
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(int(entry.name)) == session:
                yield int(entry.name)


def _open_files(pid: int) -> Iterator[str]:
    with suppress(FileNotFoundError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                yield os.readlink(descriptor)


def _listeners() -> Iterator[tuple[tuple[str, int], str]]:
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == LISTENS:
                address, _, port = local.partition(":")
                yield (_address(address), int(port, 16)), inode


def _address(text: str) -> str:
    """The kernel writes each 32 bits as a number of its own machine."""
    words = [int(text[start : start + 8], 16) for start in range(0, len(text), 8)]
    address = ipaddress.ip_address(b"".join(struct.pack("=I", word) for word in words))
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
