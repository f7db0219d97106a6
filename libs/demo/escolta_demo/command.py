"""`escolta demo`."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from escolta.errors import Misconfigured
from escolta.interruption import until_interrupted
from escolta.observe import set_up_logs
from escolta.settings import Settings, load_settings
from escolta_demo.play import Demo, play


def demo(
    audio: Annotated[Path | None, typer.Option(help="folder of recordings; none: a synthetic harbor")] = None,
    truth: Annotated[Path | None, typer.Option(help="CSV with filename and category")] = None,
    iterations: Annotated[int | None, typer.Option(min=1, help="stop proposing after so many")] = None,
    batch: Annotated[int, typer.Option(min=1, help="audios an iteration proposes")] = 20,
    headless: Annotated[bool, typer.Option(help="simulated labelers; print the result and end")] = False,
) -> None:
    """Run the whole loop on this machine."""
    chosen = Demo(audio and audio.expanduser(), truth and truth.expanduser(), iterations, batch, headless)
    chosen.check()
    own = demo_settings(chosen)
    with (own.state_dir / "escolta.log").open("a") as log:
        set_up_logs(log)
        asyncio.run(until_interrupted(partial(play, chosen, own)))


def demo_settings(chosen: Demo) -> Settings:
    """The embedded world in a folder of its own, on loopback alone: the terminal shows a sign-in link."""
    state_dir = chosen.state_dir(load_settings().state_dir)
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(
            f"{state_dir} cannot be made ({error.strerror}): set ESCOLTA_STATE_DIR to another folder"
        ) from error
    return load_settings(
        state_dir=state_dir,
        catalog_url=f"embedded://{state_dir}/catalog",
        objects_url=f"file://{state_dir}/objects",
        bus_url="memory://",
        node_name="demo",
        http_host="127.0.0.1",
        public_url="",
    )
