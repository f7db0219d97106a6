"""What a cluster would be sent, rendered once; each test breaks a copy of its own."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest

from checks.parts import Part
from checks.rendering import EVERYTHING, OVERLAYS, copy_with_secrets, parts_of, rendered


@pytest.fixture(scope="session")
def deploy() -> Iterator[Path]:
    """A copy of deploy/ with secrets and certificates that are none."""
    with copy_with_secrets() as folder:
        yield folder


@pytest.fixture(scope="session")
def rendered_once(deploy: Path) -> dict[str, list[Part]]:
    """The objects of every overlay."""
    return {name: parts_of(rendered(deploy / "k8s/overlays" / name)) for name in (*OVERLAYS, EVERYTHING)}


@pytest.fixture
def single_node(rendered_once: dict[str, list[Part]]) -> list[Part]:
    """Those of one machine; a copy that a test may break."""
    return deepcopy(rendered_once["single-node"])


@pytest.fixture
def production(rendered_once: dict[str, list[Part]]) -> list[Part]:
    """Those of several machines."""
    return deepcopy(rendered_once["production"])


@pytest.fixture
def everything(rendered_once: dict[str, list[Part]]) -> list[Part]:
    """Those of several machines with all that they may have besides."""
    return deepcopy(rendered_once[EVERYTHING])
