"""`escolta sizing`: what a deployment takes in a year, before anything is bought."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from escolta.sizing.predicting import Plan, Sizing, predict

GB = 1e9

Days = Annotated[int, typer.Option(min=0, help="days; 0: for ever")]


def sizing(  # one parameter an option
    nodes: Annotated[int, typer.Option(min=1, help="how many record")],
    rate: Annotated[int, typer.Option(min=1, help="samples a second (Hz)")],
    bits: Annotated[int, typer.Option(min=8, help="bits a sample")] = 16,
    channels: Annotated[int, typer.Option(min=1)] = 1,
    duration: Annotated[float, typer.Option(min=0.1, help="seconds of an audio")] = 10.0,
    hours_per_day: Annotated[float, typer.Option(min=0.1, max=24, help="that a node records")] = 24.0,
    model: Annotated[Literal["yamnet", "cnn14"], typer.Option(help="that embeds")] = "yamnet",
    keep_audio_days: Days = 0,
    keep_patch_scores_days: Days = 0,
    cold_after_days: Annotated[int, typer.Option(min=0, help="until sounds move; 0: never")] = 0,
    backup_grace_days: Annotated[int, typer.Option(min=0, help="that backups keep sounds longer")] = 30,
    labels_per_week: Annotated[int, typer.Option(min=0, help="audios that a week's batch has")] = 400,
    outage_days: Annotated[float, typer.Option(min=0, help="without network or embedder")] = 3.0,
    days: Annotated[int, typer.Option(min=1, help="how far ahead")] = 365,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object in bytes and cores")] = False,
) -> None:
    """Tell disks, memory and cores for a year of recording, from measured costs (docs/disks.md)."""
    plan = Plan(
        nodes=nodes,
        rate_hz=rate,
        bits=bits,
        channels=channels,
        duration_s=duration,
        hours_per_day=hours_per_day,
        model=model,
        keep_audio_days=keep_audio_days,
        keep_patch_scores_days=keep_patch_scores_days,
        cold_after_days=cold_after_days,
        backup_grace_days=backup_grace_days,
        labels_per_week=labels_per_week,
        outage_days=outage_days,
        days=days,
    )
    sizes = predict(plan)
    if as_json:
        print(json.dumps({"plan": asdict(plan)} | asdict(sizes)))
    else:
        Console().print(_table(plan, sizes))


def _table(plan: Plan, sizes: Sizing) -> Table:
    table = Table(title=f"{plan.nodes} nodes, {plan.days} days, {sizes.audios / 1e6:,.1f} million audios")
    table.add_column("what")
    table.add_column("needs", justify="right")
    for what, needs in _rows(sizes):
        table.add_row(what, needs)
    return table


def _rows(sizes: Sizing) -> Iterator[tuple[str, str]]:
    yield from _gigabytes("disk", sizes.disks)
    yield from _gigabytes("of the catalog", sizes.tables)
    yield from _gigabytes("memory", sizes.memory)
    for name, cores in sizes.cores.items():
        yield f"cores: {name}", f"{cores:,.2f}"
    yield "all: memory", f"{sum(sizes.memory.values()) / GB:,.1f} GB"
    yield "all: cores", f"{sum(sizes.cores.values()):,.1f}"


def _gigabytes(what: str, sizes: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    for name, size in sizes.items():
        yield f"{what}: {name}", f"{size / GB:,.1f} GB"
