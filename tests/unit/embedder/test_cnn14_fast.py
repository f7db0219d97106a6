"""CNN14's two ways to the same numbers: the plain one is panns_inference's, the fast one is near to it.

The weights are random. The statistics of the normalizations are those of the sounds below, as in a
trained network: one fresh from its constructor, with mean 0 and variance 1, says nearly the same of every
sound (a cosine of 1.0000), and any error would pass.
"""

import copy
import csv
import os
import re
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
CLIPS = 3  # of the real recordings: enough to see it, few enough to be quick


@pytest.fixture(scope="module")
def torch() -> Any:
    require("cnn14")
    return pytest.importorskip("torch")


@pytest.fixture(scope="module")
def plain(torch: Any, plain_cnn14: Any) -> Any:
    generator = torch.Generator().manual_seed(11)
    plain = copy.copy(plain_cnn14)
    plain._network = copy.deepcopy(plain_cnn14._network)
    network = plain._network.network
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.weight.copy_(0.5 + torch.rand(layer.weight.shape, generator=generator))
                layer.bias.copy_(0.2 * torch.randn(layer.bias.shape, generator=generator))
                layer.momentum = 1.0  # takes over what it sees
                layer.train()
        network(torch.from_numpy(np.stack([sound() for sound in SOUNDS.values()])))
        network.eval()
    return plain


@pytest.fixture(scope="module", params=["float32", "bfloat16", "float16"])
def network(request: pytest.FixtureRequest, torch: Any, plain: Any) -> Any:
    """The fast network in either type, whatever this processor has instructions for."""
    from embedder.cnn14_fast import FastCnn14

    return FastCnn14(plain._network.network, "cpu", getattr(torch, request.param))


def no_shell(command: str) -> NoReturn:
    raise AssertionError(f"a shell was asked to run: {command}")


def clipped(rate_hz: int) -> FloatArray:
    return np.clip(100 * noise(rate_hz, 1.0), -1, 1)


SOUNDS: dict[str, Callable[[], FloatArray]] = {
    "noise": lambda: noise(RATE_HZ, 1.0),
    "faint noise": lambda: 1e-4 * noise(RATE_HZ, 1.0, seed=1),
    "silence": lambda: np.zeros(RATE_HZ, np.float32),
    "a tone": lambda: tone(RATE_HZ, 1.0),
    "clipped noise": lambda: clipped(RATE_HZ),
    "a clipped tone": lambda: np.clip(tone(RATE_HZ, 1.0, peak=50), -1, 1),
    "a click in silence": lambda: np.pad(np.ones(1, np.float32), (16_000, 15_999)),
}


def cosines(a: FloatArray, b: FloatArray) -> Any:
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def real_recordings(folder: Path) -> list[FloatArray]:
    files = sorted((folder / "audio").glob("*.ogg"))
    waveforms = []
    for path in files[:: max(1, len(files) // CLIPS)][:CLIPS]:
        samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
        waveforms.append(soxr.resample(samples.mean(axis=1), rate_hz, RATE_HZ).astype(np.float32)[:RATE_HZ])
    assert waveforms
    return waveforms


@pytest.mark.filterwarnings("ignore:Environment variable TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
def test_the_plain_path_gives_the_numbers_of_panns_inference(
    torch: Any, plain: Any, expected: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
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

    checkpoint = tmp_path / "Cnn14.pth"
    torch.save({"model": plain._network.network.state_dict()}, checkpoint)
    tagging = panns_inference.AudioTagging(checkpoint_path=str(checkpoint), device="cpu")
    probabilities, vectors = tagging.inference(np.stack([sound() for sound in SOUNDS.values()]))
    assert np.abs(expected.vectors - vectors).max() <= 1e-4
    assert np.abs(expected.probabilities - probabilities).max() <= 1e-4


@pytest.fixture(scope="module")
def expected(plain: Any) -> Any:
    """What the plain network says of `SOUNDS`."""
    return plain.embed([sound() for sound in SOUNDS.values()])


def test_the_sounds_of_these_tests_are_told_apart(expected: Any) -> None:
    for row, vector in enumerate(expected.vectors):
        others = np.delete(expected.vectors, row, axis=0)
        assert cosines(others, vector[np.newaxis]).max() < 0.95


def test_the_fast_path_is_near_for_every_synthetic_sound(expected: Any, network: Any) -> None:
    [(vectors, probabilities)] = network([np.stack([sound() for sound in SOUNDS.values()])])
    near = dict(zip(SOUNDS, cosines(vectors, expected.vectors), strict=True))
    assert min(near.values()) >= NEAR, near
    assert cosines(probabilities, expected.probabilities).min() >= NEAR


@pytest.fixture(scope="module")
def recordings(plain: Any, esc10: Path) -> tuple[list[FloatArray], Any]:
    """Real ones, and what the plain network says of them."""
    audios = real_recordings(esc10)
    return audios, plain.embed(audios)


def test_the_fast_path_is_near_for_every_real_recording(
    network: Any, recordings: tuple[list[FloatArray], Any]
) -> None:
    audios, expected = recordings
    [(vectors, probabilities)] = network([np.stack(audios)])
    assert cosines(vectors, expected.vectors).min() >= NEAR
    assert cosines(probabilities, expected.probabilities).min() >= NEAR


def test_the_spectrogram_by_fft_is_that_of_the_convolution(torch: Any, plain: Any, network: Any) -> None:
    waveforms = torch.from_numpy(np.stack([noise(RATE_HZ, 1.0), clipped(RATE_HZ)]))
    network_of_panns = plain._network.network
    with torch.inference_mode():
        x = network_of_panns.logmel_extractor(network_of_panns.spectrogram_extractor(waveforms))
        expected = network_of_panns.bn0(x.transpose(1, 3)).transpose(1, 3)[:, 0]
        got = network.log_mel(waveforms)
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_audios_of_several_lengths_go_in_batches_of_one_length_each(cnn14: Any) -> None:
    audios = [noise(RATE_HZ, duration_s, seed=2) for duration_s in (1.0, 1.2, 1.0, 0.1)]
    together = cnn14.embed(audios)
    for row, audio in enumerate(audios):
        alone = cnn14.embed([audio])
        np.testing.assert_allclose(together.vectors[row], alone.vectors[0], rtol=2e-2, atol=1e-3)
        assert cosines(together.vectors[row : row + 1], alone.vectors).min() >= NEAR


def test_the_id_tells_the_fast_path_and_its_type_from_the_plain_one(
    plain: Any, cnn14: Any, network: Any
) -> None:
    from embedder.cnn14 import _front_end

    assert plain.model_id.endswith("-1")
    assert re.search(r"-2(-(bf|fp)16\.[1-6])?$", cnn14.model_id)
    ends = {"torch.float32": "2", "torch.bfloat16": "2-bf16.", "torch.float16": "2-fp16."}
    end = ends[str(network.dtype)]
    assert _front_end(network) == (f"{end}{network.first}" if end != "2" else end)


def test_where_16_bits_are_too_few_all_stays_float32(
    torch: Any, plain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from embedder import cnn14_fast

    monkeypatch.setattr(cnn14_fast, "NEAR", 1.1)
    monkeypatch.setattr(cnn14_fast, "_probes", lambda: torch.zeros(1, 12_000))
    network = cnn14_fast.FastCnn14(plain._network.network, "cpu", torch.bfloat16)
    assert network.dtype == torch.float32
    assert {block.dtype for block in network._blocks} == {torch.float32}


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
