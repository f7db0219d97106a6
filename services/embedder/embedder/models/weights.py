"""Published weights: downloaded once, checked, and kept in the user's cache folder."""

import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx

from escolta.errors import Misconfigured, Transient

Progress = Callable[[int], None]
"""Hears, again and again, how many bytes of the file have come by."""

_PATIENCE_S = 30.0


@dataclass(frozen=True)
class Published:
    """A file of weights, and where its authors publish it."""

    url: str
    file_name: str
    size_bytes: int
    sha256: str


# Zenodo itself states an MD5 only, 541141fa2ee191a88f24a3219fff024e. Size and SHA-256 are those that a number
# of public projects give for this file, some of them beside that MD5, and all agree. We did not download the
# file ourselves; therefore whoever gets another digest is told how to go on without this check.
CNN14 = Published(
    url="https://zenodo.org/records/3987831/files/Cnn14_mAP%3D0.431.pth?download=1",
    file_name="Cnn14_mAP=0.431.pth",
    size_bytes=327_428_481,
    sha256="0dc499e40e9761ef5ea061ffc77697697f277f6a960894903df3ada000e34b31",
)
PUBLISHED = {"cnn14": CNN14}


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/escolta/models`, else `~/.cache/escolta/models`.

    XDG Base Directory Specification 0.8: a relative path in the variable is ignored. Raises Misconfigured
    for a user without a home folder.
    """
    chosen = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        return (chosen if chosen.is_absolute() else Path.home() / ".cache") / "escolta/models"
    except RuntimeError as error:
        raise Misconfigured("This user has no home folder: set XDG_CACHE_HOME to a folder.") from error


def fetched(wanted: Published) -> Path | None:
    """Where the weights lie, if they were fetched."""
    path = cache_folder() / wanted.file_name
    return path if path.is_file() else None


def fetch(wanted: Published, folder: Path, progress: Progress = lambda _: None) -> Path:
    """Download weights into `folder` unless they are there, and return their path.

    1. Where the file is there, check it.
    2. Download into `<name>.part`, from where an earlier attempt stopped.
    3. Check the size and the digest.
    4. Give it its name.

    Raises Transient where the connection is cut, so that the same call goes on, and Misconfigured where
    another file comes, or the folder cannot be written. Nothing that was downloaded is ever removed.
    """
    path = folder / wanted.file_name
    part = folder / f"{wanted.file_name}.part"
    try:
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            with _held(part) as file:
                _download(wanted, file, progress)
                file.flush()
                os.fsync(file.fileno())
                _require_right(part, wanted)
                return part.rename(path)
        _require_right(path, wanted)
        return path
    except OSError as error:
        raise Misconfigured(
            f"{error.filename or part}: {error.strerror}. Mend that, or set XDG_CACHE_HOME to another folder."
        ) from error


@contextmanager
def _held(part: Path) -> Iterator[BinaryIO]:
    """The unfinished file, open for appending by nobody else: two writers would mix their bytes."""
    with part.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Transient(f"{part} is being downloaded already: wait for that to end.") from error
        yield file


def _download(wanted: Published, file: BinaryIO, progress: Progress) -> None:
    """Append what is missing. A cut connection is made anew as long as each one brings something."""
    # Compressed in transit, the file would have other sizes and ranges than the ones published.
    headers = {"Accept-Encoding": "identity"}
    with httpx.Client(follow_redirects=True, timeout=_PATIENCE_S, headers=headers) as client:
        while (before := file.tell()) < wanted.size_bytes:
            cut: httpx.RequestError | None = None
            try:
                _receive(client, wanted, file, progress)
            except httpx.RequestError as error:
                cut = error
            if file.tell() == before:
                raise Transient(
                    f"{wanted.url} stopped at {before:,} of {wanted.size_bytes:,} bytes"
                    f" ({cut or 'nothing more was sent'}): run the same command again, it goes on from there."
                ) from cut


def _receive(client: httpx.Client, wanted: Published, file: BinaryIO, progress: Progress) -> None:
    """Append what one request brings; a server that ignores ranges sends the bytes we have once more."""
    held = file.tell()
    with client.stream("GET", wanted.url, headers={"Range": f"bytes={held}-"} if held else {}) as response:
        at = _first_byte(response, wanted, held)
        for piece in response.iter_raw():  # of no fixed size, or a cut would lose the part of a piece
            if at + len(piece) > wanted.size_bytes:
                raise _another_file(wanted, "more bytes")
            file.write(piece[max(0, held - at) :])
            at += len(piece)
            progress(at)


def _first_byte(response: httpx.Response, wanted: Published, held: int) -> int:
    """Where in the file the body begins, having made sure that it is a part of the right file."""
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS or response.is_server_error:
        raise Transient(f"{wanted.url} answers {status}: run the same command again later.")
    if status == httpx.codes.OK:
        first, size = 0, response.headers.get("Content-Length", "*")
    elif status == httpx.codes.PARTIAL_CONTENT and (
        found := re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    ):
        first, size = int(found[1]), found[2]
    else:
        raise _another_file(wanted, f"an answer {status} that cannot be used")
    if size not in ("*", str(wanted.size_bytes)):
        raise _another_file(wanted, f"{int(size):,} bytes")
    if first > held:
        raise _another_file(wanted, f"byte {first:,} where byte {held:,} was asked for")
    return first


def _another_file(wanted: Published, what: str) -> Misconfigured:
    return Misconfigured(
        f"{wanted.url} gives {what}, where a file of {wanted.size_bytes:,} bytes was expected: try again"
        f" later; if it stays so, download {wanted.file_name} by hand and set ESCOLTA_CNN14_WEIGHTS to"
        " its path."
    )


def _require_right(path: Path, wanted: Published) -> None:
    """Raise Misconfigured unless the file has the size and the digest of the published one."""
    size = path.stat().st_size
    if size != wanted.size_bytes:
        raise _wrong(path, f"has {size:,} bytes and not {wanted.size_bytes:,}")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != wanted.sha256:
        raise _wrong(path, f"has the SHA-256 {digest} and not {wanted.sha256}")


def _wrong(path: Path, what: str) -> Misconfigured:
    return Misconfigured(
        f"{path} {what}: remove it and run the same command again; if it comes out the same, compare the file"
        " with the checksum on its record's page, and if that is right set ESCOLTA_CNN14_WEIGHTS to its path."
    )
