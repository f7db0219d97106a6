"""What each service can do in the catalog, signed in as itself: what test_tables.py says, and no more."""

import asyncio
import json
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import asyncpg
import pytest
from contract.test_tables import FUNCTIONS, SERVICES, TABLES

from escolta.catalog import migrate_server, migrating, open_catalog
from escolta.catalog.accounts import grant, verifier
from escolta.errors import Misconfigured
from servers.postgres import PASSWORDS, account, database

WITH_ACCOUNT = sorted(service for service in SERVICES if service != "node_agent")
ATTEMPTS = {
    "SELECT": "SELECT FROM {table} LIMIT 1",
    "INSERT": "INSERT INTO {table} DEFAULT VALUES",
    "UPDATE": "UPDATE {table} SET {column} = DEFAULT WHERE false",
    "DELETE": "DELETE FROM {table} WHERE false",
    "TRUNCATE": "TRUNCATE {table} CASCADE",
    "ALTER": "ALTER TABLE {table} ADD COLUMN more integer",
    "TRIGGER": "CREATE TRIGGER mine AFTER INSERT ON {table} EXECUTE FUNCTION audio.count_audios()",
    "DROP": "DROP TABLE {table} CASCADE",
}
ELSEWHERE = [
    "CREATE TABLE public.mine ()",
    "CREATE TABLE audio.mine ()",
    "CREATE TEMPORARY TABLE mine ()",
    "CREATE SCHEMA mine",
    "CREATE ROLE mine",
    "CREATE FUNCTION label.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "UPDATE public.escolta_migrations SET name = 'none'",
    "INSERT INTO public.escolta_migrations (name) VALUES ('9999_mine.sql')",
    "SELECT FROM audio.audios_2024_05",
    "SELECT FROM audio.embeddings_2024_05",
    "SELECT nextval('label.agreement_versions')",
    "COPY audio.audios TO PROGRAM 'true'",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT rolpassword FROM pg_authid",
    "SET session_replication_role = replica",
    *(f"SET ROLE escolta_{service}" for service in WITH_ACCOUNT),
]


@pytest.fixture
async def owner(catalog_url: str) -> AsyncIterator[asyncpg.Connection]:
    """The owner of a catalog that has a month."""
    connection = await asyncpg.connect(catalog_url)
    await grant(connection, {}, say=lambda _: None)  # a copy of a database has not the rights to itself
    await connection.execute("SELECT audio.ensure_month('2024-05-01Z')")
    yield connection
    await connection.close()


@pytest.fixture(params=WITH_ACCOUNT)
async def service(
    request: pytest.FixtureRequest, owner: asyncpg.Connection, catalog_url: str
) -> AsyncIterator[tuple[str, asyncpg.Connection]]:
    """Every service that has an account, signed in with it."""
    connection = await asyncpg.connect(account(catalog_url, request.param.replace("_", "-")))
    yield request.param, connection
    await connection.close()


async def may(connection: asyncpg.Connection, statement: str) -> bool:
    """Whether the server lets the statement begin; what it would do is undone."""
    attempt = connection.transaction()
    await attempt.start()
    try:
        await connection.execute(statement)
    except (
        asyncpg.InsufficientPrivilegeError,
        asyncpg.WrongObjectTypeError,
        asyncpg.FeatureNotSupportedError,
        asyncpg.ObjectNotInPrerequisiteStateError,
    ):
        return False  # the latter three: it is a view
    except asyncpg.IntegrityConstraintViolationError:
        return True  # an empty row is no good one
    finally:
        await attempt.rollback()
    return True


