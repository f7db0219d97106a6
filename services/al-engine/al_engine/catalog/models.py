"""Which model's embeddings are in use."""

import asyncpg

from escolta.work import Waits


async def model_in_use(connection: asyncpg.Connection, name: str) -> tuple[str, int]:
    """Id and dim of the model of that name that is done with most audios; of equals the newest.

    So the old one serves while a new one (other weights, another front end) still embeds the catalog again.
    Raises `Waits` before the first embedding.
    """
    rows = await connection.fetch(
        "SELECT model_id, dim FROM audio.models AS m WHERE name = $1"
        " AND EXISTS (SELECT FROM audio.embeddings AS e WHERE e.model_id = m.model_id)"
        " ORDER BY added_at DESC, model_id",
        name,
    )
    if not rows:
        raise Waits(
            f"no audio is embedded by a model {name!r} yet: the embedder has to run, with the"
            " same ESCOLTA_MODEL"
        )
    if len(rows) > 1:  # counting takes a second for some millions
        counted = await connection.fetch(
            "SELECT model_id, (SELECT count(*) FROM audio.embeddings AS e WHERE e.model_id = m.model_id)"
            " + (SELECT count(*) FROM audio.embedding_failures AS f WHERE f.model_id = m.model_id) AS done"
            " FROM audio.models AS m WHERE name = $1",
            name,
        )
        done = {row["model_id"]: row["done"] for row in counted}
        rows.sort(key=lambda row: -done[row["model_id"]])
    return rows[0]["model_id"], rows[0]["dim"]
