"""What is to be heard in recordings, and in the audios that are cut from them."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from escolta.truth.matching import FileNames

_CUT = re.compile(r"(?P<source>.+)_(?P<second>\d{5,})s(?P<suffix>\.\w+)")
"""How the node names an audio that it cut from a longer file: by the second at which it begins."""


@dataclass(frozen=True)
class Sound:
    """One sound, in seconds from the start of its audio."""

    category: str
    onset_s: float
    offset_s: float


@dataclass(frozen=True)
class Truth:
    """The class of each file, and where they are known the sounds in it with their times.

    `folds`: the fold of each file, or nothing. `silent`: files of which nothing is known. `notes`: what the
    person who made the tables should read, a sentence each.
    """

    categories: Mapping[str, str]
    sounds: Mapping[str, Sequence[Sound]] = field(default_factory=dict)
    folds: Mapping[str, int] = field(default_factory=dict)
    silent: Collection[str] = ()
    notes: Sequence[str] = ()

    @cached_property
    def classes(self) -> list[str]:
        """Every class that occurs, in alphabetical order."""
        heard = {sound.category for sounds in self.sounds.values() for sound in sounds}
        return sorted(heard | set(self.categories.values()))

    def only(self, names: Collection[str]) -> "Truth":
        """What is known of these files alone, in the order in which it was."""
        return replace(
            self,
            categories={name: self.categories[name] for name in self.categories if name in names},
            sounds={name: self.sounds[name] for name in self.sounds if name in names},
            folds={name: self.folds[name] for name in self.folds if name in names},
        )

    def knows(self, file_name: str) -> bool:
        """Whether an audio of that name is one of these files, or cut from one."""
        name, _ = self._source(file_name)
        return name in self.categories or name in self.sounds or name in self.silent

    def heard_in(self, file_name: str, duration_s: float) -> list[Sound]:
        """What is to be heard in an audio of that name; nothing where the truth does not know it.

        An audio cut from a longer file, or named `<file>#<anything>`, has what is known of the file. Without
        times a class lasts from the start to the end. Raises `Ambiguous` where the name may mean two files.
        """
        name, begin_s = self._source(file_name)
        if name in self.sounds:
            end_s = begin_s + duration_s
            return [
                Sound(sound.category, max(0.0, sound.onset_s - begin_s), min(sound.offset_s, end_s) - begin_s)
                for sound in self.sounds[name]
                if sound.onset_s < end_s and sound.offset_s > begin_s
            ]
        category = self.categories.get(name)
        return [Sound(category, 0.0, duration_s)] if category else []

    def category_of(self, file_name: str) -> str | None:
        """The class of an audio of that name: that of the file from which it was cut."""
        return self.categories.get(self._source(file_name)[0])

    def _source(self, file_name: str) -> tuple[str, float]:
        """The file that the truth knows, or else `file_name`, and the second of it at which the audio begins.

        `rec_00010s.flac` comes from `rec.flac` if there is one, `rec.ogg_00010s.flac` from `rec.ogg`: the
        node leaves out the suffix where the audio has the same.
        """
        if found := self._names.meant_by(file_name):
            return found, 0.0
        if cut := _CUT.fullmatch(file_name):
            for source in (cut["source"] + cut["suffix"], cut["source"]):
                if found := self._names.meant_by(source):
                    return found, float(cut["second"])
        return self._names.meant_by(file_name.partition("#")[0]) or file_name, 0.0

    @cached_property
    def _names(self) -> FileNames:
        return FileNames([*self.categories, *self.sounds, *self.silent])
