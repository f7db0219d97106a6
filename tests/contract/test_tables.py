"""Which service writes which table, and who else reads it. docs/architecture.md and the grants of the catalog
are made from this map: `make contracts`.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from contract.grants import grants as made_grants

ROOT = Path(__file__).parents[2]
GRANTS = ROOT / "libs/common/escolta/catalog/grants.sql"
ARCHITECTURE = ROOT / "docs/architecture.md"
BEGIN, END = "<!-- made from tests/contract/test_tables.py -->", "<!-- end of what is made -->"
SERVICES = {path.parent.name: path.parent for path in ROOT.glob("services/*/*/service.py")}
WEB = ROOT / "libs/common/escolta/web"
MIGRATIONS = ROOT / "libs/common/escolta/catalog/migrations"


class Access(NamedTuple):
    """The one service that writes a table, and those that read what it wrote.

    `kept`: no statement of the writer's writes it; triggers on other tables do, or the version before did.
    `appended`: everybody who answers people adds rows, by `escolta.audit`, and nobody changes one.
    Without a writer it is a view.
    """

    writer: str
    readers: tuple[str, ...] = ()
    kept: bool = False
    appended: bool = False

    def rights_of(self, service: str) -> set[str]:
        """What the service may do with the table."""
        rights = {"SELECT"} if service in self.readers else set()
        if self.appended:
            return rights | ({"INSERT"} if service in (*WITH_PAGES, "label_gateway") else set())
        return {"SELECT", "INSERT", "UPDATE", "DELETE"} if service == self.writer else rights


WITH_PAGES = ("ingest", "embedder", "al_engine")
"""Besides label-gateway: whoever answers people asks, by `escolta.web`, who they are."""

TABLES = {
    "audio.projects": Access("ingest"),
    "audio.sources": Access("ingest"),
    "audio.node_types": Access("ingest"),
    "audio.nodes": Access("ingest", ("embedder", "al_engine")),
    "audio.node_status": Access("ingest"),
    "audio.paths": Access("ingest", ("embedder", "al_engine", "label_gateway")),
    "audio.audios": Access("ingest", ("embedder",)),
    "audio.hearable": Access("", ("al_engine", "label_gateway")),
    "audio.audio_counts": Access("ingest", ("embedder",), kept=True),
    "audio.held": Access("ingest"),
    "audio.quarantine": Access("ingest"),
    "audio.quarantine_counts": Access("ingest", kept=True),
    "audio.forgotten": Access("operator", ("ingest",)),
    "audio.backups": Access("backup", ("ingest",)),
    "audio.retention": Access("operator"),
    "audio.node_retention": Access("operator"),
    "audio.drops": Access("operator"),
    "audio.removed_objects": Access(""),
    "audio.models": Access("embedder", ("al_engine",)),
    "audio.embeddings": Access("embedder", ("al_engine",)),
    "audio.hearable_embeddings": Access("", ("al_engine",)),
    "audio.patches": Access("embedder"),
    "audio.patch_scores": Access("embedder", kept=True),
    "audio.embedding_failures": Access("embedder"),
    "audio.embedding_counts": Access("embedder", ("al_engine",), kept=True),
    "audio.embedding_marks": Access("embedder"),
    "audio.embedding_queue": Access("embedder"),
    "audio.embedding_windows": Access("embedder"),
    "al.al_preprocessing": Access("al_engine", ("label_gateway",)),
    "al.wavs_proposed": Access("al_engine", ("label_gateway",)),
    "al.hearable_proposals": Access("", ("label_gateway",)),
    "al.medoids": Access("al_engine"),
    "al.predictions": Access("al_engine"),
    "al.maps": Access("al_engine"),
    "al.iteration_maps": Access("al_engine"),
    "audio.labelers": Access("label_gateway", WITH_PAGES),
    "audio.ontology": Access("label_gateway", ("al_engine",)),
    "audio.ontology_parents": Access("label_gateway"),
    "audio.chunks": Access("label_gateway"),
    "label.address": Access("label_gateway"),
    "label.groups": Access("label_gateway"),
    "label.sessions": Access("label_gateway", WITH_PAGES),
    "label.sign_in_links": Access("label_gateway"),
    "label.assignments": Access("label_gateway"),
    "label.withdrawals": Access("label_gateway"),
    "label.listening": Access("label_gateway"),
    "label.asked": Access("label_gateway"),
    "label.submissions": Access("label_gateway"),
    "label.submission_counts": Access("label_gateway", kept=True),
    "label.agreements": Access("label_gateway", ("al_engine",)),
    "label.closed_iterations": Access("label_gateway", ("al_engine",)),
    "label.bat_names": Access("label_gateway"),
    "label.bat_projects": Access("label_gateway"),
    "label.bat_wavs": Access("label_gateway"),
    "label.bat_users": Access("label_gateway"),
    "label.bat_annotations": Access("label_gateway"),
    "audio.audit": Access("", ("label_gateway",), appended=True),
}

FUNCTIONS = {
    "audio.ensure_month(timestamptz)": ("ingest",),
    "audio.cutoff()": ("al_engine",),
    "al.within_hours(timestamptz, smallint[])": ("al_engine",),
}
"""Functions of the catalog, and who calls them. What triggers call nobody else can."""

_TABLE = r"((?:audio|label|al)\.[a-z_]+)\b(?!\()"
_WRITES = re.compile(rf"\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+(?:ONLY\s+)?{_TABLE}")
_CALLS = re.compile(r"\b((?:audio|label|al)\.[a-z_]+)\(")
_READS = re.compile(rf"\b(?:FROM|JOIN|LOCK TABLE)\s+(?:ONLY\s+)?{_TABLE}")


def statements(*folders: Path) -> Iterator[str]:
    """Every string of the packages that is no docstring; what an f-string fills in stands as `?`."""
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
                yield re.sub(r"--[^\n]*", "", node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = (part.value if isinstance(part, ast.Constant) else "?" for part in node.values)
                yield re.sub(r"--[^\n]*", "", "".join(map(str, parts)))


def named(pattern: re.Pattern[str], service: str) -> set[str]:
    """The tables that a service's own statements name, and those that it runs by `escolta.web`."""
    own = SERVICES[service]
    signs_in = any("escolta.web" in path.read_text("utf-8") for path in own.rglob("*.py"))
    return {name for text in statements(own, *[WEB] * signs_in) for name in pattern.findall(text)}


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


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_service_calls_of_the_catalog_what_is_written_here(service):
    own = {name.partition("(")[0] for name, callers in FUNCTIONS.items() if service in callers}
    assert named(_CALLS, service) == own


