"""What a bus says at its start where it cannot work: one sentence, without the password."""

import contextlib
import logging
import shutil
import ssl
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from contract.bus_ears import Listener
from contract.buses import PATIENCE_S, Buses, Rang, Wire, amqp_channel, over_each_broker, over_rabbit, refused

from escolta.bus import Subscription, mqtt
from escolta.bus import rabbit as rabbit_bus
from escolta.errors import Misconfigured
from servers.install import missing


@over_each_broker
async def test_a_wrong_password_is_said_at_the_start_and_the_password_is_not(
    buses: Buses, caplog: pytest.LogCaptureFixture
):
    url = with_password(buses.url(buses.sends), "hunter%2F2%401")
    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises(Misconfigured, match="refuses") as caught,
    ):
        await buses.open(url).start()
    for text in (str(caught.value), repr(caught.value.__cause__), caplog.text):
        assert "hunter" not in text


@over_each_broker
async def test_over_tls_the_certificate_of_the_broker_is_checked(
    buses: Buses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rabbit_bus, "START_S", 0.5)
    monkeypatch.setattr(mqtt, "START_S", 0.5)
    certificate, server_side = self_signed(tmp_path)
    wire = Wire(buses.url(buses.sends), server_side)
    await wire.mend()
    stranger = buses.open(wire.url)
    with contextlib.suppress(Misconfigured):  # a node starts in spite of it, and goes on trying
        await buses.start(stranger)
    await refused(stranger, Rang(number=1))
    await stranger.stop()

    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr(rabbit_bus, "START_S", PATIENCE_S)
    monkeypatch.setattr(mqtt, "START_S", PATIENCE_S)
    await (await buses.start(buses.open(wire.url))).publish(Rang(number=2))


@over_rabbit
async def test_a_queue_with_other_arguments_is_said_at_the_start(buses: Buses):
    async with amqp_channel(buses.url("rabbit")) as channel:
        await channel.declare_queue(f"{buses.service}.test.rang", durable=True)
    with pytest.raises(Misconfigured, match="exists with other arguments"):
        await buses.listen(Subscription(Rang, Listener()))


@over_rabbit
async def test_no_rabbitmq_at_the_address_is_misconfigured_after_a_while(
    buses: Buses, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rabbit_bus, "START_S", 0.3)
    wire = Wire(buses.url("rabbit"))
    await wire.mend()
    await wire.cut()
    with pytest.raises(Misconfigured, match="no RabbitMQ answers"):
        await buses.open(wire.url).start()


def self_signed(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that no authority has signed, and a server's side of TLS with it."""
    openssl = shutil.which("openssl") or missing("openssl is absent: it makes a certificate for this test")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    kind = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    owner = ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([openssl, "req", *kind, *owner, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context


def with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.username}:{password}@{parts.hostname}:{parts.port}").geturl()
