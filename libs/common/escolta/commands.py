"""The commands that installed services bring, each imported when it is used: all of them take seconds.

Entry points of the group `escolta.commands`: a Typer app is a group of commands, a function is one. In both,
`context.obj` is an `OpenPlatform`.
"""

import ast
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command


class Commands(TyperGroup):
    """Our own commands, and those that services bring, of which the list shows name and first line alone."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *sorted(_brought())]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entry = _brought().get(cmd_name)
        if entry is None:
            return super().get_command(ctx, cmd_name)
        return TyperCommand(cmd_name, help=help_of(entry))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        entry = _brought().get(name or "")
        return name, _loaded(entry) if entry else command, rest


def _brought() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group="escolta.commands")}


def _loaded(entry: EntryPoint) -> Any:
    brought, above = entry.load(), typer.Typer(add_completion=False)
    above.callback()(lambda: None)  # with it a single command is one of a group, as it is for `escolta`
    if isinstance(brought, typer.Typer):
        above.add_typer(brought, name=entry.name)
    else:
        above.command(entry.name)(brought)
    return get_command(above).commands[entry.name]  # type: ignore[attr-defined]  # a group's


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
