"""Sound files: what they are, and their samples. Every decoder at every door is opened here.

What a header promises is judged before anything is decoded, and decoding stops at what it promises.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import soundfile

from escolta.audio.channels import BLOCK_NUMBERS, ChannelSums
from escolta.audio.containers import HEAD_BYTES, container_of, foreign
from escolta.audio.flac import flac_length
from escolta.audio.headers import read_header
from escolta.audio.id3 import misplaced_tag_bytes
from escolta.audio.lengths import Extent, extent
from escolta.audio.limits import (
    HIGHEST_RATE_HZ,
    LONGEST_RECORDING_S,
    LOUDEST,
    LOWEST_RATE_HZ,
    MOST_CHANNELS,
    MOST_NUMBERS,
)
from escolta.audio.mp3 import with_length
from escolta.audio.ogg import end_of_first, ends_with_its_last_page
from escolta.audio.splice import Spliced
from escolta.audio.unfit import Unfit
from escolta.audio.waveform import Waveform
from escolta.errors import Rejected

Source = bytes | Path

_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32, "DOUBLE": 64}


@dataclass(frozen=True)
class Probe:
    """What a sound file is. `bits` is None where a sample has no fixed width, as in Ogg Vorbis."""

    container: str
    samples: int
    rate_hz: int
    channels: int
    bits: int | None

    @property
    def duration_s(self) -> float:
        return self.samples / self.rate_hz


@dataclass(frozen=True)
class OpenSound:
    """A file that is open, with what is wrong with its length: see `lengths.Extent`. `as_it_is`: a reader
    that knows nothing of faults reads the file as we do."""

    file: soundfile.SoundFile
    doubt: str
    whole: bool
    as_it_is: bool

    @property
    def promised(self) -> Probe:
        """What the header says; the sound may turn out to be shorter."""
        file = self.file
        return Probe(file.format, file.frames, file.samplerate, file.channels, _BITS.get(file.subtype))


def probe(source: Source, name: str = "") -> Probe:
    """Say what the sound file of an audio is, having made sure that all of it is there.

    The sound is decoded to its end, a block at a time, because nothing else shows that a compressed file is
    whole. `name` is what the reason calls the sound where `source` is bytes.

    Raises Rejected: not a sound file, truncated, of zero length, with a header beyond `limits.py`, or with
    samples that are not numbers or beyond all measure. Raises OSError where a path cannot be read.
    """
    return examine(source, name)[0]


def examine(source: Source, name: str = "") -> tuple[Probe, str]:
    """What `probe` says, and which channels are heard and why (see `channels.Heard`; empty: all of them)."""
    with _opened_whole(source, name) as sound:
        channels = sound.file.channels
        sums = ChannelSums(channels)
        for block in _blocks(sound.file):
            if channels > 1:
                sums.add(block)
        return sound.promised, str(sums.heard()) if channels > 1 else ""


def promised(source: Source, name: str = "") -> Probe:
    """What the header of an audio says, which takes no time. Raises Rejected and OSError as `probe` does, but
    for what only decoding shows."""
    with _opened_whole(source, name, most_numbers=None) as sound:
        return sound.promised


def read(source: Source, name: str = "") -> tuple[Waveform, int]:
    """The waveform, float32 `[samples]` or `[samples, channels]`, and its `rate_hz`.

    Raises Rejected and OSError exactly where `probe` does.
    """
    with _opened_whole(source, name) as sound:
        return np.concatenate(list(_blocks(sound.file))), sound.file.samplerate


@contextmanager
def open_sound(source: Source, name: str = "") -> Iterator[OpenSound]:
    """A sound file of any length, open for reading; what is wrong with its length is told, and mended.

    Inside, raise Unfit with the predicate of what is wrong. Raises Rejected where no sound is to be had or
    its header is beyond `limits.py`, and OSError where a path cannot be opened or, inside, be read.
    """
    name = name or (source.name if isinstance(source, Path) else "the sound")
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb", buffering=0) as stream:
        spliced = None
        try:
            length = stream.seek(0, io.SEEK_END)
            tag = misplaced_tag_bytes(stream)
            behind = Spliced(stream, [range(tag, length)])
            found = _examined(cast(BinaryIO, behind) if tag else stream, length - tag)
            if behind.error:
                raise behind.error
            parts = [range(length - tag)] if found.parts is None else found.parts
            spliced = Spliced(
                stream, [part if isinstance(part, bytes) else _moved(part, tag) for part in parts]
            )
            with soundfile.SoundFile(spliced) as file:
                _require_within_limits(file)
                yield OpenSound(file, found.doubt, found.whole, found.parts is None and not tag)
        except (soundfile.LibsndfileError, Unfit, Rejected) as error:
            if spliced and spliced.error:  # what libsndfile or a caller took for the end of the file
                raise spliced.error from error
            if isinstance(error, Rejected):
                raise
            if isinstance(error, Unfit):
                raise Rejected(f"{name} {error}") from error
            raise Rejected(f"{name} is not a sound file that can be decoded: {error.error_string}") from error
        if spliced.error:
            raise spliced.error


@contextmanager
def _opened_whole(source: Source, name: str, most_numbers: int | None = MOST_NUMBERS) -> Iterator[OpenSound]:
    """An open file of an audio: nothing of its sound is missing, and it is no longer than an audio may be."""
    with open_sound(source, name) as sound:
        if not sound.whole:
            raise Unfit(sound.doubt)
        numbers = sound.file.frames * sound.file.channels
        if most_numbers and numbers > most_numbers:
            raise Unfit(
                f"promises {sound.file.frames:,} samples in each of {sound.file.channels} channels: of all "
                f"channels together an audio may have {most_numbers:,}."
            )
        yield sound


def _moved(part: range, by: int) -> range:
    return range(part.start + by, part.stop + by)


def _examined(stream: BinaryIO, length: int) -> Extent:
    """How much sound there is, judged without decoding. Raises Unfit."""
    if length == 0:
        raise Unfit("has zero length: the file is empty.")
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    container = container_of(head)
    if container is None:
        raise Unfit(f"is not a sound file: it {foreign(head)}")
    if container == "OGG" and (end := end_of_first(stream, length)):
        doubt = (
            f"has more than one recording: the first is taken, and the other {length - end:,} bytes are not."
        )
        return Extent([range(end)], doubt, whole=False)
    if container == "OGG" and not ends_with_its_last_page(stream, length):
        return Extent([range(length)], "is truncated: the Ogg stream stops before its last page.", False)
    if container == "FLAC":
        return _flac_extent(stream, length)
    if container == "MP3":
        return Extent(with_length(stream, length))
    header = read_header(stream, length)
    if header is None:
        return Extent()
    _require_form(header.form.channels, header.form.rate_hz)
    found = extent(stream, header, length)
    return found if head[:4] != b"BW64" else _by_its_older_name(found, head, length)


def _by_its_older_name(found: Extent, head: bytes, length: int) -> Extent:
    """A BW64 (ITU-R BS.2088) as the RF64, or the WAV, that it is but for its first bytes."""
    magic = b"RF64" if head[12:16] == b"ds64" else b"RIFF"
    first, *rest = found.parts or [range(length)]
    return replace(found, parts=[magic, first[len(magic) :], *rest])


def _flac_extent(stream: BinaryIO, length: int) -> Extent:
    found = flac_length(stream, length)
    if found is None or found.present == found.promised:
        return Extent()
    if found.present == 0:
        raise Unfit(f"is truncated: the file of {length:,} bytes ends within its first frame.")
    frames = f"its frames hold {found.present:,} samples."
    if found.promised == 0:
        doubt = f"does not say how long it is, as a FLAC written to a pipe: {frames}"
    elif found.promised > found.present:
        doubt = f"is truncated: its header promises {found.promised:,} samples, and {frames}"
    else:
        doubt = f"says that it has {found.promised:,} samples, and {frames}"
    stream.seek(0)
    head = found.patched(stream.read(26))
    return Extent([head, range(len(head), length)], doubt, whole=False)


def _require_within_limits(file: soundfile.SoundFile) -> None:
    _require_form(file.channels, file.samplerate)
    if file.frames > LONGEST_RECORDING_S * file.samplerate:
        raise Unfit("says that it lasts longer than a year: its header is damaged.")


def _require_form(channels: int, rate_hz: int) -> None:
    if not 1 <= channels <= MOST_CHANNELS:
        raise Unfit(f"says that it has {channels:,} channels: 1 to {MOST_CHANNELS} are accepted.")
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        known = f"{LOWEST_RATE_HZ:,} to {HIGHEST_RATE_HZ:,} Hz"
        raise Unfit(f"says that its rate is {rate_hz:,} Hz: rates of {known} are accepted.")


def _blocks(file: soundfile.SoundFile) -> Iterator[Waveform]:
    """The sound, block by block. Raises Unfit where it ends before the end that was promised."""
    decoded = 0
    try:
        while len(block := file.read(max(1, BLOCK_NUMBERS // file.channels), dtype="float32")):
            require_sound(block)
            decoded += len(block)
            yield block
    except soundfile.LibsndfileError as error:
        raise _truncated(file.frames, decoded) from error
    if decoded == 0 and file.frames == 0:
        raise Unfit("has zero length: there is no sample in it.")
    if decoded < file.frames:
        raise _truncated(file.frames, decoded)


def require_sound(block: Waveform) -> None:
    """Raises Unfit where samples are no numbers, or beyond all measure."""
    peak = np.abs(block).max()
    if not np.isfinite(peak):
        raise Unfit("holds samples that are not numbers (NaN or infinity).")
    if peak > LOUDEST:
        raise Unfit(f"holds samples of {peak:.0e} times full scale: that is no sound.")


def _truncated(promised_samples: int, present: int) -> Unfit:
    return Unfit(f"is truncated: its header promises {promised_samples} samples, and {present} can be read.")
