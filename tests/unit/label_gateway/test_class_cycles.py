"""No class lies below itself, whatever a file says."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from label_gateway.ontology.checks import Tree, changes, way_round
from label_gateway.ontology.classes import SoundClass
from label_gateway.ontology.entries import Entry

NAMES = "abcdef"
TREES = st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=3, unique=True))


def above(name: str, tree: Tree) -> set[str]:
    """Everything above a class: one step more until nothing comes."""
    found: set[str] = set()
    while (more := found | {up for it in (name, *found) for up in tree.get(it, ())}) != found:
        found = more
    return found


@given(TREES)
def test_a_way_round_is_found_where_there_is_one_and_is_one(tree: dict[str, list[str]]):
    for name in NAMES:
        way = way_round(name, tree)
        assert bool(way) == (name in above(name, tree))
        assert not way or way[0] == way[-1] == name
        assert all(up in tree[below] for up, below in itertools.pairwise(way))


@given(TREES, TREES)
def test_what_a_file_changes_leaves_no_class_below_itself(
    before: dict[str, list[str]], wanted: dict[str, list[str]]
):
    ids = {name: number for number, name in enumerate(NAMES, start=1)}
    known = [
        SoundClass(
            class_id=ids[name],
            name=name,
            is_doubt=False,
            parents=[ids[up] for up in before.get(name, []) if up > name],
        )
        for name in NAMES
    ]
    problems: list[str] = []
    entries = [Entry(f"row {name}", name, tuple(ups)) for name, ups in wanted.items()]
    made = changes(entries, known, problems)
    after = {it.name: [NAMES[up - 1] for up in it.parents] for it in known}
    after |= {change.name: list(change.parents) for change in made if change.parents is not None}
    assert bool(problems) == any(name in above(name, after) for name in NAMES)
