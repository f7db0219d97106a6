"""Addresses with a password: whatever is wrong with one, no message shows a part of it."""

import contextlib
import logging
import traceback
from urllib.parse import quote, urlsplit
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from escolta.bus import open_bus
from escolta.bus.address import address_of
from escolta.catalog import migrate, open_catalog
from escolta.errors import Misconfigured
from escolta.objects import open_objects
from escolta.settings import Settings
from escolta.url import split_url
from servers.postgres import database


async def open_the_catalog(url: str) -> None:
    async with open_catalog(url, wait_s=0):
        pass


async def open_any(url: str) -> None:
    """What `url` is the address of, by its scheme."""
    if url.startswith("postgres"):
        await open_the_catalog(url)
    elif url.startswith("s3"):
        open_objects(url)
    else:
        open_bus(url)


SHAPES = [
    "postgresql://user:{}@127.0.0.1:1/db",
    "postgres://user:{}@127.0.0.1:1",
    "amqp://user:{}@127.0.0.1:1/vhost",
    "mqtts://user:{}@127.0.0.1:1",
    "s3://key:{}@127.0.0.1:1/bucket",
]
SETTINGS = {"p": "ESCOLTA_CATALOG_URL", "a": "ESCOLTA_BUS_URL", "m": "ESCOLTA_BUS_URL"}
NOT_ENCODED = ["hun/ter", "hun#ter", "hun?ter", "12/hunter", "12#hunter", "hun[ter", "h@hun/ter"]
NOT_ENCODED += ["hun%ZZter", "hun%ter", "hunter%", "hun%F1ter", "hunter%4"]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("password", NOT_ENCODED)
async def test_a_password_that_is_not_encoded_is_one_sentence_without_it(
    shape: str, password: str, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.DEBUG), pytest.raises(Misconfigured) as caught:
        await open_any(shape.format(password))
    told = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert "hun" not in told
    assert "ter" not in str(caught.value).replace("character", "")
    assert str(caught.value).startswith(SETTINGS.get(shape[0], "ESCOLTA_OBJECTS_URL"))
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "url", ["user:hunter@127.0.0.1", "hunter", "amqp:/user:hunter@127.0.0.1", "Hunter://x"]
)
@pytest.mark.parametrize("opened", [open_bus, open_objects, open_the_catalog])
async def test_what_has_no_scheme_is_not_repeated(opened, url: str):
    with pytest.raises(Misconfigured, match="ESCOLTA_") as caught:
        await opened(url)
    assert "unter" not in str(caught.value)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_password_that_is_encoded_is_read(password: str):
    url = f"amqp://user:{quote(password, safe='')}@broker/"
    assert address_of(url, port=5672, tls_port=5671).password == password


@given(st.text("aß/#?@:%[]1,\\ "))
def test_whatever_a_url_is_it_is_split_or_refused(text: str):
    with contextlib.suppress(Misconfigured):
        parts = split_url(f"amqp://user:{text}@broker:1/", "ESCOLTA_BUS_URL", "a shape")
        assert (parts.hostname, parts.port) == ("broker", 1)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user@/db?host=/proc/1/fd/9&port=5432",
        "postgresql://user:secret@one:5432,two:5433/db?target_session_attrs=primary",
        "postgresql://user:secret@[::1]:5432/db",
        "postgresql:///db",
    ],
)
def test_what_postgresql_understands_is_an_address(url: str):
    assert split_url(url, "ESCOLTA_CATALOG_URL", "a shape").path == "/db"


def test_the_settings_show_no_address():
    settings = Settings(
        bus_url="amqp://u:hunter@h", catalog_url="postgresql://u:hunter@h", objects_url="s3://k:hunter@h/b"
    )
    assert "hunter" not in repr(settings) + str(settings)


@pytest.mark.parametrize("host", ["two..dots", "a b", "a" * 64, "broker:99999", "broker:0", "[::1", "::1"])
@pytest.mark.parametrize("shape", SHAPES)
async def test_a_host_that_cannot_be_is_one_sentence(shape: str, host: str):
    url = shape.format("hunter").replace("127.0.0.1:1", host)
    with pytest.raises(Misconfigured, match="is no address") as caught:
        await open_any(url)
    assert "hunter" not in str(caught.value)


def with_parameter(url: str, query: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{query}"


@pytest.mark.parametrize(
    ("query", "words"),
    [("sslmode=maybe", "sslmode"), ("port=many", "a port that is no number"), ("no_such=1", "no_such")],
)
async def test_a_parameter_that_the_server_does_not_know_is_one_sentence(
    postgres_url: str, query: str, words: str
):
    with pytest.raises(Misconfigured, match="ESCOLTA_CATALOG_URL") as caught:
        await open_the_catalog(with_parameter(postgres_url, query))
    assert words in str(caught.value)


async def test_a_database_that_is_not_there_is_one_sentence(postgres_url: str):
    with pytest.raises(Misconfigured, match='database "nowhere" does not exist: make it'):
        await open_the_catalog(urlsplit(postgres_url)._replace(path="/nowhere").geturl())


async def test_a_user_who_may_not_make_the_tables_is_one_sentence(postgres_url: str):
    role = f"weak_{uuid4().hex}"
    async with database(postgres_url) as url, asyncpg.create_pool(url, min_size=1) as pool:
        await pool.execute(f"CREATE ROLE {role}")
        try:
            with pytest.raises(Misconfigured, match="may not make or change the catalog's tables"):
                await migrate(with_parameter(url, f"role={role}"))
        finally:
            await pool.execute(f"DROP ROLE {role}")
