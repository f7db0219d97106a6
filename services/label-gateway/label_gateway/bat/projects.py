"""Projects in BAT: made with their classes, found again by their names, and deleted."""

import logging
from collections.abc import Sequence
from dataclasses import replace

import asyncpg

from label_gateway.bat import annotations, store
from label_gateway.bat.client import Bat
from label_gateway.bat.errors import BatFailed, BatUnreachable, Differs, NothingToChoose, UnexpectedPage
from label_gateway.bat.names import class_name
from label_gateway.bat.parsing import Named
from label_gateway.bat.store import Project
from label_gateway.ontology.classes import SoundClass, classes

Listed = dict[str, Named]
"""The projects of a BAT by their names."""


async def listed(bat: Bat) -> Listed:
    """Every project of that BAT."""
    return {project.name: project for project in await bat.projects()}


async def forget_if_gone(
    db: asyncpg.Connection, project: Project, there: Listed, log: logging.Logger
) -> Project:
    """The project as it is: where somebody has deleted it in BAT, it has to be made and filled again."""
    found = there.get(project.name)
    if found and project.bat_id in (None, found.bat_id):
        return project
    if not found and project.bat_id is None and not project.renew:
        return project
    log.warning("BAT has no project %s any more, or another one of that name", project.name)
    await store.gone(db, project, deleted=False)
    return replace(project, bat_id=None, class_ids=frozenset(), renew=False)


async def in_bat(db: asyncpg.Connection, bat: Bat, project: Project, there: Listed) -> int:
    """The project's number in BAT; made where it is not there. Killed anywhere, it is found the next time.

    1. Its classes, those of the ontology, so that they are there before it: it cannot get others later.
    2. The project itself. Whatever the answer, the list of projects says whether it is there.

    Raises `NothingToChoose`, `Differs`, and what the client raises.
    """
    found = there.get(project.name)
    if found is None:
        offered = await _classes_in_bat(db, bat)
        await store.offers(db, project, list(offered))
        found = await _made(bat, project.name, sorted(offered.values()))
    if not found.overlaps:
        raise Differs(
            f"BAT has a project {project.name!r} in which events may not overlap, which is not ours:"
            " delete it there, or give it another name"
        )
    await store.made(db, project, found.bat_id)
    return found.bat_id


async def lacks_classes(db: asyncpg.Connection, bat: Bat, project: Project) -> bool:
    """Whether the ontology has grown since the project was made, and nobody has begun there.

    It can then be made anew with what labelers need, and nothing is lost; later it is too late.
    """
    known = {sound_class.class_id for sound_class in await classes(db)}
    if project.is_closed or not project.class_ids or known <= project.class_ids:
        return False
    return not await annotations.is_begun(db, project) and not await bat.annotations(project.name, status="")


async def delete(db: asyncpg.Connection, bat: Bat, project: Project) -> None:
    """Delete the project in BAT, with all that it holds. Killed anywhere, it is done again."""
    found = (await listed(bat)).get(project.name)
    if found:
        await bat.delete_project(found.bat_id)
    await store.gone(db, project, deleted=project.is_closed)


async def _made(bat: Bat, name: str, class_names: list[str]) -> Named:
    trouble: Exception | None = None
    try:
        await bat.add_project(name, class_names)
    except (BatFailed, BatUnreachable) as error:
        trouble = error
    found = (await listed(bat)).get(name)
    if found is None:
        raise trouble or UnexpectedPage(f"the project {name!r}, which it took", "a list without it")
    return found


async def _classes_in_bat(db: asyncpg.Connection, bat: Bat) -> dict[int, str]:
    """Every class of the ontology -> its name in BAT, where it now is.

    Raises `NothingToChoose` where there is none but Doubt.
    """
    ontology = await classes(db)
    if all(sound_class.is_doubt for sound_class in ontology):
        raise NothingToChoose(
            "the ontology has no class yet, and a project in BAT never gets more than it was made with: add"
            " the classes on our page, and the project is made"
        )
    offered = await name_classes(db, ontology)
    lacking = set(offered.values()) - await _names_in_bat(bat)
    for name in sorted(lacking):
        await bat.add_class(name)
    if lacking and (lost := lacking - await _names_in_bat(bat)):
        raise UnexpectedPage(f"the class {min(lost)!r}, which it took", "a list without it")
    return offered


async def name_classes(db: asyncpg.Connection, ontology: Sequence[SoundClass]) -> dict[int, str]:
    """Each of these classes -> its name in BAT, which one that is new gets now."""
    names = await store.names(db)
    added: dict[int, str] = {}
    for sound_class in ontology:
        if sound_class.class_id not in names:
            name = class_name(sound_class.name, {*names.values(), *added.values()})
            added[sound_class.class_id] = name
    await store.add_names(db, added)
    return {sound_class.class_id: (names | added)[sound_class.class_id] for sound_class in ontology}


async def _names_in_bat(bat: Bat) -> set[str]:
    return {found.name for found in await bat.classes()}
