"""A broker's address as a URL says it."""

import pytest

from escolta.bus.address import address_of
from escolta.errors import Misconfigured


def test_user_password_and_virtual_host_are_percent_decoded():
    address = address_of("amqp://jo%40sea:a%2Fb%3Ac%25@broker:5673/port%2Fnorth", port=5672, tls_port=5671)
    assert (address.host, address.port, address.tls) == ("broker", 5673, False)
    assert (address.user, address.password, address.vhost) == ("jo@sea", "a/b:c%", "port/north")


@pytest.mark.parametrize("url", ["amqp://broker", "amqp://broker/", "amqp://broker/%2F"])
def test_the_virtual_host_is_the_root_where_none_is_named(url: str):
    assert address_of(url, port=5672, tls_port=5671).vhost == "/"


@pytest.mark.parametrize(("url", "port"), [("mqtt://broker", 1883), ("mqtts://broker", 8883)])
def test_a_scheme_has_its_port(url: str, port: int):
    address = address_of(url, port=1883, tls_port=8883)
    assert address.port == port
    assert address.tls == (port == 8883)


def test_an_address_shows_no_password():
    address = address_of("amqp://user:hunter2@broker", port=5672, tls_port=5671)
    assert "hunter2" not in f"{address} {address!r}"


@pytest.mark.parametrize("url", ["amqp://", "amqp://user:hunter/2@broker", "amqp://user:hunter2@broker:port"])
def test_a_url_that_cannot_be_read_is_not_repeated(url: str):
    with pytest.raises(Misconfigured, match="ESCOLTA_BUS_URL") as caught:
        address_of(url, port=5672, tls_port=5671)
    assert "hunter" not in str(caught.value)
