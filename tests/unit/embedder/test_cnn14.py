"""CNN14: its id, its classes, and what may be wrong with its weights."""

import hashlib
import io
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit.embedder.parts import no_shell

from embedder.models.audioset import cnn14_class_names
from embedder.models.model import EmbeddingModel
from embedder.models.opening import open_model
from escolta.errors import Misconfigured


def test_loading_weights_imports_no_package_that_fetches_files(
    cnn14_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "panns_inference", raising=False)  # another test may have imported it
    open_model("cnn14", cnn14_weights)
    assert "panns_inference" not in sys.modules


def test_the_id_holds_the_digest_of_the_weights(cnn14: EmbeddingModel, cnn14_weights: Path) -> None:
    digest = hashlib.sha256(cnn14_weights.read_bytes()).hexdigest()
    assert cnn14.model_id.startswith(f"cnn14-{digest[:12]}-2")


def test_cnn14_names_the_527_classes_in_its_order() -> None:
    names = cnn14_class_names()
    assert len(names) == 527
    assert (names[0], names[137], names[526]) == ("Speech", "Music", "Field recording")


def test_weights_that_are_not_there_are_asked_for(
    torch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # weights may have been fetched on this machine
    with pytest.raises(Misconfigured, match=r"no weights: fetch .*Zenodo.*ESCOLTA_CNN14_WEIGHTS"):
        open_model("cnn14")
    with pytest.raises(Misconfigured, match=r"no file .*/gone\.pth"):
        open_model("cnn14", tmp_path / "gone.pth")


@pytest.mark.parametrize("kept", [0.0, 0.001, 0.999])
def test_truncated_weights_are_told(cnn14_weights: Path, tmp_path: Path, kept: float) -> None:
    cut = tmp_path / "cut.pth"
    cut.write_bytes(cnn14_weights.read_bytes()[: int(cnn14_weights.stat().st_size * kept)])
    with pytest.raises(Misconfigured, match=r"cut\.pth \([\d,]+ bytes\) is cut short or damaged: fetch"):
        open_model("cnn14", cut)


def test_weights_that_end_within_their_head_are_told(cnn14_weights: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.pth"
    with cnn14_weights.open("rb") as file:
        head = file.read(4096)
    for kept in range(1, len(head), 37):
        cut.write_bytes(head[:kept])
        with pytest.raises(Misconfigured, match=r"cut\.pth \([\d,]+ bytes\) is .*: fetch"):
            open_model("cnn14", cut)


def test_weights_that_cannot_be_read_are_told(
    torch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "mine.pth"
    path.touch()
    monkeypatch.setattr(hashlib, "file_digest", refuse)
    with pytest.raises(Misconfigured, match=r"mine\.pth cannot be read: Permission denied\. Mend that"):
        open_model("cnn14", path)


class Shell:
    def __reduce__(self) -> Any:
        return os.system, ("echo this must not run",)


def test_weights_that_would_run_code_are_refused(
    torch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "evil.pth"
    torch.save({"model": Shell()}, path)
    monkeypatch.setattr(os, "system", no_shell)
    with pytest.raises(Misconfigured, match="would run code"):
        open_model("cnn14", path)


def test_a_page_saved_instead_of_weights_is_told(torch: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.pth"
    path.write_text("<!doctype html><title>Not found</title>")
    with pytest.raises(Misconfigured, match="no PyTorch checkpoint"):
        open_model("cnn14", path)


@pytest.mark.parametrize("content", [[1, 2], {"state": {}}, {"model": "cnn14"}])
def test_another_checkpoint_is_told(torch: Any, tmp_path: Path, content: Any) -> None:
    path = tmp_path / "other.pth"
    torch.save(content, path)
    with pytest.raises(Misconfigured, match="is no checkpoint of PANNs"):
        open_model("cnn14", path)


@pytest.mark.parametrize("change", ["another shape", "one missing", "one too many"])
def test_weights_of_another_network_are_told(
    torch: Any, plain_cnn14: Any, tmp_path: Path, change: str
) -> None:
    state = plain_cnn14._network.network.state_dict()
    tensors = {name: torch.zeros(()).expand(tensor.shape) for name, tensor in state.items()}  # a small file
    if change == "another shape":
        tensors["fc_audioset.weight"] = torch.zeros(50, 2048)
    elif change == "one missing":
        del tensors["bn0.weight"]
    else:
        tensors["fc2.bias"] = torch.zeros(3)
    path = tmp_path / "other.pth"
    torch.save({"model": tensors}, path)
    with pytest.raises(Misconfigured, match="holds the weights of another network"):
        open_model("cnn14", path)


def test_numpy_values_under_their_old_names_do_no_harm(torch: Any, tmp_path: Path) -> None:
    from embedder.models.cnn14 import _numpy_globals

    out = io.BytesIO()
    torch.save({"indexes": np.arange(3), "share": np.float64(0.5)}, out, _use_new_zipfile_serialization=False)
    old = out.getvalue().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    with torch.serialization.safe_globals(_numpy_globals()):
        got = torch.load(io.BytesIO(old), weights_only=True)
    np.testing.assert_array_equal(got["indexes"], np.arange(3))
    assert got["share"] == 0.5
