"""Bad messages, files and requests at every door: no crash, no defect, and each bad one listed with a reason.

The long form, with figures of memory and of the event loop, is `bench/fuzz.py`.
"""

from pathlib import Path

from fuzzed.doors import Doors, doors
from fuzzed.watch import watched

COUNT = 200
FILES = 60


async def test_nothing_that_comes_in_at_any_door_is_a_defect_or_gets_lost(tmp_path: Path) -> None:
    async with watched() as seen, doors(tmp_path, seed=1, files=FILES) as at:
        await _messages(at)
        await _sounds(at)
        await _requests(at)
    assert seen.defects == []


async def _messages(at: Doors) -> None:
    messages = await at.messages(COUNT)
    assert messages["done"] > 0
    assert messages["reject"] > COUNT // 4
    assert messages["unlisted"] == 0


async def _sounds(at: Doors) -> None:
    objects = await at.objects(COUNT)
    assert objects["listed"] > COUNT // 4
    assert objects["audio"] > 0
    assert objects["unlisted"] == 0
    heard = await at.sounds_heard(COUNT)
    assert heard["embedder: refused without a reason"] == heard["web: refused without a reason"] == 0
    assert heard["embedder: heard"] + heard["embedder: refused"] == COUNT
    files = await at.files_of_a_node()
    assert files["sent"] == FILES
    assert files["unlisted"] == 0


async def _requests(at: Doors) -> None:
    answers = await at.requests(COUNT)
    assert answers.failed == []
    assert {"200", "401", "422"} <= set(answers.statuses)
