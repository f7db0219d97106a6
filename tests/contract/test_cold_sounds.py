"""Services read a sound that has moved to the second place of the store as they read any other."""

from pathlib import Path

import pytest
from unit.embedder.at_work import embedder_at_work, tone
from unit.label_gateway.at_work import RECORDING, gateway_at_work

from escolta.objects import Objects
from escolta.objects.cold import WithCold


@pytest.fixture(autouse=True)
def _second_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cold").mkdir()
    monkeypatch.setenv("ESCOLTA_COLD_OBJECTS_URL", f"file://{tmp_path}/cold")


async def moved(objects: Objects) -> list[str]:
    """Move all that there is; the keys."""
    assert isinstance(objects, WithCold)
    keys = [key async for key in objects.hot.keys("audio/")]
    for key in keys:
        await objects.cold.put(key, await objects.hot.get(key))
        await objects.hot.delete(key)
    return keys


async def test_the_embedder_embeds_it(catalog_url: str, tmp_path: Path):
    async with embedder_at_work(catalog_url, tmp_path) as embedder:
        event = await embedder.catalog(0, tone(440))
        assert await moved(embedder.on.objects) == [event.object_key]
        await embedder.on.bus.publish(event)
        await embedder.until_done(embedded=1)
        assert set(await embedder.vectors()) == {event.audio_id}


async def test_a_labeler_hears_it(catalog_url: str, tmp_path: Path):
    async with gateway_at_work(catalog_url, tmp_path) as gateway:
        [ana] = await gateway.team(await gateway.lead(), "harbor", "ana")
        await gateway.propose(1)
        [task] = await gateway.until_tasks(ana, 1)
        assert len(await moved(gateway.on.objects)) == 1
        assert (await ana.get(f"/api/audio/{task['audio_id']}")).content == RECORDING
