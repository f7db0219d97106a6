"""Audios out of sound files: a short file as it is, a long one cut, with no sample lost or doubled."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from escolta import audio as sound
from escolta.errors import Rejected

AUDIO_S = 10
BITS_OF_LOSSY = 16
"""What stands for the width of a sample where the format has none, as in Ogg Vorbis."""

_LONGEST_S = 366 * 86400  # a header that promises more is damaged
_EXACT = {
    "PCM_S8": ("int32", 8),
    "PCM_U8": ("int32", 8),
    "PCM_16": ("int32", 16),
    "PCM_24": ("int32", 24),
    "PCM_32": ("int32", 32),
    "FLOAT": ("float32", 32),
    "DOUBLE": ("float64", 64),
}


@dataclass(frozen=True)
class Piece:
    """A whole sound file of at most 10 s. `data` are its bytes, `suffix` names its format.

    `samples` of each channel. `promised` is how many its source's header promises for this place, where that
    is more.
    """

    samples: int
    rate_hz: int
    channels: int
    bits: int
    suffix: str
    data: bytes
    promised: int = 0


def pieces_of(path: Path) -> int:
    """How many audios a file makes, by its header; 1 for a file that cannot be read.

    Raises OSError when the file cannot be opened.
    """
    with path.open("rb") as stream:
        try:
            with soundfile.SoundFile(stream.fileno(), closefd=False) as file:
                _require_a_length(file, path)
                return max(1, -(-file.frames // (AUDIO_S * file.samplerate)))
        except (soundfile.LibsndfileError, Rejected):
            return 1


def piece(path: Path, index: int) -> Piece:
    """The audio number `index` of a file.

    A file of up to 10 s is its only audio, byte for byte. Of a longer one audio `index` has the samples from
    `index` times 10 s on, in the same encoding; where that would lose something (Ogg Vorbis, ADPCM), as FLAC
    of 16 bits.
    Raises Rejected when there is no sound to be had, and OSError when the file cannot be opened.
    """
    with path.open("rb") as stream:
        try:
            with soundfile.SoundFile(stream.fileno(), closefd=False) as file:
                _require_a_length(file, path)
                if file.frames > AUDIO_S * file.samplerate:
                    return _cut(file, path, index)
        except soundfile.LibsndfileError as error:
            sound.probe(path)  # which has a sentence for nearly all that can be wrong
            raise Rejected(f"{path.name} cannot be read at {index * AUDIO_S} s: {error}") from error
        return _whole(path)


def _require_a_length(file: soundfile.SoundFile, path: Path) -> None:
    if file.frames > _LONGEST_S * file.samplerate:
        raise Rejected(f"{path.name} does not say how long it is, as a FLAC written to a pipe")


def _whole(path: Path) -> Piece:
    data = path.read_bytes()
    probe = sound.probe(data, path.name)
    return Piece(
        probe.samples, probe.rate_hz, probe.channels, probe.bits or BITS_OF_LOSSY, _suffix(path), data
    )


def _cut(file: soundfile.SoundFile, path: Path, index: int) -> Piece:
    begin, wanted = index * AUDIO_S * file.samplerate, AUDIO_S * file.samplerate
    wanted = min(wanted, file.frames - begin)
    file.seek(begin)
    dtype, bits = _EXACT.get(file.subtype, ("float32", BITS_OF_LOSSY))
    waveform = file.read(wanted, dtype=dtype)
    if not len(waveform):
        raise Rejected(f"{path.name} ends before {index * AUDIO_S} s, though its header promises more")
    suffix, data = _encode(file, waveform)
    return Piece(len(waveform), file.samplerate, file.channels, bits, suffix, data, wanted)


def _encode(file: soundfile.SoundFile, waveform: npt.NDArray[np.generic]) -> tuple[str, bytes]:
    """The samples in the encoding of `file` if that keeps each bit, else as FLAC of 16 bits."""
    if file.subtype not in _EXACT:
        return "flac", sound.write(waveform.astype(np.float32), file.samplerate, "FLAC", BITS_OF_LOSSY)
    container = "FLAC" if file.format == "FLAC" else "WAV"
    out = io.BytesIO()
    soundfile.write(out, waveform, file.samplerate, format=container, subtype=file.subtype)
    return container.lower(), out.getvalue()


def _suffix(path: Path) -> str:
    return path.suffix.lower().removeprefix(".") or "bin"
