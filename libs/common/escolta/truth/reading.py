"""Truth from the tables that people made, checked as a whole before anything is computed from it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from escolta.errors import Misconfigured
from escolta.names import folded, on_screen
from escolta.truth.entries import Entry, Findings, WholeFile, read_events, read_files
from escolta.truth.files import files_in, is_recording
from escolta.truth.matching import Ambiguous, FileNames, Parts, parts_of
from escolta.truth.truth import Sound, Truth

MOST_TOLD = 20


def read_truth(
    path: Path, events: Path | None = None, folder: Path | None = None, with_folds: bool = False
) -> Truth:
    """What is known of recordings, from a table with the columns `filename`, `category`, and perhaps others.

    `events`: a table with `filename`, `category`, `onset_s`, `offset_s`, a row for each sound; seconds have a
    decimal point or a comma. `folder`: where the recordings lie; names then are those that they have in it.
    `with_folds`: a column `fold`, where there is one, has to hold whole numbers.

    1. Read every row.
    2. Give categories that differ by capitals alone one spelling.
    3. Find the file that each name means.
    4. Let each file have one category.

    Raises `Misconfigured` with all that is wrong, row by row.
    """
    findings = Findings()
    files = read_files(path, with_folds, findings)
    sounds = read_events(events, findings) if events else []
    entries = [*files, *sounds]
    spelling = _spelling(entries, findings)
    there = files_in(folder) if folder else None
    meant = _files_meant(entries, there, findings)
    whole = _one_each(files, meant, spelling, findings)
    if findings.problems:
        tables = f"{path} or {events}" if events else str(path)
        raise Misconfigured("\n  ".join([f"mend {tables} first:", *shown(findings.problems)]))
    known = set(meant.values())
    silent = [file for file in there or () if file not in known]
    if quiet := [file for file in silent if there and is_recording(there[file])]:
        findings.notes.append(f"recordings of which nothing is said: {len(quiet)}: {', '.join(shown(quiet))}")
    heard = defaultdict[str, list[Sound]](list)
    for event in sounds:
        sound = Sound(spelling[event.category], event.onset_s, event.offset_s)
        heard[meant[parts_of(event.name)]].append(sound)
    return Truth(
        categories={file: spelling[entry.category] for file, entry in whole.items()},
        sounds={file: list(dict.fromkeys(of_file)) for file, of_file in heard.items()},
        folds={file: entry.fold for file, entry in whole.items() if entry.fold is not None},
        silent=frozenset(silent),
        notes=findings.notes,
    )


def shown(sentences: Sequence[str]) -> list[str]:
    """The first twenty, as a terminal may show them, and how many more there are."""
    more = len(sentences) - MOST_TOLD
    return [*map(on_screen, sentences[:MOST_TOLD]), *([f"and {more} more"] if more > 0 else [])]


def _spelling(entries: Sequence[Entry], findings: Findings) -> dict[str, str]:
    """Category -> the spelling of it that most rows have."""
    counts = Counter(entry.category for entry in entries)
    alike = defaultdict[str, list[str]](list)
    for category in counts:
        alike[folded(category)].append(category)
    spelling = {name: max(names, key=counts.__getitem__) for names in alike.values() for name in names}
    for name, usual in spelling.items():
        if name != usual:
            findings.notes.append(
                f"category {name} (rows: {counts[name]}) is taken for {usual} (rows: {counts[usual]})"
            )
    return spelling


def _files_meant(
    entries: Sequence[Entry], there: Collection[str] | None, findings: Findings
) -> dict[Parts, str]:
    """The file that each name means: one of those that are there; where none of them is, the name itself."""
    first: dict[Parts, Entry] = {}
    for entry in entries:
        first.setdefault(parts_of(entry.name), entry)
    names = FileNames(there or ())
    meant, unknown = {}, []
    for parts, entry in first.items():
        try:
            found = names.meant_by(entry.name)
        except Ambiguous as error:
            findings.problems.append(f"{entry.where}: {error}")
            continue
        meant[parts] = found or entry.name
        if there is not None and not found:
            unknown.append(entry.name)
    if unknown and len(unknown) == len(first):
        findings.problems.append(
            f"no file has any of these names: {', '.join(shown(unknown))}; the files are called"
            f" {', '.join(shown(list(there or ())))}"
        )
    elif unknown:
        findings.notes.append(
            f"{len(first) - len(unknown)} of {len(first)} names are those of files; no file is called"
            f" {', '.join(shown(unknown))}"
        )
    return meant


def _one_each(
    files: Sequence[WholeFile], meant: Mapping[Parts, str], spelling: Mapping[str, str], findings: Findings
) -> dict[str, WholeFile]:
    """The row of each file; what other rows say of it must be the same."""
    found: dict[str, WholeFile] = {}
    repeated = 0
    for entry in files:
        file = meant.get(parts_of(entry.name))
        if file is None:
            continue
        before = found.setdefault(file, entry)
        if before is entry:
            continue
        repeated += 1
        if spelling[before.category] != spelling[entry.category] or before.fold != entry.fold:
            findings.problems.append(
                f"{entry.where}: it says {_saying(entry)}, and {before.where} says {_saying(before)} of the"
                " same file"
            )
    if repeated:
        findings.notes.append(f"rows that say again what another one does: {repeated}")
    return found


def _saying(entry: WholeFile) -> str:
    return entry.category + ("" if entry.fold is None else f" in fold {entry.fold}")
