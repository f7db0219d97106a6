"""What every service reads from the catalog for its metrics, again and again."""

from types import SimpleNamespace
from typing import Any, cast

from al_engine.figures import figures as al_engine
from embedder.embedding import Embedding
from embedder.figures import figures as embedder
from escolta.clock import SystemClock
from escolta.service import Platform, Settings
from ingest.figures import figures as ingest
from label_gateway.figures import figures as label_gateway


async def watching(catalog: Any) -> None:
    """Read it once; `catalog` stands in for the pool."""
    on = cast(
        Platform,
        SimpleNamespace(catalog=catalog, clock=SystemClock(), settings=Settings(bat_url="http://bat:8000")),
    )
    embedding = cast(Embedding, SimpleNamespace(model=SimpleNamespace(model_id="model-1")))
    for figures in (ingest(on), embedder(on, embedding), al_engine(on), label_gateway(on)):
        for one in figures:
            assert await one.read()
