"""Truth as people write it down: tables from any spreadsheet, checked as a whole."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from escolta import audio
from escolta.errors import Misconfigured
from escolta.truth import Sound, Truth, read_truth

ROWS = {"low_0.wav": "low", "low_1.wav": "low", "mid_0.wav": "mid", "mid_1.wav": "mid"}
NEEDS_QUOTES = "a cell that holds a comma needs quotes around it"
FARMER = "\N{MAN}\N{ZERO WIDTH JOINER}\N{EAR OF RICE} farmer"


def table(rows: dict[str, str], separator: str = ",", header: str = "filename,category") -> str:
    lines = [header, *(f"{name},{category}" for name, category in rows.items())]
    return "".join(line.replace(",", separator) + "\n" for line in lines)


def truth_of(place: Path, text: str | bytes, events: str | None = None, **how) -> Truth:
    (place / "truth.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    if events is not None:
        (place / "events.csv").write_text(events, "utf-8")
    return read_truth(place / "truth.csv", place / "events.csv" if events is not None else None, **how)


def problems_of(place: Path, text: str | bytes, events: str | None = None, **how) -> list[str]:
    """What the person at the terminal reads, without the first line, which names the tables."""
    with pytest.raises(Misconfigured) as refused:
        truth_of(place, text, events, **how)
    heading, *problems = str(refused.value).split("\n  ")
    assert str(place / "truth.csv") in heading
    return problems


def record(folder: Path, *names: str) -> Path:
    """A folder with sound files of these names."""
    sound = audio.write(np.zeros(1600, np.float32), 16_000)
    for name in names:
        path = folder / "recordings" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sound)
    return folder / "recordings"


@pytest.mark.parametrize(
    "text",
    [
        table(ROWS),
        table(ROWS, ";"),
        table(ROWS, "\t"),
        table(ROWS).replace("\n", "\r\n"),
        table(ROWS).replace("\n", "\r"),
        table(ROWS).encode("utf-8-sig"),
        table(ROWS).encode("utf-16"),
        table(ROWS, header="Filename, Category"),
        table(ROWS).replace(",", ", "),
        table(ROWS).replace(".wav,", ".wav ,"),
        table(ROWS).replace("low\n", "low \u00a0\n"),
        table(ROWS) + ",\n\n,,,\n",
        "note," + table(ROWS).replace("\n", "\nx,", 4),
        "\n".join(f'"{name}","{category}"' for name, category in [("filename", "category"), *ROWS.items()]),
    ],
)
def test_a_table_of_any_spreadsheet_says_the_same(tmp_path, text):
    assert truth_of(tmp_path, text).categories == ROWS


@pytest.mark.parametrize(
    ("written", "category"),
    [
        ("bruit\u00a0: blanc", "bruit : blanc"),
        (FARMER, FARMER),
        ('"Rain / ""hail"", strong"', 'Rain / "hail", strong'),
        (unicodedata.normalize("NFD", "Höhle"), "Höhle"),
        ("  low   hum ", "low hum"),
    ],
)
def test_a_category_is_named_as_classes_are(tmp_path, written, category):
    truth = truth_of(tmp_path, f"filename,category\na.wav,{written}\n")
    assert (truth.classes, truth.notes) == ([category], [])


def test_capitals_make_no_other_category_and_the_person_is_told(tmp_path):
    truth = truth_of(tmp_path, table({"a.wav": "Low", "b.wav": "low", "c.wav": "low", "d.wav": "Low "}))
    assert truth.classes == ["Low"]
    assert truth.notes == ["category low (rows: 2) is taken for Low (rows: 2)"]
    assert truth_of(tmp_path, table({"a.wav": "Low", "b.wav": "low", "c.wav": "low"})).classes == ["low"]


def test_all_that_is_wrong_is_told_at_once_with_row_and_name(tmp_path):
    text = (
        "filename,category\na.wav,low\nb.wav,\nc.wav\n,mid\n"
        f"d.wav,{'x' * 81}\ne.wav,ro\awdy\nf.wav,Rain, strong\na.wav,mid\ng.wav,doubt\n"
    )
    assert problems_of(tmp_path, text) == [
        "truth.csv, row 3, b.wav, category: it is empty: a name has one character at least",
        "truth.csv, row 4, c.wav, category: the row ends before it",
        "truth.csv, row 5, filename: it is empty",
        "truth.csv, row 6, d.wav, category: it has 81 characters: a name has 80 at most",
        "truth.csv, row 7, e.wav, category: it holds the character U+0007: a name has no line breaks or"
        " control characters",
        f"truth.csv, row 8: it has 3 cells, and the first row 2: {NEEDS_QUOTES}",
        "truth.csv, row 10, g.wav, category: doubt is the answer of who cannot tell, and no class of sounds:"
        " delete the row",
        "truth.csv, row 9, a.wav: it says mid, and truth.csv, row 2, a.wav says low of the same file",
    ]


def test_of_many_problems_twenty_are_told_and_the_others_counted(tmp_path):
    problems = problems_of(tmp_path, "filename,category\n" + "".join(f"{n}.wav,\n" for n in range(50)))
    assert len(problems) == 21
    assert problems[-1] == "and 30 more"


def test_a_quote_that_is_left_open_is_told_with_its_row(tmp_path):
    [problem] = problems_of(tmp_path, 'filename,category\na.wav,low\nb.wav,"low\nc.wav,mid\n')
    assert problem.startswith("truth.csv, row 3: a quote is opened and not closed")
    assert 'b.wav,"low' in problem


def test_a_quote_that_closes_rows_later_is_told_with_its_row(tmp_path):
    text = 'filename,category\na.wav,"low\nb.wav,mid\nc.wav,mid"\nd.wav,mid\n'
    [problem] = problems_of(tmp_path, text)
    assert problem.startswith("truth.csv, row 2, a.wav, category: it holds a line break")


def test_rows_that_say_the_same_again_are_counted(tmp_path):
    truth = truth_of(tmp_path, table(ROWS) + "low_0.wav,low\n./low_1.wav,Low\n")
    assert truth.categories == ROWS
    assert truth.notes[-1] == "rows that say again what another one does: 2"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            "file,category\na.wav,x",
            "has no column filename: its first row, which must name them, is file, cat",
        ),
        ("", "has no column filename or category: its first row, which must name them, is empty"),
        ("filename,category,Category\na.wav,x,y", "has two columns category"),
        (
            "filename,category\na.wav,pájaro\n".encode("latin-1"),
            "row 2, in Windows-1252 it would read a.wav,páj",
        ),
        (table(ROWS).encode("utf-16-le"), "holds zero bytes"),
        (b"\xff\xfea", "not in UTF"),
        ("filename,category\n", "has no row below its first"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused_by_name(tmp_path, content, reason):
    with pytest.raises(Misconfigured, match=r"truth\.csv") as refused:
        truth_of(tmp_path, content)
    assert reason in str(refused.value)


def test_a_table_that_is_not_there_is_refused_by_name(tmp_path):
    with pytest.raises(Misconfigured, match=r"none\.csv cannot be read: No such file"):
        read_truth(tmp_path / "none.csv")
    with pytest.raises(Misconfigured, match="cannot be read: Is a directory"):
        read_truth(tmp_path)
    with pytest.raises(Misconfigured, match="is larger than 256 MiB"):
        read_truth(Path("/dev/zero"))


EVENTS = "filename,category,onset_s,offset_s\n"


def test_the_times_of_sounds_have_a_point_or_a_comma(tmp_path):
    events = EVENTS + 'low_0.wav,horn,0.5,2\nlow_0.wav,gull,"1,25","2,35"\nlow_0.wav,horn,0.5,2\n'
    truth = truth_of(tmp_path, table(ROWS), events)
    assert truth.sounds == {"low_0.wav": [Sound("horn", 0.5, 2.0), Sound("gull", 1.25, 2.35)]}
    assert truth.notes == ["events.csv: rows with a decimal comma: 1; 2,35 is read as 2.35"]
    with_semicolons = EVENTS.replace(",", ";") + "low_0.wav;horn;0,5;2\n"
    assert truth_of(tmp_path, table(ROWS), with_semicolons).sounds == {"low_0.wav": [Sound("horn", 0.5, 2.0)]}


def test_sounds_that_cannot_be_are_told_with_row_and_name(tmp_path):
    events = EVENTS + (
        "low_0.wav,low,3,2\nmid_0.wav,mid,1.25,1.25\nmid_0.wav,mid,,\nlow_0.wav,low,3\n"
        "low_0.wav,low,nan,inf\nlow_0.wav,low,-1,2\nlow_0.wav,low,0:03,soon\nlow_0.wav,low,0,5,2\n"
    )
    assert problems_of(tmp_path, table(ROWS), events) == [
        "events.csv, row 2, low_0.wav: the sound ends at 2 s, which is not after 3 s",
        "events.csv, row 3, mid_0.wav: the sound ends at 1.25 s, which is not after 1.25 s",
        "events.csv, row 4, mid_0.wav, onset_s: it is empty",
        "events.csv, row 4, mid_0.wav, offset_s: it is empty",
        "events.csv, row 5, low_0.wav, offset_s: the row ends before it",
        *(
            f"events.csv, row {row}, low_0.wav, {column}: '{text}' is no number of seconds,"
            " such as 2.35 or 2,35"
            for row, column, text in [
                *[(6, "onset_s", "nan"), (6, "offset_s", "inf"), (7, "onset_s", "-1")],
                *[(8, "onset_s", "0:03"), (8, "offset_s", "soon")],
            ]
        ),
        f"events.csv, row 9: it has 5 cells, and the first row 4: {NEEDS_QUOTES}",
    ]


def test_folds_are_read_where_they_are_wanted(tmp_path):
    text = table({"a.wav": "low,1", "b.wav": "low,two"}, header="filename,category,fold")
    assert truth_of(tmp_path, text).folds == {}
    [problem] = problems_of(tmp_path, text, with_folds=True)
    assert (
        problem == "truth.csv, row 3, b.wav, fold: 'two' is no whole number: mend it, or take out the column"
    )
    assert truth_of(tmp_path, text.replace("two", "2"), with_folds=True).folds == {"a.wav": 1, "b.wav": 2}


def test_names_become_those_of_the_files(tmp_path):
    nfd = unicodedata.normalize("NFD", "Höhle.wav")
    folder = record(tmp_path, "low.wav", "card/mid.wav", "HIGH.WAV", nfd, "none.wav")
    text = table(
        {"C:\\rec\\low.wav": "low", "mid": "mid", "high.wav": "high", "Höhle.wav": "drip", "gone.wav": "x"}
    )
    truth = truth_of(tmp_path, text, folder=folder)
    assert {name: truth.categories[name] for name in ("low.wav", "card/mid.wav", "HIGH.WAV", nfd)} == {
        **{"low.wav": "low", "card/mid.wav": "mid", "HIGH.WAV": "high", nfd: "drip"}
    }
    assert truth.notes == [
        "4 of 5 names are those of files; no file is called gone.wav",
        "recordings of which nothing is said: 1: none.wav",
    ]
    assert not truth.heard_in("none.wav", 10.0)


def test_a_truth_of_other_recordings_is_refused(tmp_path):
    folder = record(tmp_path, "a.wav", "b.wav")
    assert problems_of(tmp_path, table(ROWS), folder=folder) == [
        "no file has any of these names: low_0.wav, low_1.wav, mid_0.wav, mid_1.wav;"
        " the files are called a.wav, b.wav"
    ]


def test_a_name_that_may_mean_two_files_is_told_with_both(tmp_path):
    folder = record(tmp_path, "rec1.wav", "rec1.flac", "card/low.wav", "disk/low.wav")
    text = table({"rec1": "low", "low.wav": "low", "rec1.wav": "mid"})
    assert problems_of(tmp_path, text, folder=folder) == [
        "truth.csv, row 2, rec1: rec1 may mean rec1.flac or rec1.wav: write the whole path",
        "truth.csv, row 3, low.wav: low.wav may mean card/low.wav or disk/low.wav: write the whole path",
    ]


def test_two_names_of_one_file_must_not_contradict_each_other(tmp_path):
    folder = record(tmp_path, "rec1.wav")
    [problem] = problems_of(tmp_path, table({"rec1.wav": "low", "C:\\rec1.WAV": "mid"}), folder=folder)
    assert problem.endswith("it says mid, and truth.csv, row 2, rec1.wav says low of the same file")


def test_a_folder_that_leads_back_to_itself_is_looked_through_once(tmp_path):
    folder = record(tmp_path, "card/low.wav", ".Trashes/low.wav", "$RECYCLE.BIN/mid.wav")
    (folder / "card/back").symlink_to(folder)
    truth = truth_of(tmp_path, table({"low.wav": "low"}), folder=folder)
    assert (truth.categories, truth.notes) == ({"card/low.wav": "low"}, [])


@pytest.mark.parametrize("target", ["..", "/", "/proc/self"])
def test_a_link_to_more_than_the_recordings_is_not_gone_through(tmp_path, target):
    folder = record(tmp_path, "card/low.wav")
    (tmp_path / "low.wav").touch()
    (folder / "z:").symlink_to(target)
    truth = truth_of(tmp_path, table({"low.wav": "low"}), folder=folder)
    assert (truth.categories, truth.notes) == ({"card/low.wav": "low"}, [])


@given(text=st.text(alphabet='abc,;\t"\n\r. 0123456789é\u200d', max_size=80))
def test_no_table_makes_anything_but_truth_or_a_reason(tmp_path_factory, text):
    folder = tmp_path_factory.getbasetemp()
    try:
        truth = truth_of(folder, "filename,category\n" + text)
    except Misconfigured:
        return
    assert truth.categories
    assert all(category == " ".join(category.split()) for category in truth.categories.values())
