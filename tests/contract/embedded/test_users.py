"""The embedded PostgreSQL is closed to others, whoever starts it."""

import os
import pwd
import socket
import struct
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from contract.embedded.servers import as_root, content, copied, linux, owner, rows

from escolta.catalog.embedded import EmbeddedPostgres
from escolta.errors import Misconfigured


def test_a_new_catalog_has_the_mode_700(made: Path) -> None:
    assert (made / "data").stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in made.iterdir()) == ["data", "lock", "postgres.log"]


def knock(socket_file: str, uid: int) -> str:
    """What PostgreSQL answers to a process of the user `uid`: that it is let in, or refused, or nothing."""
    answers = {0: "let in", 1: "refused", 2: "out of reach"}
    child = os.fork()
    if child == 0:
        try:
            if uid != os.geteuid():
                os.setgroups([])
                os.setgid(pwd.getpwuid(uid).pw_gid)
                os.setuid(uid)
            with socket.socket(socket.AF_UNIX) as door:
                door.connect(socket_file)
                asked = b"user\0escolta\0database\0escolta\0\0"
                door.sendall(struct.pack("!ii", len(asked) + 8, 196608) + asked)
                os._exit(0 if door.recv(9) == b"R" + struct.pack("!ii", 8, 0) else 1)
        except OSError:
            os._exit(2)
        finally:
            os._exit(3)
    return answers[os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])]


@as_root
@linux
async def test_only_the_user_who_started_it_gets_in(root: Path) -> None:
    server = EmbeddedPostgres(root)
    host = parse_qs(urlsplit(await server.start()).query)["host"][0]
    door = f"/proc/{server.pid}/fd/{host.rpartition('/')[2]}/.s.PGSQL.5432"
    stranger = next(user.pw_uid for user in pwd.getpwall() if user.pw_uid not in (0, owner(root)))
    assert knock(door, 0) == "let in"
    assert knock(door, owner(root)) == "refused"
    assert knock(door, stranger) == "out of reach"
    assert knock(str(root / "data/.s.PGSQL.5432"), owner(root)) == "out of reach"
    await server.stop()


@as_root
@linux
async def test_root_in_a_closed_folder_runs_it_as_another_user_and_opens_nothing(
    made: Path, tmp_path: Path
) -> None:
    root = copied(made, tmp_path / "closed" / "clone" / "catalog")
    (tmp_path / "closed").chmod(0o700)
    above = {folder: folder.stat().st_mode for folder in root.parents}
    users = content("/etc/passwd")
    server = EmbeddedPostgres(root)
    assert await rows(await server.start()) == ["the first row"]
    status = content(f"/proc/{server.pid}/status")
    await server.stop()
    uids = next(line.split()[1:] for line in status.splitlines() if line.startswith("Uid:"))
    assert set(uids) == {str(owner(root))}
    assert "0" not in uids
    assert {folder: folder.stat().st_mode for folder in root.parents} == above
    assert content("/etc/passwd") == users


@as_root
async def test_data_that_belong_to_root_are_refused(root: Path) -> None:
    os.chown(root / "data", 0, 0)
    with pytest.raises(Misconfigured, match="belongs to root"):
        await EmbeddedPostgres(root).start()
