"""`escolta ontology load`: the classes that labelers find when they begin, from a file."""

import asyncio
from typing import Annotated

import typer

from escolta.audit import at_the_terminal
from escolta.service import OpenPlatform
from label_gateway.ontology.loading import Loaded
from label_gateway.ontology.loading import load as load_classes


def load(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            help="audioset, which comes with Escolta; a table (CSV) with the columns name, parent and"
            " synonyms; or a .json file as AudioSet's ontology is published"
        ),
    ],
) -> None:
    """Let the ontology have the classes of a file, with their parents and synonyms; can be run again.

    A class that is there already keeps its number and its labels. Several parents or synonyms in a cell
    have a | between them. Where anything is wrong all of it is told, and nothing is loaded.
    """
    print(asyncio.run(_load(context.obj, source)))


async def _load(open_platform: OpenPlatform, source: str) -> Loaded:
    async with open_platform(bus=False) as on:
        return await load_classes(on.catalog, source, at_the_terminal())
