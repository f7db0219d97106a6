"""How a clock stands is seen as at one moment, however long it takes to look."""

from datetime import UTC, datetime, timedelta

import pytest

from node_agent.recording.dating import can_be_true, dating_by

NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)


class Interrupted:
    """A clock whose reader is kept waiting for `pauses_s` before each reading, in turn."""

    def __init__(self, *pauses_s: float) -> None:
        self._pauses_s = list(pauses_s)
        self._since_boot_s = 100.0

    def since_boot_s(self) -> float:
        self._pass()
        return self._since_boot_s

    def now(self) -> datetime:
        self._pass()
        return NOW + timedelta(seconds=self._since_boot_s)

    async def sleep(self, duration_s: float) -> None:
        raise NotImplementedError

    def _pass(self) -> None:
        self._since_boot_s += self._pauses_s.pop(0) if self._pauses_s else 0.0


@pytest.mark.parametrize("pauses_s", [(0, 0, 0), (0, 3, 0), (0, 0, 7), (5, 5, 5, 5, 5, 5)])
def test_whoever_is_interrupted_sees_no_step(pauses_s: tuple[float, ...]) -> None:
    assert dating_by(Interrupted(*pauses_s)).ahead_s == pytest.approx(NOW.timestamp(), abs=0.1)


@pytest.mark.parametrize(
    ("start", "can"),
    [
        (datetime(1989, 12, 31, tzinfo=UTC), False),
        (datetime(1990, 1, 1, tzinfo=UTC), True),
        (NOW + timedelta(seconds=60), True),
        (NOW + timedelta(seconds=61), False),
    ],
)
def test_a_start_can_be_true_as_ingest_sees_it(start: datetime, can: bool) -> None:
    assert can_be_true(start, NOW) == can
