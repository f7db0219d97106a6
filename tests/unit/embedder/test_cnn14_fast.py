"""CNN14's two ways to the same numbers: the plain one is panns_inference's, the fast one is near to it.

The weights are random, and so are the statistics of the normalizations: with those of a new network, mean 0
and variance 1, a normalization that went wrong would not be seen.
"""

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import soundfile
import soxr
from unit.embedder.parts import noise, require, tone

from embedder.audioset import cnn14_class_names
from embedder.model import FloatArray

RATE_HZ = 32_000
NEAR = 0.9999
CLIPS = 6  # of the real recordings: enough to see it, few enough to be quick


@pytest.fixture(scope="module")
def torch() -> Any:
    require("cnn14")
    return pytest.importorskip("torch")


@pytest.fixture(scope="module")
def checkpoint(torch: Any, plain_cnn14: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    generator = torch.Generator().manual_seed(11)
    tensors = plain_cnn14._network.network.state_dict()
    for name, tensor in tensors.items():
        if ".bn" in name or name.startswith("bn0"):
            if name.endswith(("weight", "running_var")):
                tensors[name] = torch.rand(tensor.shape, generator=generator) + 0.5
            elif name.endswith(("bias", "running_mean")):
                tensors[name] = 0.2 * torch.randn(tensor.shape, generator=generator)
    # What a trained network does to decibels: mean -30 dB, deviation 20 dB.
    tensors["bn0.running_mean"] = tensors["bn0.running_mean"] * 20 - 30
    tensors["bn0.running_var"] = tensors["bn0.running_var"] * 400
    path = tmp_path_factory.mktemp("weights") / "Cnn14.pth"
    torch.save({"model": tensors}, path)
    return path


@pytest.fixture(scope="module")
def plain(checkpoint: Path) -> Any:
    from embedder.cnn14 import Cnn14

    return Cnn14(checkpoint, plain=True)


@pytest.fixture(scope="module")
def fast(checkpoint: Path) -> Any:
    from embedder.cnn14 import Cnn14

    return Cnn14(checkpoint)


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def network(request: pytest.FixtureRequest, torch: Any, plain: Any) -> Any:
    """The fast network in either type, whatever this processor has instructions for."""
    from embedder.cnn14_fast import FastCnn14

    return FastCnn14(plain._network.network, "cpu", getattr(torch, request.param))


def no_shell(command: str) -> NoReturn:
    raise AssertionError(f"a shell was asked to run: {command}")


def clipped(rate_hz: int) -> FloatArray:
    return np.clip(100 * noise(rate_hz), -1, 1)


SOUNDS: dict[str, Callable[[], FloatArray]] = {
    "noise": lambda: noise(RATE_HZ),
    "faint noise": lambda: 1e-4 * noise(RATE_HZ, seed=1),
    "silence": lambda: np.zeros(48_000, np.float32),
    "a tone": lambda: tone(RATE_HZ),
    "clipped noise": lambda: clipped(RATE_HZ),
    "a clipped tone": lambda: np.clip(tone(RATE_HZ, peak=50), -1, 1),
    "a click in silence": lambda: np.pad(np.ones(1, np.float32), (24_000, 23_999)),
}


def cosines(a: FloatArray, b: FloatArray) -> Any:
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def real_recordings(folder: Path) -> list[FloatArray]:
    files = sorted((folder / "audio").glob("*.ogg"))
    waveforms = []
    for path in files[:: max(1, len(files) // CLIPS)][:CLIPS]:
        samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
        waveforms.append(soxr.resample(samples.mean(axis=1), rate_hz, RATE_HZ).astype(np.float32))
    assert waveforms
    return waveforms


@pytest.mark.filterwarnings("ignore:Environment variable TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
def test_the_plain_path_gives_the_numbers_of_panns_inference(
    plain: Any, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "system", no_shell)
    # The package reads its class names from the home folder when it is imported, and would fetch them.
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "panns_data").mkdir()
    with (tmp_path / "panns_data/class_labels_indices.csv").open("w", newline="") as file:
        names = enumerate(cnn14_class_names())
        csv.writer(file).writerows([("index", "mid", "display_name"), *[(i, i, name) for i, name in names]])
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    import panns_inference

    tagging = panns_inference.AudioTagging(checkpoint_path=str(checkpoint), device="cpu")
    audios = [sound() for sound in SOUNDS.values()]
    probabilities, vectors = tagging.inference(np.stack(audios))

    embedded = plain.embed(audios)
    assert np.abs(embedded.vectors - vectors).max() <= 1e-4
    assert np.abs(embedded.probabilities - probabilities).max() <= 1e-4


def test_the_fast_path_is_near_for_every_synthetic_sound(plain: Any, network: Any) -> None:
    audios = [sound() for sound in SOUNDS.values()]
    expected = plain.embed(audios)
    [(vectors, probabilities)] = network([np.stack(audios)])
    near = dict(zip(SOUNDS, cosines(vectors, expected.vectors), strict=True))
    assert min(near.values()) >= NEAR, near
    assert cosines(probabilities, expected.probabilities).min() >= NEAR


def test_the_fast_path_is_near_for_every_real_recording(plain: Any, network: Any, esc10: Path) -> None:
    audios = real_recordings(esc10)
    expected = plain.embed(audios)
    outputs = network(audio[np.newaxis] for audio in audios)  # their lengths differ a little
    vectors, probabilities = (np.concatenate(output) for output in zip(*outputs, strict=True))
    assert cosines(vectors, expected.vectors).min() >= NEAR
    assert cosines(probabilities, expected.probabilities).min() >= NEAR


def test_the_spectrogram_by_fft_is_that_of_the_convolution(torch: Any, plain: Any, network: Any) -> None:
    waveforms = torch.from_numpy(np.stack([noise(RATE_HZ), clipped(RATE_HZ)]))
    network_of_panns = plain._network.network
    with torch.inference_mode():
        x = network_of_panns.logmel_extractor(network_of_panns.spectrogram_extractor(waveforms))
        expected = network_of_panns.bn0(x.transpose(1, 3)).transpose(1, 3)[:, 0]
        got = network.log_mel(waveforms)
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_audios_of_several_lengths_go_in_batches_of_one_length_each(fast: Any) -> None:
    audios = [noise(RATE_HZ, duration_s, seed=2) for duration_s in (1.2, 1.5, 1.2, 0.1, 1.5)]
    together = fast.embed(audios)
    for row, audio in enumerate(audios):
        alone = fast.embed([audio])
        np.testing.assert_allclose(together.vectors[row], alone.vectors[0], rtol=2e-2, atol=1e-3)
        assert cosines(together.vectors[row : row + 1], alone.vectors).min() >= NEAR


def test_the_id_tells_the_fast_path_and_its_type_from_the_plain_one(
    torch: Any, plain: Any, fast: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from embedder import cnn14_fast
    from embedder.cnn14 import Cnn14

    assert plain.model_id.endswith("-1")
    assert fast.model_id.endswith(("-2", "-2-bf16"))
    for dtype, end in ((torch.float32, "-2"), (torch.bfloat16, "-2-bf16")):
        if not fast.model_id.endswith(end):
            monkeypatch.setattr(cnn14_fast, "best_dtype", lambda device, dtype=dtype: dtype)
            assert Cnn14(None, random_seed=7).model_id == f"cnn14-random7{end}"


@pytest.mark.parametrize(
    ("capabilities", "dtype"),
    [({"avx512_f": True}, "float32"), ({"avx512_bf16": True}, "bfloat16"), ({"amx_bf16": True}, "bfloat16")],
)
def test_bfloat16_is_for_processors_with_instructions_for_it(
    torch: Any, monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], dtype: str
) -> None:
    from embedder.cnn14_fast import best_dtype

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert best_dtype("cpu") == getattr(torch, dtype)
