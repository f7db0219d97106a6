"""Which service writes which table, and who else reads it. docs/architecture.md and deploy/grants.sql are
made from this map: `make contracts`.
"""

import ast
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import asyncpg
import pytest

from escolta.catalog import open_catalog

ROOT = Path(__file__).parents[2]
GRANTS = ROOT / "deploy/grants.sql"
ARCHITECTURE = ROOT / "docs/architecture.md"
BEGIN, END = "<!-- made from tests/contract/test_tables.py -->", "<!-- end of what is made -->"
SERVICES = {path.parent.name: path.parent for path in ROOT.glob("services/*/*/service.py")}
MIGRATIONS = ROOT / "libs/common/escolta/catalog/migrations"


class Access(NamedTuple):
    """The one service that writes a table, and those that read what it wrote.

    `kept`: no statement of the writer's names the table; triggers on its other tables keep it.
    """

    writer: str
    readers: tuple[str, ...] = ()
    kept: bool = False


TABLES = {
    "audio.projects": Access("ingest"),
    "audio.sources": Access("ingest"),
    "audio.node_types": Access("ingest"),
    "audio.nodes": Access("ingest", ("al_engine",)),
    "audio.node_status": Access("ingest"),
    "audio.paths": Access("ingest", ("embedder", "al_engine", "label_gateway")),
    "audio.audios": Access("ingest", ("embedder", "al_engine", "label_gateway")),
    "audio.audio_counts": Access("ingest", ("embedder",), kept=True),
    "audio.quarantine": Access("ingest"),
    "audio.quarantine_counts": Access("ingest", kept=True),
    "audio.models": Access("embedder", ("al_engine",)),
    "audio.embeddings": Access("embedder", ("al_engine",)),
    "audio.patch_scores": Access("embedder"),
    "audio.embedding_failures": Access("embedder"),
    "audio.embedding_counts": Access("embedder", ("al_engine",), kept=True),
    "audio.embedding_marks": Access("embedder"),
    "audio.embedding_queue": Access("embedder"),
    "audio.embedding_windows": Access("embedder"),
    "al.al_preprocessing": Access("al_engine", ("label_gateway",)),
    "al.wavs_proposed": Access("al_engine", ("label_gateway",)),
    "al.medoids": Access("al_engine"),
    "al.predictions": Access("al_engine"),
    "al.maps": Access("al_engine"),
    "al.iteration_maps": Access("al_engine"),
    "audio.labelers": Access("label_gateway"),
    "audio.ontology": Access("label_gateway", ("al_engine",)),
    "audio.chunks": Access("label_gateway"),
    "label.address": Access("label_gateway"),
    "label.groups": Access("label_gateway"),
    "label.sign_in_links": Access("label_gateway"),
    "label.assignments": Access("label_gateway"),
    "label.withdrawals": Access("label_gateway"),
    "label.submissions": Access("label_gateway"),
    "label.submission_counts": Access("label_gateway", kept=True),
    "label.agreements": Access("label_gateway", ("al_engine",)),
    "label.closed_iterations": Access("label_gateway", ("al_engine",)),
}

_TABLE = r"((?:audio|label|al)\.[a-z_]+)\b(?!\()"
_WRITES = re.compile(rf"\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+(?:ONLY\s+)?{_TABLE}")
_READS = re.compile(rf"\b(?:FROM|JOIN|LOCK TABLE)\s+(?:ONLY\s+)?{_TABLE}")


