"""Sound: which files are, what they hold, and what is done with waveforms."""

from escolta.audio.channels import mixed, mono
from escolta.audio.containers import CONTAINERS, HEAD_BYTES, container_of, foreign
from escolta.audio.files import Probe, examine, probe, promised, read
from escolta.audio.limits import (
    HIGHEST_RATE_HZ,
    LARGEST_AUDIO_BYTES,
    LONGEST_AUDIO_S,
    LOUDEST,
    LOWEST_RATE_HZ,
    MOST_CHANNELS,
    MOST_NUMBERS,
)
from escolta.audio.waveform import SILENCE_DBFS, Waveform, level_dbfs, resample, write

__all__ = [
    "CONTAINERS",
    "HEAD_BYTES",
    "HIGHEST_RATE_HZ",
    "LARGEST_AUDIO_BYTES",
    "LONGEST_AUDIO_S",
    "LOUDEST",
    "LOWEST_RATE_HZ",
    "MOST_CHANNELS",
    "MOST_NUMBERS",
    "SILENCE_DBFS",
    "Probe",
    "Waveform",
    "container_of",
    "examine",
    "foreign",
    "level_dbfs",
    "mixed",
    "mono",
    "probe",
    "promised",
    "read",
    "resample",
    "write",
]
