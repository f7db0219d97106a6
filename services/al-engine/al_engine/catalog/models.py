"""Which model's embeddings are in use."""

import asyncpg

from escolta.work import Waits


async def model_in_use(connection: asyncpg.Connection, name: str) -> tuple[str, int]:
    """Id and dim of the model of that name that is done with most audios; of equals the newest.

    So the old one serves while a new one (other weights, another front end) still embeds the catalog again.
    Raises `Waits` before the first embedding.
    """
    row = await connection.fetchrow(
        "SELECT model_id, dim FROM audio.models JOIN audio.embedding_counts USING (model_id) WHERE name = $1"
        " GROUP BY model_id HAVING sum(audios) FILTER (WHERE outcome = 'embedded') > 0"
        " ORDER BY sum(audios) DESC, added_at DESC, model_id LIMIT 1",
        name,
    )
    if row is None:
        raise Waits(
            f"no audio is embedded by a model {name!r} yet: the embedder has to run, with the"
            " same ESCOLTA_MODEL"
        )
    return row["model_id"], row["dim"]
