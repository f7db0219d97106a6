"""embedder: gives every cataloged audio an embedding and its top classes."""

from embedder import http
from embedder.backlog import Backlog
from embedder.embedding import BATCHES_AT_ONCE, Embedding
from escolta.events import AudioCataloged
from escolta.service import Every, Platform, Service, Subscription

CATCH_UP_S = 60.0


def build(on: Platform) -> Service:
    """The service on its platform."""
    embedding = Embedding(on)
    backlog = Backlog(on, embedding)
    batches = Subscription(
        AudioCataloged,
        embedding.embed_cataloged,
        batch=on.settings.embed_batch,
        linger_s=0.05,
        kind=on.settings.model,  # two models side by side both hear of every audio
    )
    return Service(
        "embedder",
        subscriptions=[batches] * BATCHES_AT_ONCE,
        router=http.router(on, embedding, backlog),
        jobs=[Every(CATCH_UP_S, backlog.catch_up)],
        lifespan=embedding.loaded,
        ready=embedding.ready,
    )
