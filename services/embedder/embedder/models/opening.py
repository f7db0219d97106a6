"""The way to an embedding model by its name."""

from pathlib import Path

from embedder.models.model import EmbeddingModel
from escolta.errors import Misconfigured


def open_model(name: str, cnn14_weights: Path | None = None) -> EmbeddingModel:
    """Load the model `yamnet`, `cnn14` or `placeholder`; this takes seconds and is done once.

    Without `cnn14_weights`, CNN14 takes what `escolta models fetch cnn14` downloaded earlier.
    Raises Misconfigured where the name is unknown, or the model's package or weights are missing or wrong.
    """
    if name == "yamnet":
        from embedder.models.yamnet import YamNet

        return YamNet()
    if name == "cnn14":
        from embedder.models import weights
        from embedder.models.cnn14 import Cnn14

        if cnn14_weights:
            return Cnn14(cnn14_weights)
        return Cnn14(weights.fetched(weights.CNN14), sha256=weights.CNN14.sha256)
    if name == "placeholder":
        from embedder.models.placeholder import Placeholder

        return Placeholder()
    raise Misconfigured(f"There is no model {name!r}: set ESCOLTA_MODEL to yamnet, cnn14 or placeholder.")
