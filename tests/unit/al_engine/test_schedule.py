"""Iterations that start by themselves."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from unit.al_engine.at_work import add_nodes, joined_engine

from al_engine.iterations.handlers import Iterations
from al_engine.iterations.schedule import Schedule
from escolta.clock import ManualClock
from escolta.errors import Misconfigured
from escolta.service import Platform

WEDNESDAY = datetime(2024, 5, 15, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.fixture
async def on(catalog_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    await add_nodes(catalog_url)
    async with joined_engine(catalog_url, tmp_path) as on:
        settings = on.settings.model_copy(update={"schedule": "mon 06:00"})
        yield replace(on, settings=settings, clock=ManualClock(WEDNESDAY))


def scheduled(on: Platform) -> Schedule:
    mine = replace(on, metrics=CollectorRegistry())
    return Schedule(mine, Iterations(mine))


async def windows(on: Platform) -> list[tuple[datetime, datetime]]:
    rows = await on.catalog.fetch(
        "SELECT window_start, window_end FROM al.al_preprocessing ORDER BY window_start"
    )
    return [tuple(row) for row in rows]


async def test_a_schedule_that_cannot_be_read_is_named(on):
    wrong = on.settings.model_copy(update={"schedule": "weekly"})
    with pytest.raises(Misconfigured, match="ESCOLTA_SCHEDULE is 'weekly'"):
        scheduled(replace(on, settings=wrong))


async def test_a_week_ends_and_two_processes_ask_once(on):
    one, two = scheduled(on), scheduled(on)
    for _ in range(2):
        await one.ask_if_due()
        await two.ask_if_due()
    monday = datetime(2024, 5, 13, 6, tzinfo=UTC)
    assert await windows(on) == [(monday - WEEK, monday)]


async def test_what_was_missed_is_made_up_for_by_one_iteration(on):
    schedule = scheduled(on)
    await schedule.ask_if_due()
    later = replace(on, clock=ManualClock(WEDNESDAY + 3 * WEEK))
    await scheduled(later).ask_if_due()
    await scheduled(later).ask_if_due()
    monday = datetime(2024, 5, 13, 6, tzinfo=UTC)
    assert await windows(on) == [(monday - WEEK, monday), (monday - WEEK, monday + 3 * WEEK)]


async def test_without_a_schedule_nothing_starts_by_itself(on):
    never = replace(on, settings=on.settings.model_copy(update={"schedule": ""}))
    await scheduled(never).ask_if_due()
    assert await windows(on) == []