def statements(folder: Path) -> Iterator[str]:
    """Every string of the package that is no docstring; what an f-string fills in stands as `?`."""
    for path in sorted(folder.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
                yield re.sub(r"--[^\n]*", "", node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = (part.value if isinstance(part, ast.Constant) else "?" for part in node.values)
                yield re.sub(r"--[^\n]*", "", "".join(map(str, parts)))


def named(pattern: re.Pattern[str], service: str) -> set[str]:
    return {name for text in statements(SERVICES[service]) for name in pattern.findall(text)}


def writer_of(table: str) -> str:
    return TABLES[table].writer


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_service_writes_its_own_tables_and_no_other(service):
    own = {table for table, access in TABLES.items() if access.writer == service and not access.kept}
    assert named(_WRITES, service) == own


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_service_reads_of_others_what_is_written_here(service):
    foreign = {table for table in named(_READS, service) if writer_of(table) != service}
    assert foreign == {table for table, access in TABLES.items() if service in access.readers}


def test_every_table_of_the_catalog_has_its_writer():
    sql = "\n".join(path.read_text("utf-8") for path in sorted(MIGRATIONS.glob("*.sql")))
    made = set(re.findall(rf"CREATE TABLE (?:IF NOT EXISTS )?{_TABLE}", sql))
    dropped = set(re.findall(rf"DROP TABLE (?:IF EXISTS )?{_TABLE}", sql))
    assert made - dropped == set(TABLES)


def test_the_documents_are_made_from_this_map():
    assert GRANTS.read_text("utf-8") == grants(), "run `make contracts`"
    assert table_of_the_document() in ARCHITECTURE.read_text("utf-8"), "run `make contracts`"


@pytest.fixture
async def granted(catalog_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A catalog on which the grants were made; the roles go when the test is over."""
    connection = await asyncpg.connect(catalog_url)
    await connection.execute(grants())
    yield connection
    await connection.execute("RESET ROLE")
    for service in SERVICES:
        await connection.execute(f"DROP OWNED BY {role(service)}; DROP ROLE {role(service)}")
    await connection.close()


async def test_with_the_grants_a_service_can_do_what_is_written_here_and_no_more(granted):
    asked = "SELECT has_table_privilege($1, $2, $3)"
    for table, access in TABLES.items():
        for service in SERVICES:
            writes, reads = service == access.writer, service in {access.writer, *access.readers}
            rights = {"INSERT": writes, "UPDATE": writes, "DELETE": writes, "SELECT": reads}
            has = {right: await granted.fetchval(asked, role(service), table, right) for right in rights}
            assert has == rights, f"{service} and {table}"


@pytest.mark.usefixtures("granted")
async def test_with_the_grants_a_service_opens_the_catalog_that_somebody_else_migrated(catalog_url):
    url = f"{catalog_url}{'&' if '?' in catalog_url else '?'}role={role('al_engine')}"
    async with open_catalog(url) as pool:
        assert await pool.fetchval("SELECT current_user") == role("al_engine")


async def test_with_the_grants_label_gateway_settles_an_audio(granted):
    """What a trigger does is done for the service, too."""
    await granted.execute(f"SET ROLE {role('label_gateway')}")
    version = await granted.fetchval(
        "INSERT INTO label.agreements (iteration_id, audio_id, labelers, agreement_percent)"
        " VALUES (gen_random_uuid(), gen_random_uuid(), 1, 0) RETURNING version"
    )
    await granted.execute("RESET ROLE")
    assert version is not None


async def test_reading_embeddings_is_enough_to_wait_for_those_who_write_them(granted):
    await granted.execute(f"SET ROLE {role('al_engine')}")
    assert await granted.fetchval("SELECT audio.cutoff()")


def role(service: str) -> str:
    """The database role of a service."""
    return f"escolta_{service}"


def grants() -> str:
    """The statements that give each service its role and exactly these rights; they can be run again."""
    lines = [
        "-- What each service may do in the catalog: run it as the owner of the tables after each migration.",
        "-- Made by `make contracts` from tests/contract/test_tables.py. No role can sign in by itself.",
    ]
    for service in sorted(SERVICES):
        lines += [
            "",
            f"DO $$ BEGIN CREATE ROLE {role(service)} NOLOGIN;",
            "EXCEPTION WHEN duplicate_object THEN NULL; END $$;",
            f"REVOKE ALL ON ALL TABLES IN SCHEMA audio, label, al FROM {role(service)};",
        ]
        if any(service in (access.writer, *access.readers) for access in TABLES.values()):
            lines.append(f"GRANT USAGE ON SCHEMA audio, label, al TO {role(service)};")
            lines.append(f"GRANT SELECT ON public.escolta_migrations TO {role(service)};")
        for table, access in TABLES.items():
            if service == access.writer:
                lines.append(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {role(service)};")
            elif service in access.readers:
                lines.append(f"GRANT SELECT ON {table} TO {role(service)};")
    return "\n".join(lines) + "\n"


def table_of_the_document() -> str:
    """The table of docs/architecture.md, with its two marks."""
    rows = ["| table | written by | read by |", "|---|---|---|"]
    for table, access in TABLES.items():
        readers = ", ".join(map(_spoken, access.readers))
        rows.append(f"| `{table}` | {_spoken(access.writer)} | {readers} |")
    return "\n".join([BEGIN, *rows, END])


def _spoken(service: str) -> str:
    return service.replace("_", "-")


def write() -> None:
    """Make both documents anew."""
    GRANTS.write_text(grants(), "utf-8")
    before, _, rest = ARCHITECTURE.read_text("utf-8").partition(BEGIN)
    ARCHITECTURE.write_text(before + table_of_the_document() + rest.partition(END)[2], "utf-8")


if __name__ == "__main__":
    write()
