"""Fetching weights from a server of the test's own, which does what servers do to large files."""

import fcntl
import hashlib
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner
from unit.embedder.parts import require

from embedder.command import app
from embedder.models import weights
from embedder.models.opening import open_model
from embedder.models.weights import Published, fetch
from escolta.errors import Misconfigured, Transient

CONTENT = np.random.default_rng(4).bytes(1_000_000)


class Handler(BaseHTTPRequestHandler):
    server: "Server"

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        if self.path != "/weights":
            self.send_response(302)
            self.send_header("Location", "/weights")
            return self.end_headers()
        if self.server.status:
            return self.send_error(self.server.status)
        first = int(asked[6:-1]) if asked and self.server.knows_ranges else 0
        if asked and self.server.knows_ranges:
            self.send_response(206)
            total = len(self.server.content)
            self.send_header("Content-Range", f"bytes {first}-{total - 1}/{total}")
        else:
            self.send_response(200)
        body = self.server.content[first:]
        if self.server.says_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = self.server.cuts.pop(0) if self.server.cuts else len(body)
        with suppress(ConnectionError):  # who was interrupted reads no further
            self.wfile.write(body[:cut])

    def log_message(self, format: str, *arguments: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Serves `content`; `cuts` says after how many bytes the next connections break."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.knows_ranges, self.says_length, self.status = True, True, 0
        self.cuts: list[int] = []
        self.asked: list[str | None] = []


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def wanted(server: Server) -> Published:
    url = f"http://127.0.0.1:{server.server_port}/moved"
    return Published(url, "w.pth", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_file_is_downloaded_once(server: Server, wanted: Published, tmp_path: Path) -> None:
    path = fetch(wanted, tmp_path / "a/b")
    assert path.read_bytes() == CONTENT
    assert names(path.parent) == ["w.pth"]
    asked = len(server.asked)
    assert fetch(wanted, tmp_path / "a/b") == path
    assert len(server.asked) == asked


def test_a_cut_connection_goes_on_where_it_stopped(server: Server, wanted: Published, tmp_path: Path) -> None:
    server.cuts = [300_000, 300_000]
    assert fetch(wanted, tmp_path).read_bytes() == CONTENT
    assert [asked for asked in server.asked if asked] == ["bytes=300000-"] * 2 + ["bytes=600000-"] * 2


def test_progress_counts_the_bytes_up_to_the_size(server: Server, wanted: Published, tmp_path: Path) -> None:
    server.cuts = [300_000]
    heard: list[int] = []
    fetch(wanted, tmp_path, heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == len(CONTENT)


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_an_interrupted_download_goes_on_at_the_next_call(
    server: Server, wanted: Published, tmp_path: Path, knows_ranges: bool
) -> None:
    server.knows_ranges = knows_ranges
    server.cuts = [300_000, 0]
    with pytest.raises(Transient, match=r"stopped at 300,000 of 1,000,000 bytes .* it goes on from there"):
        fetch(wanted, tmp_path)
    assert (tmp_path / "w.pth.part").read_bytes() == CONTENT[:300_000]
    assert fetch(wanted, tmp_path).read_bytes() == CONTENT
    assert names(tmp_path) == ["w.pth"]


def test_a_server_that_ignores_ranges_never_costs_what_is_there(
    server: Server, wanted: Published, tmp_path: Path
) -> None:
    (tmp_path / "w.pth.part").write_bytes(CONTENT[:600_000])
    server.knows_ranges = False
    server.cuts = [100_000]
    with pytest.raises(Transient, match="stopped at 600,000"):
        fetch(wanted, tmp_path)
    assert (tmp_path / "w.pth.part").stat().st_size == 600_000


def test_an_end_that_comes_too_early_without_a_length_is_noticed(
    server: Server, wanted: Published, tmp_path: Path
) -> None:
    server.says_length = False
    server.cuts = [300_000]
    assert fetch(wanted, tmp_path).read_bytes() == CONTENT


def test_the_last_few_bytes_are_on_the_disk_before_they_are_checked(
    server: Server, wanted: Published, tmp_path: Path
) -> None:
    server.cuts = [len(CONTENT) - 300]  # fewer than a buffer holds come last
    assert fetch(wanted, tmp_path).read_bytes() == CONTENT


def test_a_server_that_is_away_is_told(server: Server, wanted: Published, tmp_path: Path) -> None:
    server.status = 503
    with pytest.raises(Transient, match="answers 503: run the same command again later"):
        fetch(wanted, tmp_path)
    server.status = 404
    with pytest.raises(Misconfigured, match=r"gives an answer 404 .*ESCOLTA_CNN14_WEIGHTS"):
        fetch(wanted, tmp_path)


@pytest.mark.parametrize("says_length", [True, False])
def test_a_file_of_another_size_is_refused(
    server: Server, wanted: Published, tmp_path: Path, says_length: bool
) -> None:
    server.content, server.says_length = CONTENT + b"more", says_length
    with pytest.raises(Misconfigured, match=r"gives (1,000,004|more) bytes, where a file of 1,000,000"):
        fetch(wanted, tmp_path)
    assert "w.pth" not in names(tmp_path)


def test_a_wrong_digest_is_told_and_removes_nothing(
    server: Server, wanted: Published, tmp_path: Path
) -> None:
    server.content = CONTENT[:-1] + b"?"
    for _ in range(2):  # the second time, the file that lies there is told
        with pytest.raises(Misconfigured, match=r"w\.pth\.part has the SHA-256 .* remove it and run"):
            fetch(wanted, tmp_path)
    assert names(tmp_path) == ["w.pth.part"]
    assert (tmp_path / "w.pth.part").read_bytes() == server.content


def test_a_damaged_file_in_the_cache_is_told(wanted: Published, tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(CONTENT[:-1])
    with pytest.raises(Misconfigured, match=r"w\.pth has 999,999 bytes and not 1,000,000: remove it"):
        fetch(wanted, tmp_path)
    assert (tmp_path / "w.pth").read_bytes() == CONTENT[:-1]


def test_two_do_not_download_into_one_file(wanted: Published, tmp_path: Path) -> None:
    with (tmp_path / "w.pth.part").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(Transient, match="is being downloaded already"):
            fetch(wanted, tmp_path)


def test_a_folder_that_cannot_be_made_is_told(wanted: Published, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match="XDG_CACHE_HOME"):
        fetch(wanted, tmp_path / "file/models")


def test_the_cache_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for relative_or_none in ("", "cache"):
        monkeypatch.setenv("XDG_CACHE_HOME", relative_or_none)
        assert weights.cache_folder() == tmp_path / "home/.cache/escolta/models"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert weights.cache_folder() == tmp_path / "cache/escolta/models"


def test_the_command_fetches_and_says_where(
    wanted: Published, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(weights.PUBLISHED, "cnn14", wanted)
    assert weights.fetched(wanted) is None
    done = CliRunner().invoke(app, ["fetch", "cnn14"])
    path = tmp_path / "escolta/models/w.pth"
    assert done.exit_code == 0
    assert str(path) in re.sub(r"\n", "", done.output)
    assert weights.fetched(wanted) == path


@pytest.fixture
def cached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where CNN14's weights lie once they were fetched; the folder is there."""
    require("cnn14")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = weights.cache_folder() / weights.CNN14.file_name
    path.parent.mkdir(parents=True)
    return path


def test_cnn14_takes_the_weights_that_were_fetched(cached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Misconfigured, match="CNN14 has no weights"):
        open_model("cnn14")
    cached.write_bytes(CONTENT)
    digest = hashlib.sha256(CONTENT).hexdigest()
    monkeypatch.setattr(weights, "CNN14", replace(weights.CNN14, sha256=digest))
    with pytest.raises(Misconfigured, match=f"^{re.escape(str(cached))} .* is no PyTorch checkpoint"):
        open_model("cnn14")


def test_other_weights_in_the_place_of_the_published_ones_are_told(cached: Path) -> None:
    cached.write_bytes(CONTENT)
    told = f"^{re.escape(str(cached))} holds other weights than the published ones.*: remove it, then fetch"
    with pytest.raises(Misconfigured, match=told):
        open_model("cnn14")


def test_a_path_that_was_set_may_lead_to_any_weights(cached: Path) -> None:
    cached.write_bytes(CONTENT)
    with pytest.raises(Misconfigured, match="is no PyTorch checkpoint"):
        open_model("cnn14", cached)


def test_there_is_nothing_to_fetch_for_a_model_without_published_weights() -> None:
    done = CliRunner().invoke(app, ["fetch", "yamnet"])
    assert isinstance(done.exception, Misconfigured)
    assert "only for cnn14" in str(done.exception)


def test_the_command_is_a_part_of_escolta() -> None:
    (entry,) = entry_points(group="escolta.commands", name="models")
    assert entry.load() is app


def test_importing_opens_no_socket() -> None:
    code = (
        "import socket\n"
        "def refuse(*_, **__): raise SystemExit('a socket was opened')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "import embedder.models.weights, embedder.command"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_address_is_that_of_the_official_record() -> None:
    assert weights.CNN14.url.startswith("https://zenodo.org/records/3987831/files/")
    assert len(bytes.fromhex(weights.CNN14.sha256)) == 32
