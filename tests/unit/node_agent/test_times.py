"""When a file was recorded, as its recorder says it."""

import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from unit.node_agent.sounds import noise, write_noise

from node_agent.recording.times import OF_THE_REPLAY, said_time, time_in_name

NOW = datetime(2024, 6, 10, tzinfo=UTC)
SIX = datetime(2024, 6, 1, 6, 0, 0)


def wamd(text: str) -> bytes:
    entries = [(0, struct.pack("<H", 1)), (1, b"SM4BAT-FS"), (5, text.encode())]
    return b"".join(struct.pack("<HI", number, len(value)) + value for number, value in entries)


def bext(date: str, time: str) -> bytes:
    return bytes(256 + 32 + 32) + date.encode() + time.encode() + bytes(254)


def comment(text: str) -> bytes:
    text = text + "\0" * (len(text) % 2)
    return b"INFO" + struct.pack("<4sI", b"ICMT", len(text)) + text.encode()


def with_chunk(path: Path, kind: bytes, body: bytes, before: bool = False) -> Path:
    """A WAV file with one more chunk, behind its sound or before it."""
    write_noise(path, 1)
    content = path.read_bytes()
    chunk = struct.pack("<4sI", kind, len(body)) + body + b"\0" * (len(body) % 2)
    at = content.index(b"data") if before else len(content)
    content = content[:at] + chunk + content[at:]
    path.write_bytes(content[:4] + struct.pack("<I", len(content) - 8) + content[8:])
    return path


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("20240601_060000.WAV", SIX),
        ("20240601_060000T.WAV", SIX),
        ("SMM02_20240601_060000.wav", SIX),
        ("SM4BAT_20240601_060000_000.wav", SIX),
        ("S4A12345_20240601_060000.wav", SIX),
        ("S4A12345_20240601$060000.wav", SIX),
        ("2024-06-01T06-00-00Z.flac", SIX.replace(tzinfo=UTC)),
        ("AMAR1.1.20240601T060000Z.wav", SIX.replace(tzinfo=UTC)),
        ("20240601T080000+0200_REC.wav", SIX.replace(tzinfo=UTC)),
        ("20240601_080000+02.wav", SIX.replace(tzinfo=UTC)),
        ("2024-06-01T01-00-00-0500.wav", SIX.replace(tzinfo=UTC)),
        ("201905 8T020000+1000_REC.wav", datetime(2019, 5, 7, 16, tzinfo=UTC)),
        ("2024-06-01 06.00.00.m4a", SIX),
        ("2024-06-01-birdnet-06:00:00.mp3", SIX),
        ("2024-06-01-birdnet-RTSP_1-06:00:00.mp3", SIX),
        ("20240601060000.wav", SIX),
        ("240601-0600.wav", SIX),
        ("240601_060000.wav", SIX),
        ("5146.240601060000.wav", SIX),
        ("665AB800.WAV", datetime(2024, 6, 1, 5, 56, 16, tzinfo=UTC)),
    ],
)
def test_a_recorders_file_name_says_when(name: str, start: datetime) -> None:
    said = time_in_name(name)
    assert said == start
    assert said
    assert (said.tzinfo is None) == (start.tzinfo is None)


@pytest.mark.parametrize(
    "name",
    ["ZOOM0001.WAV", "1-100032-A-0.wav", "240601_001.wav", "240601_0001.wav", "20240601.wav",
     "20241301_060000.wav", "STE-000.wav", "20240601_250000.wav", "50000000.wav", "XC240601-0600.mp3",
     "123456789012.wav", "gull.wav", "", ".wav"],
)  # fmt: skip
def test_a_name_that_says_no_time_is_not_made_to_say_one(name: str) -> None:
    assert time_in_name(name) is None


@given(st.text(max_size=60))
def test_any_name_may_be_asked(name: str) -> None:
    said = time_in_name(name)
    assert said is None or 1 <= said.year <= 9999


