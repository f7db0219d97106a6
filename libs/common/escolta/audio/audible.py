"""A form of an audio that every browser decodes, and decodes to the samples that the models have heard."""

import io

import soundfile

from escolta.audio.channels import heard
from escolta.audio.containers import container_of
from escolta.audio.files import open_sound, read
from escolta.audio.limits import FINE_RATES_OF_FLAC_HZ, MOST_NUMBERS
from escolta.audio.waveform import Waveform, resample, write

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 3_000, 192_000
"""What browsers play; an audio of another rate is given at the nearest of these."""

MOST_CHANNELS = 2
"""Browsers mix more by rules of their own."""

_PLAIN = {"WAV": {"PCM_U8", "PCM_16", "PCM_24", "FLOAT"}, "FLAC": {"PCM_16", "PCM_24"}}
_MEDIA_TYPES = {"WAV": "audio/wav", "FLAC": "audio/flac"}


def audible(data: bytes) -> tuple[bytes, str]:
    """The bytes of an audio as they are where browsers surely decode them, else written anew; and their type.

    Written anew it is FLAC of 16 or 24 bits, or WAV of floats where FLAC cannot have each sample; lossy
    sound, as of Ogg or MP3, is rounded to 16 bits. Where channels are dead or inverted, or too many to be
    played, it is mono.
    Raises Rejected where it is no whole sound.
    """
    with open_sound(data) as sound:
        found, plain = sound.promised, sound.as_it_is and _is_plain(data, sound.file)
        if plain and sound.whole and _shows_all(sound.file):
            return data, _MEDIA_TYPES["WAV"]
    waveform, rate_hz = read(data)
    choice = heard(waveform)
    if waveform.ndim > 1 and (choice.reason or choice.channels > MOST_CHANNELS):
        waveform, plain = waveform[:, list(choice.indexes)].mean(axis=1), False
    if plain:
        return data, _MEDIA_TYPES[found.container]
    nearest = min(max(rate_hz, LOWEST_RATE_HZ), HIGHEST_RATE_HZ)
    if nearest > FINE_RATES_OF_FLAC_HZ:
        nearest -= nearest % 10
    exact = nearest == rate_hz and choice.channels == len(choice.indexes) <= MOST_CHANNELS
    bits = 16 if found.bits is None else found.bits if exact else 32
    return _written(resample(waveform, rate_hz, nearest), nearest, bits)


def _is_plain(data: bytes, file: soundfile.SoundFile) -> bool:
    """Whether every browser decodes the file to what libsndfile makes of it."""
    rate_fits = LOWEST_RATE_HZ <= file.samplerate <= HIGHEST_RATE_HZ
    begins = data[:4] in (b"RIFF", b"fLaC") and container_of(data[:12]) is not None
    return rate_fits and begins and file.subtype in _PLAIN.get(file.format, ())


def _shows_all(file: soundfile.SoundFile) -> bool:
    """Whether decoding a whole file would show nothing new: one channel of numbers that are all sound."""
    plainest = file.format == "WAV" and file.subtype.startswith("PCM_") and file.channels == 1
    return plainest and 0 < file.frames <= MOST_NUMBERS


def _written(waveform: Waveform, rate_hz: int, bits: int) -> tuple[bytes, str]:
    if bits <= 24:
        return write(waveform, rate_hz, "FLAC", 16 if bits <= 16 else 24), _MEDIA_TYPES["FLAC"]
    out = io.BytesIO()
    soundfile.write(out, waveform, rate_hz, format="WAV", subtype="FLOAT")
    return out.getvalue(), _MEDIA_TYPES["WAV"]
