"""CNN14's two ways to the same numbers: the plain one is panns_inference's, the fast one is near to it."""

import copy
import csv
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from unit.embedder.parts import SOUNDS, no_shell

from embedder.models.audioset import cnn14_class_names
from embedder.models.model import FloatArray

RATE_HZ = 32_000
NEAR = 0.9999
HARDEST = ["noise", "silence", "a clipped tone", "recording 0"]
CLIPS = 3  # of the real recordings: enough to see it, few enough to be quick


@pytest.fixture(scope="module", params=["float32", "bfloat16", "float16"])
def network(request: pytest.FixtureRequest, torch: Any, plain_cnn14: Any, cnn14: Any) -> Any:
    """The fast network in either type, whatever this processor has instructions for."""
    from embedder.models.cnn14_fast import FastCnn14

    loaded, dtype = cnn14._network, getattr(torch, request.param)
    if (loaded.device, loaded.dtype) == ("cpu", dtype):
        return loaded
    return FastCnn14(copy.deepcopy(plain_cnn14._network.network), "cpu", dtype)


def cosines(a: FloatArray, b: FloatArray) -> Any:
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def real_recordings(folder: Path) -> list[FloatArray]:
    files = sorted((folder / "audio").glob("*.ogg"))
    waveforms = []
    for path in files[:: max(1, len(files) // CLIPS)][:CLIPS]:
        samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
        waveforms.append(soxr.resample(samples.mean(axis=1), rate_hz, RATE_HZ).astype(np.float32)[:RATE_HZ])
    assert len(waveforms) == CLIPS
    return waveforms


@pytest.fixture(scope="module")
def audios(esc10: Path) -> FloatArray:
    """`SOUNDS`, then real recordings."""
    return np.stack([*[sound() for sound in SOUNDS.values()], *real_recordings(esc10)])


@pytest.fixture(scope="module")
def expected(plain_cnn14: Any, audios: FloatArray) -> Any:
    """What the plain network says of them."""
    return plain_cnn14.embed(audios)


@pytest.mark.filterwarnings("ignore:Environment variable TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
def test_the_plain_path_gives_the_numbers_of_panns_inference(
    cnn14_weights: Path,
    audios: FloatArray,
    expected: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
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

    tagging = panns_inference.AudioTagging(checkpoint_path=str(cnn14_weights), device="cpu")
    probabilities, vectors = tagging.inference(audios)
    assert np.abs(expected.vectors - vectors).max() <= 1e-4
    assert np.abs(expected.probabilities - probabilities).max() <= 1e-4


def test_the_sounds_of_these_tests_are_told_apart(expected: Any) -> None:
    synthetic = expected.vectors[: len(SOUNDS)]
    for row, vector in enumerate(synthetic):
        others = np.delete(synthetic, row, axis=0)
        assert cosines(others, vector[np.newaxis]).max() < 0.95


def test_the_fast_path_is_near_for_every_sound(audios: FloatArray, expected: Any, network: Any) -> None:
    names = [*SOUNDS, *[f"recording {number}" for number in range(CLIPS)]]
    emulated = network.dtype.itemsize == 2  # and so slow, here or elsewhere
    rows = [row for row, name in enumerate(names) if not emulated or name in HARDEST]
    [(vectors, probabilities)] = network([audios[rows]])
    near = dict(zip([names[row] for row in rows], cosines(vectors, expected.vectors[rows]), strict=True))
    assert min(near.values()) >= NEAR, near
    assert cosines(probabilities, expected.probabilities[rows]).min() >= NEAR


def test_the_spectrogram_by_fft_is_that_of_the_convolution(torch: Any, plain_cnn14: Any, cnn14: Any) -> None:
    waveforms = torch.from_numpy(np.stack([SOUNDS["noise"](), SOUNDS["clipped noise"]()]))
    waveforms = waveforms.to(plain_cnn14.device)
    panns = plain_cnn14._network.network
    with torch.inference_mode():
        x = panns.logmel_extractor(panns.spectrogram_extractor(waveforms))
        expected = panns.bn0(x.transpose(1, 3)).transpose(1, 3)[:, 0].cpu()
        got = cnn14._network.log_mel(waveforms).cpu()
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_the_id_tells_the_fast_path_and_its_type_from_the_plain_one(
    plain_cnn14: Any, cnn14: Any, network: Any
) -> None:
    assert plain_cnn14.model_id.endswith("-1")
    assert re.search(r"-2(-(bf|fp)16\.[1-6](-4)?)?$", cnn14.model_id)
    ends = {"torch.float32": "2", "torch.bfloat16": "2-bf16.", "torch.float16": "2-fp16."}
    end = ends[str(network.dtype)]
    blocks = f"{network.first}-4" if network.last == 4 else str(network.first)
    assert network.front_end == (f"{end}{blocks}" if end != "2" else end)


def test_where_16_bits_are_too_few_all_stays_float32(
    torch: Any, plain_cnn14: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from embedder.models import cnn14_fast

    monkeypatch.setattr(cnn14_fast, "NEAR", 1.1)
    monkeypatch.setattr(cnn14_fast, "TILES", {})  # takes seconds, and is not looked at here
    monkeypatch.setattr(cnn14_fast, "_probes", lambda: torch.zeros(1, 12_000))
    network = cnn14_fast.FastCnn14(copy.deepcopy(plain_cnn14._network.network), "cpu", torch.bfloat16)
    assert network.dtype == torch.float32
    assert {block.dtype for block in network._blocks} == {torch.float32}


@pytest.mark.parametrize(("capabilities", "last"), [({"avx512_bf16": True}, 4), ({"amx_bf16": True}, 6)])
def test_the_last_blocks_stay_float32_where_winograd_is_faster(
    torch: Any, plain_cnn14: Any, monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], last: int
) -> None:
    from embedder.models import cnn14_fast

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    monkeypatch.setattr(cnn14_fast, "NEAR", 0.9)
    monkeypatch.setattr(cnn14_fast, "TILES", {})  # takes seconds, and is not looked at here
    monkeypatch.setattr(cnn14_fast, "_probes", lambda: torch.zeros(1, 12_000))
    network = cnn14_fast.FastCnn14(copy.deepcopy(plain_cnn14._network.network), "cpu")
    assert (network.first, network.last) == (1, last)
    short = [block.dtype == torch.bfloat16 for block in network._blocks]
    assert short == [True] * last + [False] * (6 - last)


@pytest.mark.parametrize(
    ("capabilities", "dtype"),
    [({"avx512_f": True}, "float32"), ({"avx512_bf16": True}, "bfloat16"), ({"amx_bf16": True}, "bfloat16")],
)
def test_bfloat16_is_for_processors_with_instructions_for_it(
    torch: Any, monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], dtype: str
) -> None:
    from embedder.models.cnn14_fast import best_dtype

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert best_dtype("cpu") == getattr(torch, dtype)