@pytest.mark.parametrize(
    ("kind", "body", "source"),
    [
        (b"guan", b"GUANO|Version: 1.0\nTimestamp: 2024-06-01T08:00:00+02:00\n", "GUANO"),
        (b"guan", b"GUANO|Version: 1.0\r\nTimestamp:2024-06-01T06:00:00Z\r\n", "GUANO"),
        (b"guan", b"Timestamp: 2024-06-01T06:00:00", "GUANO (no offset is said: taken as UTC)"),
        (b"wamd", wamd("2024-06-01 01:00:00-05:00"), "wamd"),
        (b"wamd", wamd("2024-06-01 06:00:00"), "wamd (no offset is said: taken as UTC)"),
        (b"bext", bext("2024-06-01", "06:00:00"), "bext (no offset is said: taken as UTC)"),
        (b"bext", bext("2024:06:01", "06-00-00"), "bext (no offset is said: taken as UTC)"),
        (
            b"LIST",
            comment("Recorded at 08:00:00 01/06/2024 (UTC+2) by AudioMoth 249BC3055C02FE06 at medium gain."),
            "AudioMoth's comment",
        ),
        (
            b"LIST",
            comment("Recorded at 00:30:00.250 01/06/2024 (UTC-5:30) by AudioMoth"),
            "AudioMoth's comment",
        ),
        (b"LIST", comment("Recorded at 06:00:00 01/06/2024 (UTC) by AudioMoth"), "AudioMoth's comment"),
    ],
)
@pytest.mark.parametrize("before", [False, True])
def test_a_chunk_of_the_file_says_when(
    tmp_path: Path, kind: bytes, body: bytes, source: str, before: bool
) -> None:
    said = said_time(with_chunk(tmp_path / "ZOOM0001.WAV", kind, body, before), NOW)
    assert (said.start, said.source) == (SIX.replace(tzinfo=UTC), source)


@pytest.mark.parametrize("kind", [b"guan", b"wamd", b"bext", b"LIST"])
@given(body=st.binary(max_size=700))
def test_a_chunk_of_any_bytes_harms_nobody(
    tmp_path_factory: pytest.TempPathFactory, kind: bytes, body: bytes
) -> None:
    path = with_chunk(tmp_path_factory.mktemp("chunk") / "x.wav", kind, body)
    assert said_time(path, NOW).source


def test_the_comment_is_found_behind_another_list(tmp_path: Path) -> None:
    said = comment("Recorded at 06:00:00 01/06/2024 (UTC) by AudioMoth")
    cues = b"adtl" + struct.pack("<4sI", b"note", 4) + b"cue\0"
    path = with_chunk(tmp_path / "x.wav", b"LIST", cues)
    path.write_bytes(path.read_bytes() + struct.pack("<4sI", b"LIST", len(said)) + said)
    assert said_time(path, NOW).source == "AudioMoth's comment"


@pytest.mark.parametrize("magic", [b"RF64", b"BW64"])
def test_a_chunk_behind_the_sound_of_an_rf64_is_found(tmp_path: Path, magic: bytes) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, noise(100), 100, format="RF64")
    guano = b"Timestamp: 2024-06-01T06:00:00Z\n"
    path.write_bytes(magic + path.read_bytes()[4:] + struct.pack("<4sI", b"guan", len(guano)) + guano)
    assert said_time(path, NOW).source == "GUANO"


def test_what_the_file_holds_goes_before_its_name(tmp_path: Path) -> None:
    path = with_chunk(tmp_path / "20240602_000000.wav", b"guan", b"Timestamp: 2024-06-01T06:00:00Z")
    assert said_time(path, NOW).start == SIX.replace(tzinfo=UTC)


def test_a_clock_that_was_never_set_is_not_believed_and_the_next_source_is_asked(tmp_path: Path) -> None:
    never_set = comment("Recorded at 00:00:17 01/01/1970 (UTC) by AudioMoth")
    path = with_chunk(tmp_path / "20240601_060000.WAV", b"LIST", never_set)
    assert said_time(path, NOW).source == "file names (no offset is said: taken as UTC)"
    path = with_chunk(tmp_path / "19700101_000017.WAV", b"LIST", never_set)
    assert said_time(path, NOW).start is None
    assert said_time(path, NOW).source == f"{OF_THE_REPLAY} (what is said cannot be true)"


@pytest.mark.parametrize(("ahead", "believed"), [(timedelta(seconds=30), True), (timedelta(hours=2), False)])
def test_a_time_in_the_future_is_not_believed(tmp_path: Path, ahead: timedelta, believed: bool) -> None:
    path = write_noise(tmp_path / f"{NOW + ahead:%Y%m%d_%H%M%S}.wav", 1)
    assert (said_time(path, NOW).start is not None) == believed


def test_where_nothing_says_when_the_source_says_that(tmp_path: Path) -> None:
    said = said_time(write_noise(tmp_path / "ZOOM0001.wav", 1), NOW)
    assert (said.start, said.source) == (None, f"{OF_THE_REPLAY} (nothing says when)")
