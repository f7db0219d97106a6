"""`escolta tls`: an authority of one's own, and certificates that clients which trust it alone accept."""

import asyncio
import ssl
import stat
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from escolta.errors import Misconfigured
from escolta.tls import make_certificates

NOW = datetime.now(UTC)
SERVERS = {"rabbitmq", "postgres", "seaweedfs", "entrance"}


async def greeted(server: Path, trusted: Path, host: str, name: str = "tls") -> str:
    """What a client says of the server that shows this certificate: nothing, or why it does not trust it."""
    theirs, ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cafile=str(trusted))
    theirs.load_cert_chain(server / f"{name}.crt", server / f"{name}.key")
    listening = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=theirs)
    port = listening.sockets[0].getsockname()[1]
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=ours, server_hostname=host)
        writer.transport.abort()
        return ""
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    finally:
        listening.close()


def fresh(folder: Path, hosts: Sequence[str] = (), now: datetime = NOW) -> set[str]:
    return {made.path.parent.name for made in make_certificates(folder, hosts, now) if made.fresh}


async def test_who_trusts_the_authority_trusts_each_server_by_its_names(tmp_path: Path):
    assert fresh(tmp_path, ["sound.example.org", "192.0.2.7"]) == SERVERS
    for server in SERVERS:
        for host in (server, f"{server}.escolta.svc", "localhost", "127.0.0.1"):
            assert await greeted(tmp_path / server, tmp_path / "ca.crt", host) == ""
    for server in SERVERS - {"postgres"}:
        for host in ("sound.example.org", "192.0.2.7"):
            assert await greeted(tmp_path / server, tmp_path / server / "ca.crt", host) == ""


async def test_no_server_passes_for_another_and_none_for_what_nobody_named(tmp_path: Path):
    make_certificates(tmp_path / "ours", ["sound.example.org"], NOW)
    make_certificates(tmp_path / "theirs", ["sound.example.org"], NOW)
    ours = tmp_path / "ours"
    assert "mismatch" in await greeted(ours / "postgres", ours / "ca.crt", "rabbitmq")
    assert "mismatch" in await greeted(ours / "postgres", ours / "ca.crt", "sound.example.org")
    assert "mismatch" in await greeted(ours / "rabbitmq", ours / "ca.crt", "example.org")
    foreign = await greeted(tmp_path / "theirs/rabbitmq", ours / "ca.crt", "rabbitmq")
    assert "local issuer" in foreign or "signature" in foreign


async def test_only_the_inner_certificate_of_the_store_signs_somebody_in(tmp_path: Path):
    certificates = make_certificates(tmp_path, [], NOW)
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(tmp_path / "ca.crt"))
    theirs.verify_mode = ssl.CERT_REQUIRED
    theirs.load_cert_chain(tmp_path / "seaweedfs/inner.crt", tmp_path / "seaweedfs/inner.key")

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(1))

    listening = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=theirs)
    port = listening.sockets[0].getsockname()[1]
    let_in, keys = set(), [made.path.with_suffix(".key") for made in certificates]
    for certificate in keys:
        ours = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
        ours.load_cert_chain(certificate.with_suffix(".crt"), certificate)
        try:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=ours, server_hostname="seaweedfs-inner"
            )
            writer.write(b"x")
            let_in |= {certificate.name} if await reader.read(1) else set()
            writer.transport.abort()
        except (ssl.SSLError, ConnectionError):
            pass
    listening.close()
    assert let_in == {"inner.key"}


def test_keys_are_for_their_owner_alone(tmp_path: Path):
    make_certificates(tmp_path / "tls", [], NOW)
    keys = list((tmp_path / "tls").rglob("*.key"))
    assert len(keys) == len(SERVERS) + 2
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
    assert stat.S_IMODE((tmp_path / "tls").stat().st_mode) == 0o700


def test_what_is_there_stays_until_it_soon_ends(tmp_path: Path):
    make_certificates(tmp_path, ["sound.example.org"], NOW)
    assert fresh(tmp_path, ["sound.example.org"], NOW + timedelta(days=336)) == set()
    assert fresh(tmp_path, ["sound.example.org"], NOW + timedelta(days=338)) == SERVERS


def test_other_hosts_want_other_certificates(tmp_path: Path):
    make_certificates(tmp_path, ["sound.example.org"], NOW)
    assert fresh(tmp_path, ["sound.example.org", "192.0.2.7"]) == SERVERS - {"postgres"}


def test_a_key_that_belongs_to_another_certificate_is_made_anew(tmp_path: Path):
    make_certificates(tmp_path, [], NOW)
    (tmp_path / "rabbitmq/tls.key").write_bytes((tmp_path / "postgres/tls.key").read_bytes())
    (tmp_path / "entrance/tls.crt").write_text("no certificate")
    assert fresh(tmp_path) == {"rabbitmq", "entrance"}


def test_certificates_of_another_authority_are_left_alone(tmp_path: Path):
    make_certificates(tmp_path, [], NOW)
    (tmp_path / "ca.key").unlink()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    with pytest.raises(Misconfigured, match="another authority"):
        make_certificates(tmp_path, ["sound.example.org"], NOW)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before


def test_an_authority_about_to_end_is_no_longer_signed_with(tmp_path: Path):
    make_certificates(tmp_path, [], NOW)
    with pytest.raises(Misconfigured, match=r"make it anew, and give its ca\.crt"):
        make_certificates(tmp_path, [], NOW + timedelta(days=3600))


@pytest.mark.parametrize("host", ["sound.example.org:8883", "https://sound", "", "a b", "*", "-a", "a..b"])
def test_a_host_that_is_none_makes_nothing(tmp_path: Path, host: str):
    with pytest.raises(Misconfigured, match="is no host name"):
        make_certificates(tmp_path, [host], NOW)
    assert not list(tmp_path.iterdir())


def test_the_command_says_what_is_new_and_whom_to_trust(tmp_path: Path):
    program = str(Path(sys.executable).with_name("escolta"))
    command = [program, "tls", "--host", "192.0.2.7", "--out", str(tmp_path)]
    first, again = (subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(2))
    assert first.stdout.count("new, start its server") == len(SERVERS) + 1
    assert "new" not in again.stdout
    assert f"nodes and browsers trust {tmp_path / 'ca.crt'}" in again.stdout
    wrong = subprocess.run([*command, "--host", "a:1"], capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
