"""What is known beforehand to sound in recordings: tables that people made, read in one place."""

from escolta.truth.files import files_in, is_recording
from escolta.truth.matching import Ambiguous
from escolta.truth.reading import read_truth, shown
from escolta.truth.truth import Sound, Truth

__all__ = ["Ambiguous", "Sound", "Truth", "files_in", "is_recording", "read_truth", "shown"]
