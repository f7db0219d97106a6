"""Models that several tests use, each loaded once, and the real recordings."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit.embedder.at_work import EmbedderAtWork, embedder_at_work
from unit.embedder.parts import NEEDS, SOUNDS, no_shell, require

from embedder.models.model import EmbeddingModel
from embedder.models.opening import open_model


@pytest.fixture(scope="session", params=NEEDS)
def model(request: pytest.FixtureRequest) -> EmbeddingModel:
    """Every model in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def placeholder() -> EmbeddingModel:
    return open_model("placeholder")


@pytest.fixture(scope="session")
def yamnet() -> EmbeddingModel:
    require("yamnet")
    return open_model("yamnet")


@pytest.fixture(scope="session")
def torch() -> Any:
    require("cnn14")
    return pytest.importorskip("torch")


@pytest.fixture(scope="session")
def plain_cnn14(torch: Any) -> Any:
    """The network as panns_inference has it. Its weights are random: its own are no part of the project.

    The statistics of its normalizations are those of `SOUNDS`, as in a trained network: one fresh from its
    constructor, with mean 0 and variance 1, says nearly the same of every sound (a cosine of 1.0000), and any
    error would pass.
    """
    from embedder.models.cnn14 import Cnn14

    plain: Any = Cnn14(None, random_seed=7, plain=True)
    network, generator = plain._network.network, torch.Generator().manual_seed(11)
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.weight.copy_(0.5 + torch.rand(layer.weight.shape, generator=generator))
                layer.bias.copy_(0.2 * torch.randn(layer.bias.shape, generator=generator))
                layer.momentum = 1.0  # takes over what it sees
                layer.train()
        network(torch.from_numpy(np.stack([sound() for sound in SOUNDS.values()])).to(plain.device))
    network.eval()
    return plain


@pytest.fixture(scope="session")
def cnn14_weights(torch: Any, plain_cnn14: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole checkpoint in the old format, with NumPy values beside the tensors."""
    path = tmp_path_factory.mktemp("weights") / "Cnn14.pth"
    content = {
        "iteration": np.int64(600_000),
        "model": plain_cnn14._network.network.state_dict(),
        "sampler": {"indexes": np.arange(3)},
    }
    torch.save(content, path, _use_new_zipfile_serialization=False)
    return path


@pytest.fixture(scope="session")
def cnn14(cnn14_weights: Path) -> EmbeddingModel:
    """The fast network with these weights; loading them asks no shell for anything."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "system", no_shell)
        return open_model("cnn14", cnn14_weights)


@pytest.fixture(scope="session")
def esc10() -> Path:
    """The folder of real recordings beside the project."""
    folder = Path(__file__).parents[3] / "../shared/data/esc10"
    if not folder.is_dir():
        pytest.skip("the recordings of ESC-10 are not beside the project, in ../shared/data/esc10")
    return folder


@pytest.fixture
async def embedder(catalog_url: str, tmp_path: Path) -> AsyncIterator[EmbedderAtWork]:
    async with embedder_at_work(catalog_url, tmp_path) as embedder:
        yield embedder
