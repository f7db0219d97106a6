"""How long the sound of an uncompressed file is: what its header says, against the bytes that are there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from escolta.audio.chunks import Style, chunks
from escolta.audio.headers import Header
from escolta.audio.splice import Part
from escolta.audio.unfit import Unfit, plural

_NEVER_WRITTEN = range(0x7FFF0000, 0x80010000)  # about 2 GiB: recorders write it before they know
_STRAY_BYTES = 4096  # what follows the sound, is no chunk, and is no sound either: so much at most (ours)
_PADDING_BYTES = 1 << 16  # zeros that fill up a file to a cluster of its card (ours)
_CUT_CHUNKS = {b"LIST", b"bext", b"iXML", b"guan", b"wamd", b"id3 ", b"ID3 ", b"JUNK", b"FLLR", b"cue "}
_OTHER_SOUND = {b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM", b"data"}
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Extent:
    """The sound of a file: the parts that make it readable where its header is wrong (none: as it is).

    `doubt`: what is wrong with its length, as a predicate; empty where nothing is. `whole`: nothing of the
    sound is missing or guessed.
    """

    parts: Sequence[Part] | None = None
    doubt: str = ""
    whole: bool = True


def extent(stream: BinaryIO, header: Header, length: int) -> Extent:
    """How much sound there is in a file of `length` bytes. Raises Unfit where there is none to be had."""
    frame_bytes, promised = header.form.frame_bytes, header.promised
    present = max(0, length - header.begin)
    if promised is None:
        return _taken(header, present, "") if header.misplaced else Extent()
    if present == 0:
        if promised:
            raise _truncated(promised, present, frame_bytes)
        raise Unfit("has zero length: there is no sample in it.")
    if promised > present:
        if promised in _NEVER_WRITTEN and present >= frame_bytes:
            return _of_unknown_length(stream, header, length)
        doubt = str(_truncated(promised, present, frame_bytes))
        if present < frame_bytes:
            raise Unfit(doubt)
        return _taken(header, present, doubt, whole=False)
    if promised >= frame_bytes and (other := _other_sound(stream, header, length)):
        doubt = f"has another sound behind its own, of {plural(other, 'byte')}: that is left out."
        return _taken(header, promised, doubt, whole=False)
    stray = _stray_bytes(stream, header, length) if present > promised else 0
    if not stray:
        if promised < frame_bytes:
            raise Unfit("has zero length: there is no sample in it.")
        return _taken(header, promised, "") if header.misplaced else Extent()
    if stray <= _STRAY_BYTES and stray < promised:
        doubt = f"has {plural(stray, 'byte')} after its sound that belong to nothing: they are left out."
        return _taken(header, promised, doubt)
    return _longer_than_promised(stream, header, length)


def _longer_than_promised(stream: BinaryIO, header: Header, length: int) -> Extent:
    """The header's length was never brought up to date: the sound goes to the end of what was written."""
    promised, present = header.promised or 0, length - header.begin
    written, zeros = _written(stream, header, length, promised)
    doubt = (
        f"says that its sound has {plural(promised, 'byte')}, and {present:,} follow that are nothing else: "
        f"{written:,} are taken"
    )
    doubt += f", and {zeros:,} zeros at the end, which were never written, are not." if zeros else "."
    return _taken(header, written, doubt, whole=False)


def _of_unknown_length(stream: BinaryIO, header: Header, length: int) -> Extent:
    """A recorder never came to write how long it is: the sound goes to the end of what was written."""
    written, zeros = _written(stream, header, length, 0)
    doubt = (
        f"says that its sound has {header.promised:,} bytes, as a recorder does that never came to write "
        "how long it is: "
    )
    if zeros:
        doubt += f"{written:,} are taken, and {zeros:,} zeros at the end, which were never written, are not."
    else:
        doubt += f"all {written:,} bytes that are there are taken."
    return _taken(header, written, doubt, whole=False)


def _written(stream: BinaryIO, header: Header, length: int, least: int) -> tuple[int, int]:
    """Bytes of whole frames up to the last that is not zero, `least` or more, and zeros after them.

    Raises Unfit where there are hardly any but zeros.
    """
    present, frame_bytes = length - header.begin, header.form.frame_bytes
    written = max(_last_written(stream, header.begin, length) - header.begin, least)
    written = min(present, -(-written // frame_bytes) * frame_bytes)
    zeros = present - written
    if written <= _STRAY_BYTES and zeros > written:
        raise Unfit(
            f"holds {plural(written, 'byte')} of sound, and then {zeros:,} zeros: it was never written."
        )
    return written, zeros


def _truncated(promised: int, present: int, frame_bytes: int) -> Unfit:
    if frame_bytes > 1:
        samples = f" ({plural(promised // frame_bytes, 'sample')})", f" ({present // frame_bytes:,})"
    else:
        samples = "", ""
    return Unfit(
        f"is truncated: its header promises {plural(promised, 'byte')} of sound{samples[0]}, "
        f"and {present:,}{samples[1]} are there."
    )


def _taken(header: Header, sound_bytes: int, doubt: str, whole: bool = True) -> Extent:
    """The file with its lengths set to `sound_bytes`, and without what is misplaced before its sound."""
    sound_bytes -= sound_bytes % header.form.frame_bytes
    frame_bytes = header.form.frame_bytes
    edits = [
        (range(field.at, field.at + len(written)), written)
        for field in header.fields
        for written in [field.written(sound_bytes, frame_bytes)]
    ]
    edits.append((header.misplaced, b""))
    parts: list[Part] = []
    at = 0
    for place, written in sorted((edit for edit in edits if edit[0]), key=lambda edit: edit[0].start):
        parts += [range(at, place.start), written]
        at = place.stop
    parts.append(range(at, header.begin + sound_bytes))
    return Extent(parts, doubt, whole)


def _other_sound(stream: BinaryIO, header: Header, length: int) -> int:
    """How many bytes of a file are those of another, which was added to it; libsndfile takes no such file."""
    if header.style is None:
        return 0
    end = header.begin + (header.promised or 0)
    for chunk in chunks(stream, header.style, end + -end % header.style.align, length):
        if chunk.name in _OTHER_SOUND:
            return length - (chunk.begin - header.style.head_bytes)
    return 0


def _stray_bytes(stream: BinaryIO, header: Header, length: int) -> int:
    """How many bytes after the promised end are neither chunks nor a little padding."""
    end = header.begin + (header.promised or 0)
    starts: Iterable[int] = (end,)
    if header.style:
        starts = dict.fromkeys((end + -end % header.style.align, end))
    return min(_unaccounted(stream, header.style, start, length) for start in starts)


def _unaccounted(stream: BinaryIO, style: Style | None, begin: int, length: int) -> int:
    at = begin
    if style:
        for chunk in chunks(stream, style, begin, length):
            if chunk.end > length:
                if chunk.name not in _CUT_CHUNKS:
                    break
                return 0
            at = chunk.end + -(chunk.end - begin) % style.align
    rest = max(0, length - at)
    if rest <= _PADDING_BYTES:
        stream.seek(at)
        if not stream.read(rest).strip(b"\0"):
            return 0
    return rest


def _last_written(stream: BinaryIO, begin: int, end: int) -> int:
    """The end of the last byte between `begin` and `end` that is not zero; `begin` where all are."""
    while end > begin:
        start = max(begin, end - _BLOCK_BYTES)
        stream.seek(start)
        block = stream.read(end - start).rstrip(b"\0")
        if block:
            return start + len(block)
        end = start
    return begin
