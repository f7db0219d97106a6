"""From an object's bytes to what a model hears."""

from embedder.metrics import Metrics
from embedder.model import FloatArray
from escolta import audio
from escolta.errors import EscoltaError, Rejected, Transient


def decode(data: bytes, rate_hz: int, name: str, metrics: Metrics) -> FloatArray:
    """The sound as float32 `[samples]`, mono at `rate_hz`.

    Raises `Rejected` where it cannot be decoded, and `Transient` where there is no memory for it.
    """
    try:
        with metrics.stage("decode"):
            waveform, own_rate_hz = audio.read(data, name)
        with metrics.stage("resample"):
            return audio.resample(audio.mono(waveform), own_rate_hz, rate_hz)
    except EscoltaError:
        raise
    except MemoryError as error:
        raise Transient(f"there is no memory to decode {name} ({error}): free some") from error
    except Exception as error:  # whatever a file makes a library raise is that file's fault
        raise Rejected(f"{name} cannot be decoded: {type(error).__name__}: {error}") from error
