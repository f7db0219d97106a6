"""Which files are sound, told by their first bytes: a suffix is only somebody's word."""

import struct

HEAD_BYTES = 4096
"""So many first bytes are enough to tell."""

CONTAINERS = {
    "WAV": "WAV, also RF64, BW64 and WAVE_FORMAT_EXTENSIBLE",
    "W64": "Sony Wave64",
    "AIFF": "AIFF and AIFF-C",
    "CAF": "Apple CAF",
    "AU": "Sun AU",
    "FLAC": "FLAC",
    "OGG": "Ogg with Vorbis, Opus or FLAC",
    "MP3": "MP3",
}
"""Every container that is accepted, at every door, with what it is called in print."""

_FOREIGN = {
    (0, b"\x1aE\xdf\xa3"): "Matroska or WebM",
    (0, b"0&\xb2u"): "WMA",
    (0, b"#!AMR"): "AMR",
    (0, b"MAC "): "Monkey's Audio",
    (0, b"wvpk"): "WavPack",
    (0, b"DSD "): "DSD",
    (0, b"\xff\xf1"): "AAC",
    (0, b"\xff\xf9"): "AAC",
    (4, b"ftyp"): "MP4 or M4A",
}
"""Sound that people have and that libsndfile does not read: where which bytes stand."""
_W64 = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_MP3_KBITS = {  # MPEG version 1, then versions 2 and 2.5; the second index is the frame's own
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MP3_RATES_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


def container_of(head: bytes) -> str | None:
    """The key in `CONTAINERS` of the file that begins with `head`; None where it is no sound we accept.

    `head` are the first `HEAD_BYTES` of a file, or all of it. What is behind an ID3 tag is taken for MP3.
    """
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return "WAV"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "AIFF"
    if head.startswith(_W64):
        return "W64"
    for magic, container in ((b"fLaC", "FLAC"), (b"OggS", "OGG"), (b"caff", "CAF"), (b".snd", "AU")):
        if head.startswith(magic):
            return container
    return "MP3" if head.startswith(b"ID3") or _begins_with_mp3(head) else None


def _begins_with_mp3(head: bytes) -> bool:
    """Whether a frame of MPEG layer III begins here, and another one where it ends.

    Four bytes alone would take a text in UTF-16 for sound.
    """
    length = mp3_frame_bytes(head[:4])
    if not length:
        return False
    following = head[length : length + 4]
    return len(following) < 4 or mp3_frame_bytes(following) > 0


def mp3_frame_bytes(header: bytes) -> int:
    """How long the frame with this header is; 0 where it is none."""
    if len(header) < 4:
        return 0
    (word,) = struct.unpack(">I", header)
    version, layer = word >> 19 & 3, word >> 17 & 3
    kbits_index, rate_index, padding = word >> 12 & 15, word >> 10 & 3, word >> 9 & 1
    if word >> 21 != 0x7FF or version == 1 or layer != 1 or kbits_index in (0, 15) or rate_index == 3:
        return 0
    samples_by_8 = 144 if version == 3 else 72
    kbits = _MP3_KBITS[version == 3][kbits_index]
    return samples_by_8 * kbits * 1000 // _MP3_RATES_HZ[version][rate_index] + padding


def foreign(head: bytes) -> str:
    """What a file is that `container_of` does not know, as a predicate; `head` as there."""
    for (at, magic), kind in _FOREIGN.items():
        if head[at:].startswith(magic):
            return f"is {kind}, which is not read: convert it to FLAC."
    zeros = len(head) - len(head.lstrip(b"\0"))
    if zeros >= 12:
        count = f"{zeros:,}" if zeros < len(head) else f"{zeros:,} or more"
        return f"begins with {count} zeros: its header was never written, or is lost."
    return f"begins as none of those that are read ({', '.join(CONTAINERS)})."
