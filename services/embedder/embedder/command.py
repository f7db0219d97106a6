"""`escolta models fetch`."""

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bar

from embedder.models import weights
from escolta.errors import Misconfigured

app = typer.Typer(no_args_is_help=True, help="Weights of embedding models.")


@app.callback()
def models() -> None:
    """Weights of embedding models."""


@app.command()
def fetch(model: Annotated[str, typer.Argument(help=" or ".join(weights.PUBLISHED))]) -> None:
    """Download a model's published weights once; after an interruption it goes on."""
    if model not in weights.PUBLISHED:
        raise Misconfigured(
            f"There are no weights to fetch for {model!r}: only for {', '.join(weights.PUBLISHED)}."
        )
    wanted = weights.PUBLISHED[model]
    columns = [BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()]
    with Bar(TextColumn(wanted.file_name), *columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(model, total=wanted.size_bytes)
        path = weights.fetch(wanted, weights.cache_folder(), lambda at: bar.update(task, completed=at))
        bar.update(task, completed=wanted.size_bytes)
    print(path)
