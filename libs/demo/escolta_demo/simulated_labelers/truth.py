"""What is to be heard in the audios of a test set, read from CSV files."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from escolta.errors import Misconfigured

_CUT = re.compile(r"(?P<source>.+)_(?P<second>\d{5,})s\.\w+")
"""How the node names an audio that it cut from a longer file: by the second at which it begins."""


@dataclass(frozen=True)
class Sound:
    """One sound, in seconds from the start of its audio."""

    category: str
    onset_s: float
    offset_s: float


@dataclass(frozen=True)
class Truth:
    """The class of each file, and where they are known the sounds in it with their times."""

    categories: Mapping[str, str]
    sounds: Mapping[str, Sequence[Sound]]

    @cached_property
    def classes(self) -> list[str]:
        """Every class that occurs, in alphabetical order."""
        heard = {sound.category for sounds in self.sounds.values() for sound in sounds}
        return sorted(heard | set(self.categories.values()))

    def heard_in(self, file_name: str, duration_s: float) -> list[Sound]:
        """What is to be heard in an audio of that name; nothing where the truth does not know it.

        An audio cut from a longer file, or named `<file>#<anything>`, has what is known of the file. Without
        times a class lasts from the start to the end.
        """
        name, begin_s = self._source(file_name)
        if name in self.sounds:
            end_s = begin_s + duration_s
            return [
                Sound(sound.category, max(0.0, sound.onset_s - begin_s), min(sound.offset_s, end_s) - begin_s)
                for sound in self.sounds[name]
                if sound.onset_s < end_s and sound.offset_s > begin_s
            ]
        category = self.category_of(file_name)
        return [Sound(category, 0.0, duration_s)] if category else []

    def category_of(self, file_name: str) -> str | None:
        """The class of an audio of that name: that of the file from which it was cut."""
        return self.categories.get(self._source(file_name)[0])

    def _source(self, file_name: str) -> tuple[str, float]:
        """The file that the truth knows, and the second of it at which the audio begins."""
        if file_name in self.categories or file_name in self.sounds:
            return file_name, 0.0
        cut = _CUT.fullmatch(file_name)
        if cut and cut["source"] in self._by_stem:
            return self._by_stem[cut["source"]], float(cut["second"])
        return file_name.partition("#")[0], 0.0

    @cached_property
    def _by_stem(self) -> dict[str, str]:
        return {str(PurePosixPath(name).with_suffix("")): name for name in {*self.categories, *self.sounds}}


def read_truth(path: Path, events: Path | None = None) -> Truth:
    """The truth in `path` (columns `filename`, `category`) and the times in `events`, if there are any.

    `events` has the columns `filename`, `category`, `onset_s`, `offset_s`, and a row for each sound. Other
    columns are ignored. Raises `Misconfigured` for a file without these columns or with times that are none.
    """
    categories = {row["filename"]: row["category"] for row in _rows(path, "filename", "category")}
    sounds: dict[str, list[Sound]] = {}
    for row in _rows(events, "filename", "category", "onset_s", "offset_s") if events else []:
        try:
            sound = Sound(row["category"], float(row["onset_s"]), float(row["offset_s"]))
        except ValueError as error:
            raise Misconfigured(f"{events}: {error}") from None
        sounds.setdefault(row["filename"], []).append(sound)
    return Truth(categories, sounds)


def _rows(path: Path, *columns: str) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = set(columns) - set(reader.fieldnames or ())
            rows = list(reader)
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path} cannot be read: {error}") from None
    if missing:
        raise Misconfigured(f"{path} has no column {min(missing)!r}; it needs {', '.join(columns)}")
    return rows
