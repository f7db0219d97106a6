"""What the embedder reads from the catalog for whoever watches: how far the model in use has come."""

from embedder import store
from embedder.embedding import Embedding
from escolta.metrics.figures import Figure, Figures, Reading
from escolta.service import Platform

FIGURES = (
    Figure("escolta_embedder_embedded_audios", "Audios that have an embedding by a model", ("model_id",)),
    Figure("escolta_embedder_waiting_audios", "Audios that wait for an embedding by a model", ("model_id",)),
    Figure("escolta_embedder_failed_audios", "Audios that can have no embedding by a model", ("model_id",)),
)


def figures(on: Platform, embedding: Embedding) -> list[Figures]:
    """Everything that the embedder reads for whoever watches."""

    async def embedder() -> Reading:
        model_id = embedding.model.model_id
        counts = await store.counts(on.catalog, model_id)
        return {figure.name: {(model_id,): count} for figure, count in zip(FIGURES, counts, strict=True)}

    return [Figures("embedder", FIGURES, embedder)]
