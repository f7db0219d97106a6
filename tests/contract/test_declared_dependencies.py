"""An image has one service and what it declares, and nothing else that our environment happens to have."""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

DISTRIBUTED = "escolta.catalog", "escolta.bus.rabbit", "escolta.objects.s3"
AS_A_NODE = "escolta.bus.mqtt", "node_agent.uploading"
ADAPTERS = {
    "escolta-ingest": DISTRIBUTED,
    "escolta-embedder": DISTRIBUTED,
    "escolta-al-engine": DISTRIBUTED,
    "escolta-label-gateway": DISTRIBUTED,
    "escolta-node-agent": AS_A_NODE,
}
START = """
import sys
from importlib import import_module
from importlib.metadata import distribution

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"{name} is not declared", name=name)

absent, package, adapters = set(sys.argv[1].split(",")), sys.argv[2], sys.argv[3].split(",")
sys.meta_path.insert(0, Absent())
for module in ("escolta.cli", *adapters):
    import_module(module)
for entry in distribution(package).entry_points:
    if entry.group.startswith("escolta."):
        entry.load()
"""


def declared(requirement: Requirement, seen: set[tuple[str, str]]) -> None:
    """Add this package, with everything it needs in turn, to `seen`: pairs of a name and an extra."""
    name = canonicalize_name(requirement.name)
    for extra in ("", *requirement.extras):
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            needed = map(Requirement, requires(name) or ())
        except PackageNotFoundError:
            continue  # of another platform
        for further in needed:
            if further.marker is None or further.marker.evaluate({"extra": extra}):
                declared(further, seen)


@pytest.mark.parametrize("package", ADAPTERS)
def test_a_service_starts_with_what_it_declares(package):
    seen: set[tuple[str, str]] = set()
    declared(Requirement(package), seen)
    names = {name for name, _ in seen}
    absent = {
        module
        for module, distributions in packages_distributions().items()
        if not names & {canonicalize_name(name) for name in distributions}
    }
    assert absent, "nothing is left out, so this says nothing"
    adapters = ",".join(ADAPTERS[package])
    command = [sys.executable, "-c", START, ",".join(sorted(absent)), package, adapters]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
