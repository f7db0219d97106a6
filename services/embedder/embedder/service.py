"""embedder: gives every cataloged audio an embedding and its top classes."""

from embedder import http, older_speech
from embedder.backlog import Backlog
from embedder.embedding import BATCHES_AT_ONCE, Embedding
from embedder.figures import figures
from escolta.events import AudioCataloged
from escolta.service import Every, Platform, Service, Subscription

CATCH_UP_S = 60.0


def build(on: Platform) -> Service:
    """The service on its platform."""
    embedding = Embedding(on)

    async def find_older_speech() -> None:
        await older_speech.find(on.catalog, embedding.model)

    backlog = Backlog(on, embedding)
    batches = Subscription(
        AudioCataloged,
        embedding.embed_cataloged,
        batch=on.settings.embed_batch,
        prefetch=on.settings.embed_batch,  # each may tell of several
        linger_s=0.05,
        kind=on.settings.model,  # two models side by side both hear of every audio
    )
    return Service(
        "embedder",
        subscriptions=[batches] * BATCHES_AT_ONCE,
        router=http.router(on, embedding, backlog),
        jobs=[Every(CATCH_UP_S, backlog.catch_up), Every(CATCH_UP_S, find_older_speech)],
        lifespan=embedding.loaded,
        figures=figures(on, embedding),
        ready=embedding.ready,
    )
