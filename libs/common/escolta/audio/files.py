"""Sound files: what they are, and their samples, once all of it is known to be there."""

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

from escolta.audio.limits import HIGHEST_RATE_HZ, LOUDEST, LOWEST_RATE_HZ
from escolta.audio.waveform import Waveform
from escolta.errors import Rejected

Source = bytes | Path

_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32, "DOUBLE": 64}
_BLOCK_SAMPLES = 1 << 16
_LONGEST_OGG_PAGE = 27 + 255 + 255 * 255
_ENDLESS_SAMPLES = 1 << 62  # libsndfile's figure for a FLAC that leaves its length open is beyond
_UNKNOWN_LENGTH = 0xFFFFFFFF  # what a WAV written to a pipe says, and an RF64 in its short field
_MOST_CHUNKS = 1000
_END_OF_STREAM = 4


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


def probe(source: Source, name: str = "") -> Probe:
    """Say what a sound file is, having made sure that all of it is there.

    The sound is decoded to its end, a block at a time, because nothing else shows that a compressed file is
    whole. `name` is what the reason calls the sound where `source` is bytes.

    Raises Rejected: not a sound file, truncated, of zero length, of a rate that no recorder has, or with
    samples that are not numbers or beyond all measure.
    Raises OSError where a path cannot be read. MP3 and the rarer formats of libsndfile are accepted, but of
    those only MP3 is checked for truncation.
    """
    with _opened(source, name) as file:
        samples = sum(len(block) for block in _blocks(file))
        return Probe(file.format, samples, file.samplerate, file.channels, _BITS.get(file.subtype))


def read(source: Source, name: str = "") -> tuple[Waveform, int]:
    """The waveform, float32 `[samples]` or `[samples, channels]`, and its `rate_hz`.

    Raises Rejected and OSError exactly where `probe` does.
    """
    with _opened(source, name) as file:
        return np.concatenate(list(_blocks(file))), file.samplerate


class _Unfit(Exception):
    """What is wrong with a sound: the reason's predicate, to which `_opened` adds the subject."""


@contextmanager
def _opened(source: Source, name: str) -> Iterator[soundfile.SoundFile]:
    """The open file; whatever turns out to be wrong with it is told with the sound's name."""
    name = name or (source.name if isinstance(source, Path) else "the sound")
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb", buffering=0) as stream:
        try:
            _require_the_end(stream)
            # A descriptor and not the stream, because soundfile would judge a stream by its file's suffix.
            handle = stream if isinstance(stream, io.BytesIO) else stream.fileno()
            with soundfile.SoundFile(handle, closefd=False) as file:
                yield file
        except soundfile.LibsndfileError as error:
            kinds = "no WAV, FLAC or Ogg file, nor another that libsndfile reads"
            raise Rejected(f"{name} is not a sound file: {kinds}.") from error
        except _Unfit as error:
            raise Rejected(f"{name} {error}") from error


def _blocks(file: soundfile.SoundFile) -> Iterator[Waveform]:
    """The sound, block by block. Raises _Unfit where it ends before the end that was promised."""
    if file.frames > _ENDLESS_SAMPLES:
        raise _Unfit("does not say how long it is, as a FLAC written to a pipe: encode it to a file.")
    if not LOWEST_RATE_HZ <= file.samplerate <= HIGHEST_RATE_HZ:
        known = f"{LOWEST_RATE_HZ:,} to {HIGHEST_RATE_HZ:,} Hz"
        raise _Unfit(f"says that its rate is {file.samplerate:,} Hz: rates of {known} are accepted.")
    decoded = 0
    try:
        while len(block := file.read(_BLOCK_SAMPLES, dtype="float32")):
            _require_sound(block)
            decoded += len(block)
            yield block
    except soundfile.LibsndfileError as error:
        raise _truncated(file.frames, decoded, "samples") from error
    if decoded < file.frames:
        raise _truncated(file.frames, decoded, "samples")
    if decoded == 0:
        raise _Unfit("has zero length: there is no sample in it.")


def _require_sound(block: Waveform) -> None:
    peak = np.abs(block).max()
    if not np.isfinite(peak):
        raise _Unfit("holds samples that are not numbers (NaN or infinity).")
    if peak > LOUDEST:
        raise _Unfit(f"holds samples of {peak:.0e} times full scale: that is no sound.")


def _truncated(promised: int, present: int, unit: str) -> _Unfit:
    return _Unfit(f"is truncated: its header promises {promised} {unit}, and {present} can be read.")


def _require_the_end(stream: BinaryIO) -> None:
    """Raise _Unfit if a WAV or Ogg file is cut short: libsndfile reads these as if nothing were missing."""
    length = stream.seek(0, io.SEEK_END)
    if length == 0:
        raise _Unfit("has zero length: the file is empty.")
    stream.seek(0)
    head = stream.read(12)
    if head[:4] in (b"RIFF", b"RIFX", b"RF64") and head[8:] == b"WAVE":
        _require_wav_data(stream, length, ">" if head[:4] == b"RIFX" else "<")
    elif head[:4] == b"OggS":
        _require_last_ogg_page(stream, length)
    stream.seek(0)


def _require_wav_data(stream: BinaryIO, length: int, order: str) -> None:
    """Walk the chunks up to the sound and compare its promised size with what is left of the file."""
    at, frame_bytes, long_size = 12, 1, None
    for _ in range(_MOST_CHUNKS):
        stream.seek(at)
        head = stream.read(8)
        if len(head) < 8:
            break
        kind, size = struct.unpack(f"{order}4sI", head)
        if kind == b"data":
            promised = long_size if size == _UNKNOWN_LENGTH else size
            present = length - at - 8
            if promised is not None and present < promised:
                unit = "samples" if frame_bytes > 1 else "bytes"
                raise _truncated(promised // frame_bytes, present // frame_bytes, unit)
            return
        body = stream.read(min(size, 24))
        if kind == b"fmt " and len(body) >= 16:
            frame_bytes = _pcm_frame_bytes(body, order)
        elif kind == b"ds64" and len(body) >= 16:
            long_size = struct.unpack("<Q", body[8:16])[0]
        at += 8 + size + size % 2
    raise _Unfit("is truncated: the file ends before its sound begins.")


def _pcm_frame_bytes(fmt: bytes, order: str) -> int:
    """The bytes of one sample of all channels; 1 where a block holds many samples, as in ADPCM."""
    channels, _, _, block_bytes, bits = struct.unpack(f"{order}HIIHH", fmt[2:16])
    return block_bytes if bits and block_bytes == channels * ((bits + 7) // 8) else 1


def _require_last_ogg_page(stream: BinaryIO, length: int) -> None:
    """The last page is flagged as the stream's end and is there to its last byte (RFC 3533, section 6)."""
    stream.seek(max(0, length - _LONGEST_OGG_PAGE))
    tail = stream.read(_LONGEST_OGG_PAGE)
    page = tail[max(0, tail.rfind(b"OggS")) :]
    whole = len(page) >= 27 and len(page) >= 27 + page[26] + sum(page[27 : 27 + page[26]])
    if not (whole and page[5] & _END_OF_STREAM):
        raise _Unfit("is truncated: the Ogg stream stops before its last page.")
