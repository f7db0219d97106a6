"""What `escolta doctor` looks at for the embedder."""

from collections.abc import Iterator
from importlib.util import find_spec

from escolta.service import Finding, Settings


def check(settings: Settings) -> Iterator[Finding]:
    """The model that is set needs a library of its own."""
    package = {"yamnet": "onnxruntime", "cnn14": "torch"}.get(settings.model)
    there = package is None or find_spec(package) is not None
    yield Finding(
        f"the model {settings.model} can run",
        "" if there else f"pip install 'escolta-embedder[{settings.model}]', or set ESCOLTA_MODEL",
    )