async def test_a_service_does_with_each_table_what_is_written_and_nothing_else(service, owner):
    name, connection = service
    assert await connection.fetchval("SELECT session_user") == f"escolta_{name}"
    columns = {
        row["name"]: row["column"]
        for row in await owner.fetch(
            "SELECT format('%s.%s', table_schema, table_name) AS name, min(column_name) AS column"
            " FROM information_schema.columns WHERE table_schema IN ('audio', 'al', 'label') GROUP BY 1"
        )
    }
    for table, access in TABLES.items():
        expected = {right: right in access.rights_of(name) for right in ATTEMPTS}
        tried = {
            right: await may(connection, statement.format(table=table, column=columns[table]))
            for right, statement in ATTEMPTS.items()
        }
        assert tried == expected, f"{name} and {table}"


async def test_a_service_makes_nothing_and_becomes_nobody(service):
    name, connection = service
    own = f"SET ROLE escolta_{name}"
    assert [one for one in ELSEWHERE if one != own and await may(connection, one)] == []
    powers = await connection.fetchrow(
        "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls FROM pg_roles"
        " WHERE rolname = current_user"
    )
    assert not any(powers)


async def test_a_service_calls_what_is_written_and_no_other_function(service, owner):
    name, connection = service
    functions = [
        row["name"]
        for row in await owner.fetch(
            "SELECT format('%s.%s(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)) AS name"
            " FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace"
            " WHERE nspname IN ('audio', 'al', 'label')"
        )
    ]
    spoken = {one.replace("timestamptz", "timestamp with time zone"): one for one in FUNCTIONS}
    callable_ = {
        spoken.get(one, one)
        for one in functions
        if await connection.fetchval("SELECT has_function_privilege($1, 'EXECUTE')", one)
    }
    assert callable_ == {one for one, callers in FUNCTIONS.items() if name in callers}


async def test_nobody_else_finds_anything(owner, catalog_url):
    stranger, password = f"stranger_{secrets.token_hex(4)}", secrets.token_hex(16)
    await owner.execute(f"CREATE ROLE {stranger} LOGIN PASSWORD '{verifier(password)}'")
    try:
        parts = urlsplit(catalog_url)
        user = f"{stranger}:{quote(password)}@{parts.netloc.rpartition('@')[2]}"
        connection = await asyncpg.connect(parts._replace(netloc=user).geturl())
        tables = [f"SELECT FROM {table}" for table in (*TABLES, "public.escolta_migrations")]
        assert [one for one in (*tables, *ELSEWHERE) if await may(connection, one)] == []
        await connection.close()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(parts._replace(netloc=user.replace(password, password[::-1])).geturl())
    finally:
        await owner.execute(f"DROP ROLE {stranger}")


@pytest.fixture
async def plain_owner(postgres_url: str) -> AsyncIterator[str]:
    """The URL of an empty database whose owner is nobody else's administrator."""
    administrator = await asyncpg.connect(postgres_url)
    owner, password = f"owner_{secrets.token_hex(4)}", secrets.token_hex(16)
    await administrator.execute(f"CREATE ROLE {owner} LOGIN PASSWORD '{verifier(password)}'")
    async with database(postgres_url) as url:
        parts = urlsplit(url)
        await administrator.execute(f"ALTER DATABASE {parts.path[1:]} OWNER TO {owner}")
        yield parts._replace(netloc=f"{owner}:{password}@{parts.netloc.rpartition('@')[2]}").geturl()
    await administrator.execute(f"DROP ROLE {owner}")
    await administrator.close()


@pytest.mark.usefixtures("migrated_template")  # which makes the roles, as an administrator would
async def test_where_the_roles_are_there_the_owner_of_the_database_is_enough(plain_owner):
    await migrate_server(plain_owner, {}, say=lambda _: None)
    async with open_catalog(account(plain_owner, "ingest")) as pool:
        await pool.execute("SELECT audio.ensure_month('2031-01-01Z')")
        assert not await may_make_temporary_tables(pool)


async def may_make_temporary_tables(pool: asyncpg.Pool) -> bool:
    return await pool.fetchval("SELECT has_database_privilege(current_database(), 'TEMP')")


