"""What a person does at a node, beside the process that records there."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from escolta.errors import Misconfigured
from node_agent.spool import Spool


def resend(
    audio_ids: Annotated[list[UUID] | None, typer.Argument(help="which; none: list them")] = None,
    everything: Annotated[bool, typer.Option("--all", help="all that is refused")] = False,
    node: Annotated[str, typer.Option(envvar="ESCOLTA_NODE_NAME", help="the node's name")] = "node",
    state_dir: Annotated[Path, typer.Option(envvar="ESCOLTA_STATE_DIR", help="its folder")] = Path("var"),
) -> None:
    """Send refused audios of this node again, or list them with their reasons."""
    folder = state_dir / "spool" / node
    if not folder.is_dir():
        raise Misconfigured(
            f"there is no spool {folder}: run this at the node, with its ESCOLTA_NODE_NAME and "
            "ESCOLTA_STATE_DIR"
        )
    spool = Spool(folder)
    refused = list(spool.refused)
    known = [audio.event.audio_id for audio in refused if audio.event]
    if unknown := [audio_id for audio_id in audio_ids or () if audio_id not in known]:
        raise Misconfigured(f"{unknown[0]} is not among the refused audios in {spool.refused.folder}")
    chosen = known if everything else audio_ids or []
    for audio_id in chosen:
        spool.ask_again(audio_id)
    if chosen:
        print(f"{len(chosen)} audios are sent again: within 15 s where the node runs, else when it starts")
        return
    for audio in refused:
        file_name = audio.event.file_name if audio.event else "?"
        print(f"{audio.name}  {file_name}: {audio.reason}")
    print(f"{len(refused)} audios are refused; `escolta node resend ID` or `--all` sends them again")
