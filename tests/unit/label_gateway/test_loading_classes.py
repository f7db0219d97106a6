"""`escolta ontology load`: classes from a file, all of them or none, as often as one likes."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from unit.label_gateway.at_work import GatewayAtWork

from escolta.audioset import audioset_classes
from escolta.audit import at_the_terminal
from escolta.errors import Misconfigured
from label_gateway.ontology.classes import SoundClass, add_class, classes
from label_gateway.ontology.loading import load

HARBOR = """name,parent,synonyms
Bird,,
"Gull, seagull",Bird,Gavina|sea mew
Ship,,
Horn,Ship|Alarm,
Alarm,,
"""


class Ontology:
    """The ontology of an installation, and files to load into it."""

    def __init__(self, gateway: GatewayAtWork, folder: Path) -> None:
        self.db = gateway.on.catalog
        self._folder = folder

    async def load(self, text: str, name: str = "harbor.csv") -> str:
        (self._folder / name).write_text(text, "utf-8")
        return str(await load(self.db, str(self._folder / name), at_the_terminal()))

    async def refuses(self, text: str, name: str = "harbor.csv") -> list[str]:
        """Every problem that is told of a file; nothing of it was loaded."""
        before = await self.classes()
        with pytest.raises(Misconfigured) as refusal:
            await self.load(text, name)
        assert await self.classes() == before
        return [line.strip() for line in str(refusal.value).splitlines()[1:]]

    async def classes(self) -> list[SoundClass]:
        return await classes(self.db)

    async def tree(self) -> dict[str, list[str]]:
        """Each class but Doubt -> those right above it."""
        known = await self.classes()
        name_of = {it.class_id: it.name for it in known}
        return {it.name: [name_of[parent] for parent in it.parents] for it in known if not it.is_doubt}


@pytest.fixture
def ontology(gateway: GatewayAtWork, tmp_path: Path) -> Ontology:
    return Ontology(gateway, tmp_path)


async def test_a_table_brings_classes_with_their_parents_and_synonyms(ontology: Ontology):
    assert "5 classes: 5 are new" in await ontology.load(HARBOR)
    assert await ontology.tree() == {
        "Bird": [],
        "Gull, seagull": ["Bird"],
        "Ship": [],
        "Horn": ["Ship", "Alarm"],
        "Alarm": [],
    }
    [gull] = [it for it in await ontology.classes() if it.synonyms]
    assert (gull.name, gull.synonyms) == ("Gull, seagull", ["Gavina", "sea mew"])


async def test_once_more_changes_nothing(ontology: Ontology):
    await ontology.load(HARBOR)
    before = await ontology.classes()
    assert "0 are new, 0 were there and have another" in await ontology.load(
        HARBOR.upper().replace("NAME,PARENT,SYNONYMS", "name,parent,synonyms")
    )
    assert await ontology.classes() == before
    noted = "SELECT which FROM audio.audit WHERE what = 'loaded classes'"
    assert len(await ontology.db.fetch(noted)) == 1


async def test_a_class_that_is_there_gets_a_parent_and_no_double(ontology: Ontology):
    known, _ = await add_class(ontology.db, "Mo\u0301n, bot", 0)
    await ontology.load("name;parent\nVehicle;\nMÓN, BOT;vehicle\n")
    found = {it.name: it for it in await ontology.classes()}
    assert set(found) == {"Doubt", "Vehicle", known.name}
    assert found[known.name].class_id == known.class_id
    assert found[known.name].parents == [found["Vehicle"].class_id]


async def test_what_a_later_file_says_takes_the_place_and_what_it_leaves_open_stays(ontology: Ontology):
    await ontology.load(HARBOR)
    await ontology.load('name,parent,synonyms\nHorn,Ship,Toot\nGull,Bird,\n"Gull, seagull",,\n')
    tree = await ontology.tree()
    assert (tree["Horn"], tree["Gull"], tree["Gull, seagull"]) == (["Ship"], ["Bird"], ["Bird"])
    synonyms = {it.name: it.synonyms for it in await ontology.classes()}
    assert (synonyms["Horn"], synonyms["Gull, seagull"]) == (["Toot"], ["Gavina", "sea mew"])


async def test_audioset_comes_whole_and_in_its_order(ontology: Ontology):
    await add_class(ontology.db, "bark", 0)
    assert "632 classes: 631 are new, 1 were there" in await load_audioset(ontology)
    known = audioset_classes()
    name_of = {it.mid: it.name for it in known}
    wanted = {it.name: sorted(name_of[mid] for mid in it.parents) for it in known}
    wanted["bark"] = wanted.pop("Bark")
    tree = await ontology.tree()
    assert {name: sorted(parents) for name, parents in tree.items()} == wanted
    assert list(tree) == ["bark", *(it.name for it in known if it.name != "Bark")]
    assert "0 are new, 0 were there and have another" in await load_audioset(ontology)
    assert [it.name for it in await ontology.classes() if it.is_doubt] == ["Doubt"]


async def load_audioset(ontology: Ontology) -> str:
    return str(await load(ontology.db, "audioset", at_the_terminal()))


async def test_the_published_form_of_audioset_is_the_same(ontology: Ontology):
    known = audioset_classes()
    published = [
        {
            "id": it.mid,
            "name": it.name,
            "description": "…",
            "child_ids": [below.mid for below in known if it.mid in below.parents],
            "restrictions": [],
        }
        for it in known
    ]
    assert "632 are new" in await ontology.load(json.dumps(published), "ontology.json")
    assert "0 are new, 0 were there and have another" in await load_audioset(ontology)


async def test_everything_that_is_wrong_in_a_table_is_told_by_row_and_name(ontology: Ontology):
    await ontology.load(HARBOR)
    problems = await ontology.refuses(
        "name,parent,synonyms\n"
        "Doubt,,\n"
        "Winch,Crane,\n"
        "winch,,\n"
        f"{'x' * 81},,\n"
        ",Bird,\n"
        "Tern,DOUBT,tern\n"
        "Gavina,Bird,\n"
        "Boat,Ship,ship|Sea mew\n"
        "Ship,Hull,\n"
        "Hull,Boat,\n"
    )
    assert [problem.split(":")[0] for problem in problems] == [
        f"harbor.csv, row 5, {'x' * 81!r}",
        "harbor.csv, row 6, ''",
        "harbor.csv, row 2, Doubt",
        "harbor.csv, row 4, winch",
        "harbor.csv, row 7, Tern",
        "harbor.csv, row 8, Gavina",
        "harbor.csv, row 9, Boat",
        "harbor.csv, row 9, Boat",
        "harbor.csv, row 3, Winch",
        "harbor.csv, row 7, Tern",
        "harbor.csv, row 9, Boat",
        "harbor.csv, row 10, Ship",
        "harbor.csv, row 11, Hull",
    ]
    told = "\n".join(problems)
    for reason in (
        "it has 81 characters",
        "it is empty",
        "that is the answer of who cannot tell",
        "harbor.csv, row 3, Winch is the same class",
        "its synonym tern is its name",
        "it is a synonym of Gull, seagull of the ontology",
        "its synonym ship is a class of its own",
        "its synonym Sea mew is one of Gull, seagull of the ontology as well",
        "its parent Crane is neither in the file nor in the ontology",
        "nothing lies below DOUBT",
        "it would lie below itself: Ship › Boat › Hull › Ship",
    ):
        assert reason in told


async def test_a_column_that_nobody_would_read_is_told(ontology: Ontology):
    assert await ontology.refuses("name,parents\nGull,Bird\n") == [
        "harbor.csv, row 1: no column parents is known, only name, parent, synonyms"
    ]


@pytest.mark.parametrize("name", ["nowhere.csv", "nowhere.json"])
async def test_a_file_that_is_not_there_is_told(ontology: Ontology, tmp_path: Path, name: str):
    with pytest.raises(Misconfigured, match=f"{name} cannot be read"):
        await load(ontology.db, str(tmp_path / name), at_the_terminal())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON"),
        ("{}", "holds no list"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "has no class in it"),
    ],
)
async def test_json_that_is_no_ontology_is_told(ontology: Ontology, text: str, said: str):
    with pytest.raises(Misconfigured, match=said):
        await ontology.load(text, "ontology.json")


async def test_everything_that_is_wrong_in_json_is_told_by_class_and_name(ontology: Ontology):
    problems = await ontology.refuses(
        json.dumps(
            [
                {"id": "a", "name": "Bird", "child_ids": ["b", "nowhere"]},
                {"id": "b", "name": "Gull"},
                {"id": "b", "name": "Tern"},
                {"name": "Nameless"},
                {"id": "d", "name": "Odd", "child_ids": "b"},
                7,
            ]
        ),
        "ontology.json",
    )
    assert problems == [
        'ontology.json, class 4, "Nameless": it has no text as its id',
        'ontology.json, class 5, "Odd": its child_ids are no list of ids',
        "ontology.json, class 6, 7: it is no object with an id and a name",
        "ontology.json, class 3, Tern: its id b is that of Gull already",
        "ontology.json, class 1, Bird: no class here has the id of its child nowhere",
    ]


async def test_names_that_only_the_catalog_takes_for_the_same_load_nothing(ontology: Ontology):
    await ontology.load("name\nİ\n")
    with pytest.raises(Misconfigured, match="is another class of the file or the ontology"):
        await ontology.load("name\nFirst\ni\n")
    assert list(await ontology.tree()) == ["İ"]


async def test_a_labeler_who_types_a_synonym_gets_the_class(gateway: GatewayAtWork, ontology: Ontology):
    await ontology.load(HARBOR)
    lead = await gateway.lead()
    answer = await lead.post("/api/classes", json={"name": "SEA MEW"})
    assert (answer.status_code, answer.json()["name"]) == (200, "Gull, seagull")
    told = {it["name"]: it for it in (await lead.get("/api/classes")).json()}
    assert told["Gull, seagull"]["parents"] == [told["Bird"]["class_id"]]
    assert told["Gull, seagull"]["synonyms"] == ["Gavina", "sea mew"]
    assert len(told) == 6


async def test_the_command_tells_what_came_of_it_and_everything_that_is_wrong(
    gateway: GatewayAtWork, ontology: Ontology, tmp_path: Path
):
    async def command(*arguments: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("escolta"),
            *("ontology", "load", *arguments),
            cwd=tmp_path,
            env=os.environ | {"ESCOLTA_CATALOG_URL": gateway.on.settings.catalog_url},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode()

    (tmp_path / "harbor.csv").write_text("name,parent\nGull,Bird\nWinch,Ship\n", "utf-8")
    status, said = await command("harbor.csv")
    assert status == 2
    assert said.startswith(
        "escolta: nothing was loaded; mend this first:\n  harbor.csv, row 2, Gull: its parent Bird"
    )
    assert "row 3, Winch: its parent Ship" in said
    status, said = await command("audioset")
    assert (status, said[:28]) == (0, "632 classes: 632 are new, 0 ")
    assert len(await ontology.tree()) == 632
