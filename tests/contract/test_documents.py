"""What the documents name is there: files and folders in code spans, and the targets of links."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    path
    for pattern in ("*.md", "docs/*.md", "docs/decisions/*.md", "services/*/README.md", "tests/README.md")
    for path in sorted(ROOT.glob(pattern))
]
OF_A_NODE = {"refused/", "redating/"}
"""Folders that come to be where a service runs."""
HOLDING = ("bench", "deploy", "docs", "libs", "services", "tests")
THERE = [path.as_posix() for folder in HOLDING for path in (ROOT / folder).rglob("*")]


def is_there(name: str) -> bool:
    """Whether a path ends in `name`: documents name a file as briefly as can be."""
    ending = "/" + name.rstrip("/")
    return any(path.endswith(ending) for path in THERE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_that_a_document_names_are_there(document):
    named = re.findall(r"`([\w./-]+(?:\.py|\.js|/))`", document.read_text("utf-8"))
    assert [name for name in named if name not in OF_A_NODE and not is_there(name)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_document_links_to_is_there(document):
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text("utf-8"))
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_every_document_is_found_from_the_first_page():
    linked = set(re.findall(r"\]\(docs/([\w-]+\.md)\)", (ROOT / "README.md").read_text("utf-8")))
    assert {path.name for path in (ROOT / "docs").glob("*.md")} <= linked


def test_every_room_has_its_name_in_the_tree_of_the_architecture():
    """A room is a folder of a package, or of the tests: what comes later is told of where one looks first."""
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    tree = re.search(r"## The tree\n+```\n(.*?)```", page, re.DOTALL)
    assert tree
    packages = [*ROOT.glob("libs/*/*/__init__.py"), *ROOT.glob("services/*/*/__init__.py")]
    rooms = {path.parent.name for package in packages for path in package.parent.glob("*/__init__.py")}
    of_tests = {path.parent.name for path in (ROOT / "tests").glob("*/*.py")} | {"unit"}
    assert len(rooms) > 20
    assert (rooms | of_tests) - set(re.findall(r"\w+", tree[1])) == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_tests_that_a_document_names_are_there(document):
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", document.read_text("utf-8"))
    missing = [name for path, name in named if f"def {name}(" not in (ROOT / path).read_text("utf-8")]
    assert missing == []
