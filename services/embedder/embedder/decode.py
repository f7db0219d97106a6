"""From an object's bytes to what a model hears."""

from dataclasses import dataclass

from embedder.failure import NoMemory, Unfit
from embedder.metrics import Metrics
from embedder.models.model import FloatArray
from escolta import audio
from escolta.errors import Rejected


@dataclass(frozen=True)
class Sound:
    """What a model hears, float32 `[samples]`, mono at the model's rate.

    `channels_heard`: which channels of the file it was made of and why, empty where of all.
    """

    waveform: FloatArray
    channels_heard: str


def decode(data: bytes, rate_hz: int, name: str, metrics: Metrics) -> Sound:
    """The sound for a model of `rate_hz`.

    Raises `Unfit` where it cannot be decoded, and `NoMemory` where there is too little for it just now.
    """
    try:
        with metrics.stage("decode"):
            waveform, own_rate_hz = audio.read(data, name)
        with metrics.stage("resample"):
            mono, heard = audio.mixed(waveform)
            resampled = audio.resample(mono, own_rate_hz, rate_hz)
    except Rejected as error:
        raise Unfit("undecodable", str(error)) from error
    except MemoryError as error:
        raise NoMemory(f"there is no memory to decode {name} ({error}): free some") from error
    except Exception as error:  # whatever a file makes a library raise is that file's fault
        raise Unfit("undecodable", f"{name} cannot be decoded: {type(error).__name__}: {error}") from error
    return Sound(resampled, str(heard))
