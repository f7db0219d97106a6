"""Who imports whom. The house stands as long as this holds."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMON = ROOT / "libs/common/escolta"
DEMO = ROOT / "libs/demo/escolta_demo"
BACKUP = ROOT / "libs/backup/escolta_backup"
SERVICES = {path.parent.name: path.parent for path in ROOT.glob("services/*/*/service.py")}

PACKAGES = {package.name: package for package in (COMMON, DEMO, BACKUP, *SERVICES.values())}
PURE = ("method", "exact")
"""Rooms of the al-engine: arithmetic on arrays, without a catalog, a server or a service."""

BASE = {
    "events",
    "errors",
    "audio",
    "audioset",
    "clock",
    "cancellation",
    "disk",
    "fields",
    "hidden",
    "listening",
    "names",
    "note",
    "times",
    "truth",
    "url",
}
PORTS = {"bus", "objects", "catalog"}
FOR_SERVICES = {
    *BASE - {"cancellation", "url"},
    "accounts",
    "audit",
    "metrics",
    "observe",
    "service",
    "web",
    "work",
}


def imports(path: Path) -> set[str]:
    """Full names of the modules that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide who imports whom"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def rooms_of_common(path: Path) -> set[str]:
    """Rooms of `escolta` that a file imports: `escolta.bus.rabbit` is the room `bus`."""
    return {name.split(".")[1] for name in imports(path) if name.startswith("escolta.")}


def sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def test_all_five_services_are_found():
    assert set(SERVICES) == {"ingest", "embedder", "al_engine", "label_gateway", "node_agent"}


@pytest.mark.parametrize("room", sorted(BASE))
def test_the_base_imports_only_the_base(room):
    paths = [*COMMON.glob(f"{room}.py"), *(COMMON / room).glob("*.py")]
    assert paths
    for path in paths:
        assert rooms_of_common(path) <= BASE, path


@pytest.mark.parametrize("port", sorted(PORTS))
def test_a_port_imports_the_base_and_itself(port):
    for path in sources(COMMON / port):
        assert rooms_of_common(path) <= BASE | {port}, path


def test_common_imports_no_service():
    for path in sources(COMMON):
        used = {name.split(".")[0] for name in imports(path)}
        assert not used & {*SERVICES, "escolta_demo", "escolta_backup"}, f"{path} imports a service"


def test_a_backup_needs_no_service():
    for path in sources(BACKUP):
        used = {name.split(".")[0] for name in imports(path)}
        assert not used & {*SERVICES, "escolta_demo"}, f"{path} imports a service"


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_service_imports_no_other_service(service):
    for path in sources(SERVICES[service]):
        used = {name.split(".")[0] for name in imports(path)}
        assert not used & ({*SERVICES, "escolta_demo", "escolta_backup"} - {service}), path


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_service_stands_on_the_platform_and_never_on_an_adapter(service):
    for path in sources(SERVICES[service]):
        assert rooms_of_common(path) <= FOR_SERVICES, path


def test_common_names_no_service():
    names = {name for service in SERVICES for name in (service, service.replace("_", "-"))}
    for path in sources(COMMON):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            assert not (isinstance(node, ast.Constant) and node.value in names), f"{path} names {node.value}"


@pytest.mark.parametrize("room", PURE)
def test_the_method_and_its_arithmetic_are_pure(room):
    for path in sources(SERVICES["al_engine"] / room):
        used = imports(path)
        rooms = {name.split(".")[1] for name in used if name.startswith("al_engine.")}
        assert rooms <= set(PURE), path
        assert not {name.split(".")[0] for name in used} & {"asyncpg", "fastapi", "asyncio"}, path
        assert rooms_of_common(path) <= {"errors"}, path


def arrows_between_rooms(package: Path) -> dict[str, set[str]]:
    """Room of the package (a folder in it) -> the rooms that its files import."""
    rooms = {path.parent.name for path in package.glob("*/__init__.py")}
    return {
        room: {
            parts[1]
            for path in sources(package / room)
            for parts in (name.split(".") for name in imports(path))
            if parts[0] == package.name and len(parts) > 1 and parts[1] in rooms - {room}
        }
        for room in rooms
    }


def on_a_circle(arrows: dict[str, set[str]]) -> set[str]:
    """What is left when, again and again, all that need nothing of the rest are taken away."""
    left = dict(arrows)
    while free := [room for room, needed in left.items() if not needed & left.keys()]:
        for room in free:
            del left[room]
    return set(left)


def test_a_circle_of_rooms_is_seen():
    assert on_a_circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == {"a", "b", "c"}


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_the_rooms_of_a_package_form_no_circle(package):
    assert not on_a_circle(arrows_between_rooms(PACKAGES[package]))


def arrows_between_modules(package: Path) -> dict[str, set[str]]:
    """Module of the package -> the modules of it that it imports, wherever in its text it does."""
    files = {
        ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sources(package)
    }
    named = {module: imports(path) & files.keys() for module, path in files.items()}
    # `from escolta.bus.port import Bus` names the package `escolta.bus.port`, and nothing of `escolta.bus`.
    return {module: found - {module} for module, found in named.items()}


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_no_module_imports_in_a_circle_at_once_or_later(package):
    assert not on_a_circle(arrows_between_modules(PACKAGES[package]))
