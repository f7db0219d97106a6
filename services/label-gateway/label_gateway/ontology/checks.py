"""What loading a file would change in the ontology, or everything that keeps it from being loaded. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from escolta.names import folded
from label_gateway.ontology.classes import SoundClass
from label_gateway.ontology.entries import Entry

Tree = Mapping[str, Sequence[str]]
"""Each class -> those right above it; folded names."""


@dataclass(frozen=True)
class Change:
    """A class that is new (`class_id` None), or that gets another place in the tree or other synonyms.
    `parents`, `synonyms`: None, they stay; names of parents are folded."""

    class_id: int | None
    name: str
    parents: tuple[str, ...] | None
    synonyms: tuple[str, ...] | None


def changes(entries: Sequence[Entry], known: Sequence[SoundClass], problems: list[str]) -> list[Change]:
    """What makes the ontology `known` hold these classes, in their order; nothing for those that it has so.

    A class is known by its name, in whatever capitals, and keeps the spelling and the number that it has.
    What a file says of its parents or its synonyms takes the place of what was there; where it says nothing
    they stay.

    1. Every name is there once, and is not that of Doubt.
    2. A synonym is no name of a class, nor a synonym of another.
    3. Every parent is a class, and no class lies below itself.

    What is wrong is added to `problems`, a sentence for each row.
    """
    there = {folded(it.name): it for it in reversed(known)}  # of legacy doubles the first
    rows = _once(entries, there, problems)
    _check_synonyms(rows, there, problems)
    _check_parents(rows, there, problems)
    made = (_change(entry, key, there) for key, entry in rows.items())
    return [change for change in made if change is not None]


def _once(entries: Iterable[Entry], there: Mapping[str, SoundClass], problems: list[str]) -> dict[str, Entry]:
    rows: dict[str, Entry] = {}
    for entry in entries:
        key = folded(entry.name)
        if key in there and there[key].is_doubt:
            problems.append(
                f"{_of(entry)}: that is the answer of who cannot tell, and stays as it is: delete the row"
            )
        elif key in rows:
            problems.append(
                f"{_of(entry)}: {_of(rows[key])} is the same class: keep one row, with all its parents"
            )
        else:
            rows[key] = entry
    return rows


def _check_synonyms(rows: Mapping[str, Entry], there: Mapping[str, SoundClass], problems: list[str]) -> None:
    owner = {
        folded(synonym): (key, f"{it.name} of the ontology")
        for key, it in there.items()
        if key not in rows or not rows[key].synonyms
        for synonym in it.synonyms
    }
    for key, entry in rows.items():
        if key in owner and owner[key][0] != key:
            problems.append(
                f"{_of(entry)}: it is a synonym of {owner[key][1]}: delete the row, or call it otherwise"
            )
        for synonym in entry.synonyms:
            same = folded(synonym)
            if same == key:
                problems.append(f"{_of(entry)}: its synonym {synonym} is its name")
            elif same in rows or same in there:
                problems.append(
                    f"{_of(entry)}: its synonym {synonym} is a class of its own: keep one of both"
                )
            elif owner.setdefault(same, (key, _of(entry)))[0] != key:
                problems.append(f"{_of(entry)}: its synonym {synonym} is one of {owner[same][1]} as well")


def _check_parents(rows: Mapping[str, Entry], there: Mapping[str, SoundClass], problems: list[str]) -> None:
    for entry in rows.values():
        for parent in entry.parents:
            key = folded(parent)
            if key in there and there[key].is_doubt:
                problems.append(f"{_of(entry)}: nothing lies below {parent}: give it another parent")
            elif key not in rows and key not in there:
                problems.append(
                    f"{_of(entry)}: its parent {parent} is neither in the file nor in the ontology: add a row"
                    " for it"
                )
    tree = _tree(rows, there)
    for key, entry in rows.items():
        if way := way_round(key, tree):
            names = [rows[it].name if it in rows else there[it].name for it in way]
            problems.append(f"{_of(entry)}: it would lie below itself: {' › '.join(names)}")


def _tree(rows: Mapping[str, Entry], there: Mapping[str, SoundClass]) -> Tree:
    """The tree as it would be."""
    key_of = {it.class_id: key for key, it in there.items()}
    tree = {key: [key_of[parent] for parent in it.parents if parent in key_of] for key, it in there.items()}
    for key, entry in rows.items():
        if entry.parents or key not in tree:
            tree[key] = [folded(parent) for parent in entry.parents]
    return tree


def way_round(start: str, tree: Tree) -> list[str]:
    """The shortest way from a class up the tree and back to it; none where it does not lie below itself."""
    before: dict[str, str] = {}
    edge = [start]
    while edge:
        above = []
        for key in edge:
            for parent in tree.get(key, ()):
                if parent not in before:
                    before[parent] = key
                    above.append(parent)
        if start in before:
            way = [start, before[start]]
            while way[-1] != start:
                way.append(before[way[-1]])
            return way
        edge = above
    return []


def _change(entry: Entry, key: str, there: Mapping[str, SoundClass]) -> Change | None:
    parents = tuple(dict.fromkeys(map(folded, entry.parents)))
    synonyms = tuple({folded(it): it for it in entry.synonyms}.values())
    now = there.get(key)
    if now is None:
        return Change(None, entry.name, parents, synonyms)
    key_of = {it.class_id: other for other, it in there.items()}
    moves = bool(parents) and {key_of.get(parent) for parent in now.parents} != set(parents)
    renames = bool(synonyms) and set(map(folded, now.synonyms)) != set(map(folded, synonyms))
    if not moves and not renames:
        return None
    return Change(now.class_id, now.name, parents if moves else None, synonyms if renames else None)


def _of(entry: Entry) -> str:
    return f"{entry.where}, {entry.name}"
