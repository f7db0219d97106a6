"""Hundreds of classes: found by what they are called and by where they stand, group by group, and sticky."""

from pathlib import Path

import numpy as np
import pytest
from browser.at_work import GatewayInBrowser, LabelingPage
from browser.sounds import RATE_HZ, recording

from escolta.audit import INSTALLATION
from label_gateway.ontology.loading import load

HARBOR = """name,parent,synonyms
Animal,,
Bird,Animal,
Gull,Bird,Gavina|Sea mew
Tern,Bird,
Ship,,
Horn,Ship|Alarm,
Winch,Ship,
Alarm,,
"""


@pytest.fixture
async def harbor(gateway: GatewayInBrowser, tmp_path: Path) -> GatewayInBrowser:
    """Somewhere with a tree of classes."""
    (tmp_path / "harbor.csv").write_text(HARBOR, "utf-8")
    await load(gateway.on.catalog, str(tmp_path / "harbor.csv"), INSTALLATION)
    return gateway


@pytest.fixture
async def labeling(harbor: GatewayInBrowser) -> LabelingPage:
    await harbor.propose(1)
    labeling = await harbor.labeling_page()
    await labeling.listen()
    return labeling


async def found(labeling: LabelingPage, text: str) -> list[str]:
    """What the box offers for what is typed; the box is left again."""
    await labeling.press("/")
    await labeling.page.keyboard.type(text)
    rows = [
        " ".join(row.split()) for row in await labeling.page.locator("#found-classes li").all_inner_texts()
    ]
    await labeling.press("Escape")
    return rows


async def offered(labeling: LabelingPage) -> list[str]:
    """The buttons of the group that is open, each as it reads."""
    rows = await labeling.page.locator("#palette .items button").all_inner_texts()
    return [" ".join(row.split()) for row in rows]


async def test_a_class_is_found_by_its_name_a_synonym_and_what_lies_above_it(labeling: LabelingPage) -> None:
    assert (await found(labeling, "gul"))[0] == "Gull · in Animal › Bird"
    assert (await found(labeling, "mew"))[0] == "Gull · Sea mew · in Animal › Bird"
    assert (await found(labeling, "bird"))[:3] == [
        "Bird · in Animal",
        "Gull · in Animal › Bird",
        "Tern · in Animal › Bird",
    ]
    assert await found(labeling, "animal te") == [
        "Tern · in Animal › Bird",
        "Add the class “animal te”",
    ]
    assert await found(labeling, "alarm horn") == [
        "Horn · in Ship",
        "Add the class “alarm horn”",
    ]


async def test_a_synonym_is_no_new_class(labeling: LabelingPage) -> None:
    assert await found(labeling, "SEA MEW") == ["Gull · Sea mew · in Animal › Bird"]
    await labeling.press("/")
    await labeling.page.keyboard.type("gavina")
    await labeling.press("Enter")
    await labeling.shows("The whole audio: Gull")


async def test_a_class_is_reached_group_by_group_by_keys(labeling: LabelingPage) -> None:
    await labeling.press("g")
    assert await offered(labeling) == ["1 Animal 3 below", "2 Ship 2 below", "3 Alarm 1 below"]
    await labeling.press("1", "1")
    assert await offered(labeling) == ["0 Bird itself", "1 Gull", "2 Tern"]
    await labeling.press("Backspace")
    assert await offered(labeling) == ["0 Animal itself", "1 Bird 2 below"]
    await labeling.press("1", "2")
    assert await labeling.marks() == ["1 0.00 – 4.00 s Tern"]
    assert not await labeling.page.locator("#palette").is_visible()
    await labeling.press("g", "ArrowDown", "Enter", "0")  # to the second, and that group itself
    assert await labeling.marks() == ["1 0.00 – 4.00 s Tern, Ship"]
    await labeling.press("g", "Escape", "Control+z")
    assert await labeling.marks() == ["1 0.00 – 4.00 s Tern"]


async def test_what_was_used_most_comes_first(labeling: LabelingPage) -> None:
    await labeling.press("g", "2", "2")  # a winch
    await labeling.press("g")
    assert (await offered(labeling))[0] == "1 Ship 2 below"
    await labeling.press("1")
    assert await offered(labeling) == ["0 Ship itself", "1 Winch", "2 Horn"]
    await labeling.press("Escape")
    assert (await found(labeling, ""))[0] == "Winch · in Ship"


async def test_a_class_of_a_tree_gets_a_key_as_it_is_used(labeling: LabelingPage) -> None:
    keyed = labeling.page.locator("#keyed-classes button")
    assert await keyed.all_inner_texts() == ["D\nDoubt"]
    await labeling.press("g", "1", "1", "1")
    await labeling.press("Escape", "w", "1")
    assert await labeling.marks() == ["1 0.00 – 4.00 s no class yet"]


async def test_fourteen_calls_take_thirty_keys_by_a_sticky_class(harbor: GatewayInBrowser) -> None:
    calls = recording(0.1 * np.random.default_rng(0).standard_normal(10 * RATE_HZ), RATE_HZ)
    await harbor.propose_recordings(calls, calls)
    labeling = await harbor.labeling_page()
    await labeling.listen()
    await labeling.press("/")
    await labeling.page.keyboard.type("gull")
    await labeling.press("Enter", "Delete", "Home")  # the class has a key by now
    keys = ["i", "o", "1", "s", *["i", "o"] * 13]
    for key in keys:
        if key == "o":
            await labeling.press(".")  # for the time that passes while one listens
        await labeling.press(key)
    assert [mark.split()[-1] for mark in await labeling.marks()] == ["Gull"] * 14
    assert len(keys) == 30
    await labeling.press("Enter")
    await labeling.comes_to(2)
    await labeling.page.get_by_role("button", name="Sticky: Gull", pressed=True).wait_for()
    await labeling.drag(1, 2)
    await labeling.press("s")
    await labeling.drag(3, 3.5)
    assert [mark.partition(" s ")[2] for mark in await labeling.marks()] == ["Gull", "no class yet"]
    await harbor.submissions(1)
    assert [name for _, name, _, _ in await harbor.said()] == ["Gull"] * 14


async def test_sticky_without_a_class_says_what_to_do(labeling: LabelingPage) -> None:
    await labeling.press("s")
    await labeling.shows("No class was chosen yet")
    await labeling.drag(1, 2)
    assert (await labeling.marks())[0].endswith("no class yet")


async def test_a_mark_with_its_sticky_class_is_undone_at_once(labeling: LabelingPage) -> None:
    await labeling.press("g", "2", "1", "s")
    await labeling.drag(1, 2)
    assert (await labeling.marks())[1].endswith("s Horn")
    await labeling.press("Control+z")
    assert await labeling.marks() == ["1 0.00 – 4.00 s Horn"]
