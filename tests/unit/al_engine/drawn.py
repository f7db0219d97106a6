"""Maps as a page asks for them and reads them."""

import json
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from unit.al_engine.at_work import EngineAtWork

from al_engine.maps.points import KINDS

SOME = 14  # too few for neighborhoods, so that nothing has to be compiled


@dataclass
class Drawn:
    """The points of a map as a page reads them."""

    header: dict
    coordinates: np.ndarray
    tagger_classes: list[str]
    labels: list[str]
    sets: np.ndarray
    kinds: list[str]
    ids: list[UUID]

    def of(self, kind: str) -> set[UUID]:
        return {audio_id for audio_id, it in zip(self.ids, self.kinds, strict=True) if it == kind}


def decoded(body: bytes) -> Drawn:
    length = int.from_bytes(body[:4], "little")
    header = json.loads(body[4 : 4 + length])
    n, at = header["points"], 4 + length
    parts = []
    for kind, width in (("<f4", 2), ("<u2", 1), ("<u2", 1), ("<u2", 1), ("u1", 1), ("u1", 16)):
        part = np.frombuffer(body, kind, n * width, at)
        parts.append(part)
        at += part.nbytes
    assert at == len(body)
    return Drawn(
        header,
        parts[0].reshape(n, 2),
        [header["tagger_classes"][number] for number in parts[1]],
        [header["labels"][number] for number in parts[2]],
        parts[3],
        [KINDS[number] for number in parts[4]],
        [UUID(bytes=parts[5][16 * row : 16 * row + 16].tobytes()) for row in range(n)],
    )


async def until_drawn(engine: EngineAtWork, iteration_id: UUID, stage: str = "drawn") -> dict:
    state: dict = {}

    async def drawn() -> bool:
        async with engine.client() as client:
            state.update((await client.get(f"/api/iterations/{iteration_id}/map")).json())
        return state["stage"] in ("drawn", "failed")

    await engine.until(drawn)
    assert state["stage"] == stage, state
    return state


async def draw(engine: EngineAtWork, iteration_id: UUID) -> Drawn:
    async with engine.client() as client:
        assert (await client.post(f"/api/iterations/{iteration_id}/map")).status_code == 202
        await until_drawn(engine, iteration_id)
        answer = await client.get(f"/api/iterations/{iteration_id}/map/points")
        assert answer.status_code == 200, answer.text
        return decoded(answer.content)


async def proposed(engine: EngineAtWork, **wanted: object) -> UUID:
    iteration_id = await engine.ask(**wanted)
    await engine.until_not("requested", iteration_id)
    return iteration_id