def test_every_table_of_the_catalog_has_its_writer():
    sql = "\n".join(path.read_text("utf-8") for path in sorted(MIGRATIONS.glob("*.sql")))
    made = set(re.findall(rf"CREATE (?:TABLE|VIEW) (?:IF NOT EXISTS )?{_TABLE}", sql))
    dropped = set(re.findall(rf"DROP TABLE (?:IF EXISTS )?{_TABLE}", sql))
    assert made - dropped == set(TABLES)


def test_the_documents_are_made_from_this_map():
    assert GRANTS.read_text("utf-8") == grants(), "run `make contracts`"
    assert table_of_the_document() in ARCHITECTURE.read_text("utf-8"), "run `make contracts`"


def grants() -> str:
    """The text of grants.sql."""
    return made_grants(
        SERVICES,
        {service: {table: TABLES[table].rights_of(service) for table in TABLES} for service in SERVICES},
        {
            service: [name for name, callers in FUNCTIONS.items() if service in callers]
            for service in SERVICES
        },
    )


def table_of_the_document() -> str:
    """The table of docs/architecture.md, with its two marks."""
    rows = ["| table | written by | read by |", "|---|---|---|"]
    for table, access in TABLES.items():
        readers = ", ".join(map(_spoken, access.readers))
        writer = "everybody, at its end" if access.appended else _spoken(access.writer) or "a view"
        rows.append(f"| `{table}` | {writer} | {readers} |")
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
