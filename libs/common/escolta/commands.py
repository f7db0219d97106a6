"""The commands that installed packages bring, each imported when it is used: all of them take seconds.

Entry points of the group `escolta.commands`: a Typer app is a group of commands, a function is one. A group
to which several packages bring is made of entry points with a dot: `node.add` is `escolta node add`.
In all of them `context.obj` is an `OpenPlatform`.
"""

import ast
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command


class Commands(TyperGroup):
    """Our own commands, and those that packages bring, of which the list shows name and first line alone."""

    within = ""
    """What the names of its entry points begin with: nothing at the top, `node.` in `escolta node`."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *sorted(_brought(self.within))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        brought = _brought(self.within).get(cmd_name)
        if brought is None:
            return super().get_command(ctx, cmd_name)
        if isinstance(brought, EntryPoint):
            return TyperCommand(cmd_name, help=help_of(brought))
        group = Commands(name=cmd_name, help=", ".join(sorted(brought)), no_args_is_help=True)
        group.within = f"{self.within}{cmd_name}."
        return group

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        brought = _brought(self.within).get(name or "")
        return name, _loaded(brought) if isinstance(brought, EntryPoint) else command, rest


def _brought(within: str) -> dict[str, EntryPoint | set[str]]:
    """Each command by its name; of a group the names that are in it."""
    found: dict[str, EntryPoint | set[str]] = {}
    for entry in installed():
        name, dot, below = entry.name.removeprefix(within).partition(".")
        if not entry.name.startswith(within):
            continue
        if not dot:
            found[name] = entry
        elif isinstance(names := found.setdefault(name, set()), set):
            names.add(below)
    return found


@cache
def installed() -> tuple[EntryPoint, ...]:
    """Asked once: each answer reads what every package of the environment says of itself."""
    return tuple(entry_points(group="escolta.commands"))


def _loaded(entry: EntryPoint) -> Any:
    brought, above = entry.load(), typer.Typer(add_completion=False)
    name = entry.name.rpartition(".")[2]
    above.callback()(lambda: None)  # with it a single command is one of a group, as it is for `escolta`
    if isinstance(brought, typer.Typer):
        above.add_typer(brought, name=name)
    else:
        above.command(name)(brought)
    return get_command(above).commands[name]  # type: ignore[attr-defined]  # a group's


def help_of(entry: EntryPoint) -> str:
    """What its source says of a command: the docstring of a function, `help` of an app."""
    for node in ast.parse(_source(entry.module)).body:
        if isinstance(node, ast.FunctionDef) and node.name == entry.attr:
            return ast.get_docstring(node) or ""
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == entry.attr:
            return "".join(
                str(keyword.value.value)
                for keyword in getattr(node.value, "keywords", [])
                if keyword.arg == "help" and isinstance(keyword.value, ast.Constant)
            )
    return ""


def _source(module: str) -> str:
    """The text of a module that is not imported, nor any package above it."""
    top, *below = module.split(".")
    spec = find_spec(top)
    if spec is None:
        return ""
    files = [Path(folder, *below).with_suffix(".py") for folder in spec.submodule_search_locations or ()]
    found = next((file for file in files if file.is_file()), Path(spec.origin or ""))
    return found.read_text("utf-8") if found.is_file() else ""
