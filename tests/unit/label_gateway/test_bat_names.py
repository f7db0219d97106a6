"""What classes, projects and audios are called in BAT: safe there, and each the only one of its name."""

import csv
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from escolta.names import LONGEST, tidy_name
from label_gateway.bat.names import SAFE, class_name, project_name, wav_name

AUDIOSET = Path(__file__).parents[3] / "libs/common/escolta/audioset/audioset.csv"
ITERATION = UUID("3f2a91bc-0000-4000-8000-000000000001")


def named(names: list[str]) -> dict[str, str]:
    """What each of the classes is called, given their names one after another."""
    called: dict[str, str] = {}
    for name in names:
        called[name] = class_name(name, set(called.values()))
    return called


def tidied(text: str) -> str | None:
    try:
        return tidy_name(text)
    except ValueError:
        return None


NAMES = st.text(min_size=1, max_size=LONGEST).map(tidied).filter(bool)


def test_every_class_of_audioset_has_a_safe_name_of_its_own():
    with AUDIOSET.open(encoding="utf-8") as file:
        names = [row["name"] for row in csv.DictReader(file)]
    called = named(names)
    assert len(called) == 632
    assert all(SAFE.fullmatch(it) for it in called.values())
    assert len({it.casefold() for it in called.values()}) == len(called)
    assert called["Bark"] == "Bark"
    assert called["Child speech, kid speaking"] == "Child_speech_kid_speaking"


@given(st.lists(NAMES, min_size=1, max_size=40, unique=True))
@example(["dog", "Dog", "DOG", "dog bark", "dog_bark", "dog  bark!", "-dog", "dog-"])
@example(["café", "cafe", "cafe\u0301", "海鸥", "鸥", "Möwe", "Mowe", "ß", "ss", "İ", "i"])
@example(["1", "_1", "1!", "'; DROP TABLE x; --", "<b>&amp;</b>", "a'b", 'a"b', "a b\u00a0c"])
@example(["x" * 80, "x" * 79 + "y", "x" * 50, "x" * 51, "class", "!", "?"])
def test_any_names_are_safe_in_bat_and_told_apart(names):
    called = named(names)
    assert all(SAFE.fullmatch(it) for it in called.values())
    assert len({it.casefold() for it in called.values()}) == len(names)


@given(NAMES)
def test_a_name_that_is_safe_already_stays(name):
    assert (class_name(name, set()) == name) == bool(SAFE.fullmatch(name) and name.strip("_") == name)


def test_a_name_that_is_taken_gets_the_same_digits_every_time():
    first, again = (class_name("dog bark!", {"dog_bark", "other"}) for _ in range(2))
    assert first == again
    assert first.startswith("dog_bark_")


@given(st.text(max_size=80), st.integers(1, 2**31 - 1))
def test_a_project_has_a_name_that_bat_and_its_folder_can_have(group, group_id):
    name = project_name(ITERATION, date(2026, 11, 30), group_id, group)
    assert len(name) <= 50
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_groups_that_are_called_alike_have_projects_of_their_own():
    first, second = (project_name(ITERATION, date(2026, 11, 30), it, "Port de València") for it in (1, 2))
    assert first == "2026-11-30-3f2a91bc-port-de-valencia-g1"
    assert first != second


@pytest.mark.parametrize("sha256", [b"\x00" * 32, b"\xff" * 32])
def test_a_wav_is_known_by_its_audio(sha256):
    name = wav_name(ITERATION, sha256)
    assert name.endswith(f"-{ITERATION.hex}.wav")
    assert len(name) <= 60
