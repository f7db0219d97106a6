"""From an object's bytes to what a model hears."""

from embedder.model import FloatArray
from escolta import audio


def decode(data: bytes, rate_hz: int, name: str) -> FloatArray:
    """The sound as float32 `[samples]`, mono at `rate_hz`. Raises `Rejected` where it cannot be decoded."""
    waveform, own_rate_hz = audio.read(data, name)
    return audio.resample(audio.mono(waveform), own_rate_hz, rate_hz)
