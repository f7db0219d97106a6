"""Classes with names of AudioSet and hostile ones, each marked once in BAT: at 0, at the end, anywhere."""

import random
import unicodedata

from embedder.models.audioset import cnn14_class_names
from escolta.names import folded, tidy_name
from servers.bat.annotator import Heard
from system.bat_commands import Commands
from system.bat_team import TeamInBat

HOSTILE = 500
DURATION_S = 10.0
SHORTEST_S = 0.01
PIECES = (*"öЖ鸥'\"&é /;9-_%ß", "<b>", "e\u0301", "👩\u200d🔬")

Span = tuple[float, float]


def names() -> list[str]:
    """Of all classes of AudioSet, and hostile ones."""
    return [*cnn14_class_names(), *hostile_names()]


def hostile_names() -> list[str]:
    """Of 1 to 80 characters, beginning with whatever; many differ in one sign alone."""
    chance, found = random.Random(1), dict[str, str]()
    while len(found) < HOSTILE:
        length = chance.choice((1, 2, 3, 8, 49, 50, 51, 80))
        name = "".join(chance.choice(PIECES) for _ in range(length))
        name = unicodedata.normalize("NFC", name)[: chance.choice((2, 3, 51, 80))].strip()
        if chance.random() < 0.3:
            name = f"{name[:40]} gull {name[40:70]}"
        try:
            found.setdefault(folded(tidy_name(name)), tidy_name(name))
        except ValueError:
            continue
    return list(found.values())


async def round_trip(
    team: TeamInBat, commands: Commands, added: list[str]
) -> tuple[dict[int, Span], dict[int, Span]]:
    """What was marked, and what the catalog has of it: the class, and when, in seconds.

    Raises AssertionError where a command fails, or something is there twice.
    """
    classes = await _add_classes(team, added)
    await team.propose(6, DURATION_S)
    assert not (await commands.run("push")).status, commands.said()
    said = await _mark_each_once(team, classes)
    for _ in range(2):
        assert not (await commands.run("pull")).status, commands.said()
    rows = await team.gateway.on.catalog.fetch("SELECT class_id, onset_s, offset_s FROM audio.chunks")
    found = {row["class_id"]: (row["onset_s"], row["offset_s"]) for row in rows}
    assert len(rows) == len(found)
    return said, found


async def _add_classes(team: TeamInBat, added: list[str]) -> dict[int, str]:
    """Class -> name, with those that were there before."""
    await team.gateway.on.catalog.execute(
        "INSERT INTO audio.ontology (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING", added
    )
    rows = await team.gateway.on.catalog.fetch("SELECT class_id, name FROM audio.ontology WHERE NOT is_doubt")
    return {row["class_id"]: row["name"] for row in rows}


async def _mark_each_once(team: TeamInBat, classes: dict[int, str]) -> dict[int, Span]:
    """Ana marks every class somewhere."""
    named = await team.bat_names()
    annotator = await team.annotator("ana")
    [project] = (await team.projects())["harbor"]
    wavs = [wav for name, wav in await team.wavs() if name == project]
    said: dict[int, Span] = {}

    def hears(wav: str) -> list[Heard]:
        here = sorted(classes)[wavs.index(wav) :: len(wavs)]
        spans = _spans(len(here), random.Random(wav))
        said.update(zip(here, spans, strict=True))
        return [Heard(named[classes[it]], *span) for it, span in zip(here, spans, strict=True)]

    assert await annotator.label_all(project, hears) == len(wavs)
    return said


def _spans(number: int, chance: random.Random) -> list[Span]:
    """Of 10 ms and more, one after another from 0 to the end."""
    room_s = DURATION_S / number
    starts = [place * room_s + chance.uniform(0, room_s - 2 * SHORTEST_S) for place in range(number)]
    spans = [(start_s, start_s + chance.choice((SHORTEST_S, 1.5 * SHORTEST_S))) for start_s in starts]
    return [(0.0, SHORTEST_S), *spans[1:-1], (DURATION_S - SHORTEST_S, DURATION_S)]
