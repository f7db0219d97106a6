"""Audios out of sound files: a short file as it is, a long one cut, with no sample lost or doubled."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from escolta import audio as sound
from escolta.audio.files import OpenSound, Unfit, open_sound, require_sound
from escolta.audio.limits import FINE_RATES_OF_FLAC_HZ
from escolta.errors import Rejected

AUDIO_S = 10

SHORTEST_S = 1.0
"""What would be a shorter audio at the end of a file is added to the one before; and of an audio that is
damaged, less is not kept (ours)."""

SHORTEST_FILE_S = 0.02
"""The shortest mark on the labeling page: a shorter file could not be labeled."""

BITS_OF_LOSSY = 16
"""What stands for the width of a sample where the format has none, as in Ogg Vorbis."""

_BLOCKS_PER_S = 10  # where a file is damaged, the rest of a block is lost with it
_EXACT = {
    "PCM_S8": ("int32", "PCM_U8", 8),
    "PCM_U8": ("int32", "PCM_U8", 8),
    "PCM_16": ("int32", "PCM_16", 16),
    "PCM_24": ("int32", "PCM_24", 24),
    "PCM_32": ("int32", "PCM_32", 32),
    "ALAC_16": ("int32", "PCM_16", 16),
    "ALAC_20": ("int32", "PCM_24", 24),
    "ALAC_24": ("int32", "PCM_24", 24),
    "ALAC_32": ("int32", "PCM_32", 32),
    "FLOAT": ("float32", "FLOAT", 32),
    "DOUBLE": ("float64", "DOUBLE", 64),
}
"""By how its samples are written: how they are read, how a WAV has them bit by bit, and their width."""

_MOST_CHANNELS_OF_FLAC, _HIGHEST_RATE_OF_FLAC_HZ = 8, 655_350


@dataclass(frozen=True)
class Plan:
    """How a file is cut: `samples` of each channel make `audios` of 10 s, the last one up to 1 s longer.

    `doubt` says what is wrong with the length of the file, as a sentence; empty where nothing is.
    """

    samples: int
    rate_hz: int
    doubt: str = ""

    @property
    def audios(self) -> int:
        whole, rest = divmod(self.samples, AUDIO_S * self.rate_hz)
        return max(1, whole + (rest >= SHORTEST_S * self.rate_hz))

    def place(self, index: int) -> range:
        """The samples of audio `index`."""
        begin = index * AUDIO_S * self.rate_hz
        return range(begin, self.samples if index == self.audios - 1 else begin + AUDIO_S * self.rate_hz)


@dataclass(frozen=True)
class Gap:
    """What cannot be had of a file, in seconds from its begin, and why, as a sentence."""

    from_s: float
    to_s: float
    reason: str


class Damaged(Rejected):
    """Raised when one audio of a file cannot be had; the next ones may be whole."""

    def __init__(self, gap: Gap) -> None:
        super().__init__(gap.reason)
        self.gap = gap


@dataclass(frozen=True)
class Piece:
    """A whole sound file of about 10 s. `data` are its bytes, `suffix` names its format.

    `samples` of each channel; `gap` is what is missing at the end of its place, if anything is.
    """

    samples: int
    rate_hz: int
    channels: int
    bits: int
    suffix: str
    data: bytes
    gap: Gap | None = None


def audios_of(path: Path) -> int:
    """How many audios a file makes, by its header; 1 for a file that cannot be read.

    Raises OSError when the file cannot be opened.
    """
    try:
        with open_sound(path) as opened:
            return Plan(opened.file.frames, opened.file.samplerate).audios
    except Rejected:
        return 1


def plan(path: Path) -> Plan:
    """How a file is cut, judged as a whole: what is wrong with all of it is told here, and once.

    Nothing is decoded, but for MP3, whose end shows in no other way. Raises Rejected when there is no sound
    to be had, and OSError.
    """
    with open_sound(path) as opened:
        file = opened.file
        samples, doubt = file.frames, opened.doubt
        if file.format == "MP3" and (present := _decodable(file)) < samples:
            doubt = f"is truncated: its header promises {samples:,} samples, and {present:,} can be read."
            samples = present
        elif file.format == "OGG" and doubt:
            doubt += f" {samples:,} samples of it can be read."
        if samples < SHORTEST_FILE_S * file.samplerate:
            lasts = f"lasts {1000 * samples / file.samplerate:.1f} ms"
            raise Unfit(
                f"{lasts}: less than {1000 * SHORTEST_FILE_S:.0f} ms cannot be labeled. {doubt}".strip()
            )
        made = Plan(samples, file.samplerate, f"{path.name} {doubt}" if doubt else "")
        if len(made.place(made.audios - 1)) * file.channels > sound.MOST_NUMBERS:
            raise Unfit(
                f"has too much sound in {AUDIO_S} s: {file.channels} channels at {file.samplerate:,} Hz."
            )
        return made


def cut(path: Path, made: Plan, index: int) -> Piece:
    """The audio number `index` of a file that was planned so.

    A file that makes one audio and is whole is that audio, byte for byte. Otherwise it is in the same
    encoding; where that would lose something (Ogg Vorbis, ADPCM), FLAC of 16 bits.
    Raises Damaged when this audio cannot be had, Rejected when the file is not what it was, and OSError.
    """
    if made.audios == 1 and (whole := _as_it_is(path)):
        return whole
    with open_sound(path) as opened:
        return _cut(opened, path, made, made.place(index))


def _as_it_is(path: Path) -> Piece | None:
    """The file as an audio; None where its bytes are not what they should be: then it is written anew."""
    with open_sound(path) as opened:
        if not opened.as_it_is or opened.doubt:
            return None
        suffix = _suffix(opened.file)
    if path.stat().st_size > sound.LARGEST_AUDIO_BYTES:  # not of sound: of what else it holds
        return None
    data = path.read_bytes()
    try:
        found = sound.probe(data, path.name)
    except Rejected:
        return None
    return Piece(found.samples, found.rate_hz, found.channels, found.bits or BITS_OF_LOSSY, suffix, data)


def _cut(opened: OpenSound, path: Path, made: Plan, place: range) -> Piece:
    file = opened.file
    dtype, subtype, bits = _EXACT.get(file.subtype, ("float32", "PCM_16", BITS_OF_LOSSY))
    waveform, problem = _read(file, place, dtype)
    gap = None
    if problem:
        samples = len(waveform) if len(waveform) >= SHORTEST_S * file.samplerate else 0
        from_s, to_s = (place.start + samples) / file.samplerate, place.stop / file.samplerate
        gap = Gap(from_s, to_s, f"{path.name} is damaged from {from_s:.1f} to {to_s:.1f} s: {problem}")
        if not samples:
            raise Damaged(gap)
    suffix, data = _encode(file, waveform, subtype)
    return Piece(len(waveform), file.samplerate, file.channels, bits, suffix, data, gap)


def _read(file: soundfile.SoundFile, place: range, dtype: str) -> tuple[npt.NDArray[np.generic], str]:
    """The samples at `place`, up to where they cannot be read, and what the problem is there, if any."""
    blocks, at = [np.empty((0, file.channels)[: 2 if file.channels > 1 else 1], dtype)], place.start
    try:
        _go_to(file, at)
        while at < place.stop:
            block = file.read(min(place.stop - at, 1 + file.samplerate // _BLOCKS_PER_S), dtype=dtype)
            if not len(block):
                return np.concatenate(blocks), "the file ends there."
            require_sound(block)
            at += len(block)
            if file.seekable() and file.tell() != at:  # libsndfile has jumped over a hole in an Ogg file
                return np.concatenate(blocks), "a part of the file is missing or written over."
            blocks.append(block)
    except soundfile.LibsndfileError as error:
        return np.concatenate(blocks), f"it cannot be decoded there ({_words(error)})."
    except Unfit as error:
        return np.concatenate(blocks), f"it {error}"
    return np.concatenate(blocks), ""


def _go_to(file: soundfile.SoundFile, at: int) -> None:
    """To that sample; in GSM and some ADPCM libsndfile finds none but by decoding what is before it."""
    if file.seekable():
        file.seek(at)
        return
    while at and (skipped := len(file.read(min(at, 1 << 16), dtype="float32"))):
        at -= skipped


def _words(error: soundfile.LibsndfileError) -> str:
    return error.error_string.removeprefix("Error : ").rstrip(".")


def _decodable(file: soundfile.SoundFile) -> int:
    """How many samples of each channel can be read from the begin on."""
    samples = 0
    try:
        while count := len(file.read(1 << 16, dtype="float32")):
            samples += count
    except soundfile.LibsndfileError:
        pass
    return samples


def _encode(file: soundfile.SoundFile, waveform: npt.NDArray[np.generic], subtype: str) -> tuple[str, bytes]:
    """The samples as FLAC where the file is one or has lossy samples, else as WAV, with each bit kept."""
    lossy = file.subtype not in _EXACT
    fits = file.channels <= _MOST_CHANNELS_OF_FLAC and file.samplerate <= _HIGHEST_RATE_OF_FLAC_HZ
    fits &= file.samplerate <= FINE_RATES_OF_FLAC_HZ or file.samplerate % 10 == 0
    container = "FLAC" if fits and (lossy or file.format == "FLAC") else "WAV"
    if lossy:
        return container.lower(), sound.write(
            waveform.astype(np.float32), file.samplerate, container, BITS_OF_LOSSY
        )
    if container == "FLAC" and file.subtype == "PCM_S8":
        subtype = "PCM_S8"
    out = io.BytesIO()
    soundfile.write(out, waveform, file.samplerate, format=container, subtype=subtype)
    return container.lower(), out.getvalue()


def _suffix(file: soundfile.SoundFile) -> str:
    """What the format is called in a name; the file's own name may say anything."""
    return {"WAVEX": "wav", "RF64": "wav"}.get(file.format, file.format.lower())
