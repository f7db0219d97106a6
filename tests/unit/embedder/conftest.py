"""Models that several tests use, each loaded once, and the real recordings."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from unit.embedder.desk import Desk, open_desk
from unit.embedder.parts import NEEDS, require

from embedder.model import EmbeddingModel, open_model


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
def cnn14() -> EmbeddingModel:
    """With random weights, because its own are no part of the project."""
    require("cnn14")
    from embedder.cnn14 import Cnn14

    return Cnn14(None, random_seed=7)


@pytest.fixture(scope="session")
def plain_cnn14() -> EmbeddingModel:
    """The same weights in the network as panns_inference has it."""
    require("cnn14")
    from embedder.cnn14 import Cnn14

    return Cnn14(None, random_seed=7, plain=True)


@pytest.fixture(scope="session")
def esc10() -> Path:
    """The folder of real recordings beside the project."""
    folder = Path(__file__).parents[3] / "../shared/data/esc10"
    if not folder.is_dir():
        pytest.skip("the recordings of ESC-10 are not beside the project, in ../shared/data/esc10")
    return folder


@pytest.fixture
async def desk(catalog_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(catalog_url, tmp_path) as desk:
        yield desk
