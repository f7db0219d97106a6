"""Which file a name means, and what a truth says of the audios that are cut from files."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escolta.truth import Ambiguous, Sound, Truth
from escolta.truth.matching import FileNames

FILES = [
    "low.wav",
    "HIGH.WAV",
    "card/Low.flac",
    "card/2024/day.wav",
    "disk/2024/day.wav",
    "Höhle.ogg",
    "bare",
]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("low.wav", "low.wav"),
        ("./low.wav", "low.wav"),
        ("LOW.WAV", "low.wav"),
        ("low", "low.wav"),
        ("high.wav", "HIGH.WAV"),
        ("low.flac", "card/Low.flac"),
        (r"C:\rec\low.wav", "low.wav"),
        (r"D:\disk\2024\DAY.WAV", "disk/2024/day.wav"),
        ("card/2024/day", "card/2024/day.wav"),
        ("/media/sd/card/2024/day.wav", "card/2024/day.wav"),
        (unicodedata.normalize("NFD", "Höhle.ogg"), "Höhle.ogg"),
        ("bare.wav", "bare"),
        ("low.ogg", None),
        ("elsewhere/2024/day.wav", None),
        ("low.wav.bak", None),
        ("", None),
        ("/", None),
    ],
)
def test_a_name_means_the_file_that_it_is_most_like(name, file):
    assert FileNames(FILES).meant_by(name) == file


def test_a_name_that_fits_two_files_alike_is_told_with_both():
    with pytest.raises(Ambiguous, match=r"day may mean card/2024/day\.wav or disk/2024/day\.wav"):
        FileNames(FILES).meant_by("day")
    with pytest.raises(Ambiguous, match=r"rec1 may mean rec1\.flac or rec1\.wav"):
        FileNames(["rec1.wav", "rec1.flac"]).meant_by("rec1")
    with pytest.raises(Ambiguous):
        FileNames(["Höhle.wav", unicodedata.normalize("NFD", "Höhle.wav")]).meant_by("Höhle.wav")


def test_of_names_that_differ_by_capitals_alone_each_is_told_apart():
    names = FileNames(["REC1.WAV", "rec1.wav"])
    assert names.meant_by("REC1.wav") == "REC1.WAV"
    assert names.meant_by("rec1.WAV") == "rec1.wav"
    with pytest.raises(Ambiguous):
        names.meant_by("Rec1.wav")


PARTS = st.text(alphabet="aAbö.1_", min_size=1, max_size=4).filter(lambda part: part not in (".", ".."))
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)


@given(st.lists(PATHS, max_size=8, unique=True), st.sampled_from(["NFC", "NFD"]))
def test_every_file_is_found_by_its_own_path_in_any_form(files, form):
    names = FileNames(files)
    for file in files:
        assert names.meant_by(unicodedata.normalize(form, file).replace("/", "\\")) == file


def test_without_times_a_class_lasts_from_start_to_end():
    truth = Truth({"1-100032-A.ogg": "dog_bark"})
    assert truth.heard_in("1-100032-A.ogg", 5.0) == [Sound("dog_bark", 0.0, 5.0)]
    assert truth.heard_in("1-100032-A.ogg#0003", 5.0) == [Sound("dog_bark", 0.0, 5.0)]
    assert truth.heard_in("another.ogg", 5.0) == []


def test_an_audio_cut_from_a_longer_file_has_that_files_sounds_at_their_places():
    truth = Truth(
        {"quay/day.flac": "rain"}, {"quay/day.flac": [Sound("horn", 8.0, 12.5), Sound("gull", 30, 31)]}
    )
    assert truth.heard_in("quay/day_00000s.wav", 10.0) == [Sound("horn", 8.0, 10.0)]
    assert truth.heard_in("quay/day_00010s.wav", 10.0) == [Sound("horn", 0.0, 2.5)]
    assert truth.heard_in("quay/day_00020s.wav", 10.0) == []


@pytest.mark.parametrize("other", ["rec1.flac", "rec1.ogg", "rec1.mp3"])
def test_audios_cut_from_files_of_one_stem_are_told_apart(other):
    truth = Truth({"rec1.wav": "low", other: "high"})
    assert truth.category_of("rec1_00010s.wav") == "low"
    kept_suffix = "rec1_00010s.flac" if other == "rec1.flac" else f"{other}_00010s.flac"
    assert truth.category_of(kept_suffix) == "high"
    with pytest.raises(Ambiguous, match=rf"rec1 may mean {other} or rec1.wav"):
        truth.category_of("rec1_00010s.aiff")


def test_a_file_of_which_nothing_is_said_is_not_taken_for_another():
    truth = Truth({"day.wav": "rain"}, silent=["card/day.wav"])
    assert truth.category_of("card/day_00010s.wav") is None
    assert truth.category_of("disk/day_00010s.wav") == "rain"
    assert truth.knows("card/day.wav")
    assert not truth.knows("night.wav")


@given(
    st.lists(st.tuples(st.floats(0, 95), st.floats(0.1, 30)), max_size=5),
    st.integers(0, 9),
)
def test_what_is_heard_in_a_piece_lies_inside_it(spans, piece):
    truth = Truth({}, {"day.wav": [Sound("horn", onset, onset + length) for onset, length in spans]})
    for sound in truth.heard_in(f"day_{10 * piece:05d}s.wav", 10.0):
        assert 0 <= sound.onset_s < sound.offset_s <= 10.0
