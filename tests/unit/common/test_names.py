"""Names as people type them, paste them and export them from spreadsheets."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escolta.names import LONGEST, on_screen, same_name, tidy_name

FARMER = "\N{MAN}\N{ZERO WIDTH JOINER}\N{EAR OF RICE}"
FLAG_OF_ENGLAND = (
    "\N{WAVING BLACK FLAG}" + "".join(chr(0xE0000 + ord(letter)) for letter in "gbeng") + "\U000e007f"
)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" low  hum ", "low hum"),
        ("bruit\u00a0: blanc", "bruit : blanc"),
        ("low\r\n", "low"),
        (unicodedata.normalize("NFD", "Höhle"), "Höhle"),
        (f"{FARMER} farmer", f"{FARMER} farmer"),
        (FLAG_OF_ENGLAND, FLAG_OF_ENGLAND),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\ufeffgull", "gull"),
        ("sea\u200bgull\u00ad", "seagull"),
        ("gull \u200d", "gull"),
        ("o\u200b\u0308", "ö"),
        ("\U0001fae9 a face of Unicode 16", "\U0001fae9 a face of Unicode 16"),
        ('Rain / "hail", strong', 'Rain / "hail", strong'),
        (unicodedata.normalize("NFD", "ö" * LONGEST), "ö" * LONGEST),
    ],
)
def test_a_name_is_kept_as_it_looks(typed, kept):
    assert tidy_name(typed) == kept


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "it is empty"),
        (" \u00a0\u200b\u200d", "it is empty"),
        ("low\nlow_1.wav", "it holds a line break"),
        ("low\thum", "it holds a tab"),
        ("bell\a", r"it holds the character U\+0007"),
        ("half a \ud83d", r"it holds the character U\+D83D"),
        ("x" * (LONGEST + 1), "it has 81 characters: a name has 80 at most"),
    ],
)
def test_what_is_no_name_is_refused_with_its_reason(typed, reason):
    with pytest.raises(ValueError, match=reason):
        tidy_name(typed)


@given(st.text())
def test_a_tidy_name_stays_as_it_is(text):
    try:
        name = tidy_name(text)
    except ValueError:
        return
    assert tidy_name(name) == name
    assert unicodedata.is_normalized("NFC", name)


def test_the_same_name_is_found_as_it_is_written_first():
    assert same_name("gull", ["GULL", "gull"]) == "gull"
    assert same_name("Gull", ["GULL", "gull"]) == "GULL"
    assert same_name("gulls", ["GULL", "gull"]) is None


@given(st.text(min_size=1))
def test_a_name_is_the_same_in_capitals_and_decomposed(name):
    for way in (name.casefold(), unicodedata.normalize("NFD", name), unicodedata.normalize("NFC", name)):
        assert same_name(way, [name]) == name


@given(st.text())
def test_nothing_that_is_shown_moves_or_colors_a_terminal(text):
    shown = on_screen(text)
    assert len(shown) == len(text)
    assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in shown)


def test_what_can_be_read_is_shown_as_it_is():
    assert on_screen(f"{FARMER} Höhle.wav") == f"{FARMER} Höhle.wav"
    assert on_screen("line\nbreak\x1b[31m.wav") == "line\ufffdbreak\ufffd[31m.wav"
