"""`escolta forget`: the operator's, with the account that owns the catalog, because no service may do it."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

from escolta.catalog.owner import require_owner
from escolta.errors import Misconfigured
from escolta.forgetting import audios, labelers
from escolta.forgetting.audios import FIRST, LAST, Chosen
from escolta.service import OpenPlatform


def forget(
    context: typer.Context,
    audio: Annotated[list[UUID] | None, typer.Option(help="id of an audio; may be repeated")] = None,
    node: Annotated[str, typer.Option(help="every audio of this node")] = "",
    start: Annotated[str, typer.Option("--from", help="UTC: of the node, what begins from here on")] = "",
    end: Annotated[str, typer.Option("--to", help="UTC, not included")] = "",
    labeler: Annotated[str, typer.Option(help="the name of a person")] = "",
    labels: Annotated[bool, typer.Option("--labels", help="with all that the person has said")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do it: without, it is only counted")] = False,
) -> None:
    """Delete audios with every trace of them, or a labeler's name. Without --yes it only counts."""
    if sum(map(bool, (audio, node, labeler))) != 1:
        raise Misconfigured("say what to forget: --audio ID…, or --node NAME, or --labeler NAME")
    if ((start or end) and not node) or (labels and not labeler):
        raise Misconfigured("--from and --to go with --node, --labels with --labeler")
    if labeler:
        asyncio.run(_forget_labeler(context.obj, labeler, labels, yes))
    else:
        chosen = Chosen(audio or (), node, _moment(start, FIRST), _moment(end, LAST))
        asyncio.run(_forget_audios(context.obj, chosen, yes))


async def _forget_audios(open_platform: OpenPlatform, chosen: Chosen, yes: bool) -> None:
    async with open_platform(bus=False) as on, on.catalog.acquire() as db:
        await require_owner(on.catalog)
        count = await audios.counted(db, chosen)
        print(
            f"{count['audios']} audios, {count['embeddings']} embeddings, {count['proposals']} proposals, "
            f"{count['answers']} answers of labelers with {count['events']} events"
        )
        exports = await audios.exports_since(db, count["labeled_from"])
        print(f"{len(exports)} exports may have them; whoever has a copy has to delete it there:")
        for row in exports:
            print(f"  {row['at']:%Y-%m-%d %H:%M} UTC, {row['which']}, by {row['name']}")
        if yes:
            done = await audios.forget(db, on.objects, chosen)
            print(f"{done} audios are forgotten; in a few minutes run it once more, for what was under way")
        else:
            print("Nothing was deleted. With --yes it is, for good.")


async def _forget_labeler(open_platform: OpenPlatform, name: str, labels: bool, yes: bool) -> None:
    async with open_platform(bus=False) as on, on.catalog.acquire() as db:
        await require_owner(on.catalog)
        labeler_id = await labelers.labeler_named(db, name)
        events, answers = await labelers.counted(db, labeler_id)
        what = "go as well" if labels else "stay, without the name"
        print(f"{name}: {answers} answers with {events} events, which {what}")
        if yes:
            print(f"{name} is now {await labelers.forget(db, labeler_id, labels=labels)}")
        else:
            print("Nothing was deleted. With --yes it is, for good.")


def _moment(text: str, otherwise: datetime) -> datetime:
    if not text:
        return otherwise
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Misconfigured(f"{text!r} is no time: write 2024-05-01 or 2024-05-01T06:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