async def test_ingest_has_a_month_made_and_owns_nothing_of_it(owner, catalog_url):
    async with open_catalog(account(catalog_url, "ingest")) as pool:
        await pool.execute("SELECT audio.ensure_month('2031-01-01Z')")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute("DROP TABLE audio.audios_2031_01")
    me = await owner.fetchval("SELECT current_user")
    assert await owner.fetchval("SELECT tableowner FROM pg_tables WHERE tablename = 'audios_2031_01'") == me


async def test_label_gateway_settles_an_audio_though_the_versions_are_not_its_own(owner, catalog_url):
    async with open_catalog(account(catalog_url, "label-gateway")) as pool:
        assert await pool.fetchval(
            "INSERT INTO label.agreements (iteration_id, audio_id, labelers, agreement_percent)"
            " VALUES (gen_random_uuid(), gen_random_uuid(), 1, 0) RETURNING version"
        )


async def test_reading_embeddings_is_enough_to_wait_for_those_who_write_them(owner, catalog_url):
    async with open_catalog(account(catalog_url, "al-engine")) as pool:
        assert await pool.fetchval("SELECT audio.cutoff()")


async def test_rights_that_somebody_gave_by_hand_are_gone_after_the_next_migrate(owner, catalog_url):
    await owner.execute(
        "GRANT ALL ON audio.audios, label.sign_in_links TO escolta_embedder;"
        "GRANT SELECT ON label.sign_in_links TO PUBLIC"
    )
    await migrate_server(catalog_url, {}, say=lambda _: None)
    embedder = await asyncpg.connect(account(catalog_url, "embedder"))
    assert not await may(embedder, "DELETE FROM audio.audios WHERE false")
    assert not await may(embedder, "SELECT FROM label.sign_in_links")
    assert await may(embedder, "SELECT FROM audio.audios")
    await embedder.close()


async def test_who_gives_rights_at_the_same_time_is_no_harm(owner, catalog_url, monkeypatch):
    monkeypatch.setattr(migrating, "LOCK_TIMEOUT_MS", 60_000)
    async with owner.transaction():
        await owner.execute("GRANT DELETE ON audio.audios TO escolta_embedder")
        migrate = asyncio.create_task(migrate_server(catalog_url, {}, say=lambda _: None))
        while not await owner.fetchval(
            "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE NOT granted AND datname = current_database()"
        ):
            assert not migrate.done()
            await asyncio.sleep(0.02)
    await migrate
    assert not await owner.fetchval(
        "SELECT has_table_privilege('escolta_embedder', 'audio.audios', 'DELETE')"
    )


@pytest.mark.parametrize(
    ("passwords", "words"),
    [
        (
            {"ingset": "a password of 24 letters"},
            "names 'ingset': the services are al_engine, backup, embedder",
        ),
        ({"ingest": "hunter"}, "ingest's is shorter than 16 characters"),
        ({"ingest": "contraseña larga, muy larga"}, "not printable ASCII"),
    ],
)
async def test_a_password_that_is_no_good_is_one_sentence_without_it(owner, passwords, words):
    with pytest.raises(Misconfigured, match=words) as caught:
        await grant(owner, passwords, say=lambda _: None)
    assert not any(password in str(caught.value) for password in passwords.values())


async def test_migrate_makes_a_catalog_that_services_sign_in_to_and_shows_no_password(postgres_url):
    async with database(postgres_url) as url:
        for _ in range(2):
            said = await asyncio.to_thread(said_by_migrate, url)
            assert "passwords set: 5" in said
            assert not any(password in said for password in PASSWORDS.values())
        async with open_catalog(account(url, "embedder")) as pool:
            assert await pool.fetchval("SELECT count(*) FROM audio.audios") == 0


def said_by_migrate(url: str) -> str:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("escolta")), "migrate"],
        env=os.environ | {"ESCOLTA_CATALOG_URL": url, "ESCOLTA_CATALOG_PASSWORDS": json.dumps(PASSWORDS)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout + done.stderr
