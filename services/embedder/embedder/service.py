"""embedder: gives every cataloged audio an embedding and its top classes."""

from embedder import http
from embedder.embedding import Embedding
from escolta.events import AudioCataloged
from escolta.service import Every, Platform, Service, Subscription

CATCH_UP_S = 60.0


def build(on: Platform) -> Service:
    """The service on its platform."""
    embedding = Embedding(on)
    return Service(
        "embedder",
        subscriptions=[
            Subscription(
                AudioCataloged, embedding.embed_cataloged, batch=on.settings.embed_batch, linger_s=0.05
            )
        ],
        router=http.router(on, embedding),
        jobs=[Every(CATCH_UP_S, embedding.catch_up)],
        lifespan=embedding.loaded,
    )
