"""What is read from the catalog for whoever watches: beside the scrape, and nothing old."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from escolta.metrics.figures import Figure, Figures, LastReading, Reading, Readings

SPOOLED = Figure("escolta_test_spooled_audios", "Audios that wait", ("node",))
RECORDED = Figure("escolta_test_recorded", "Audios recorded", ("node",), counter=True)
READ_AT = "escolta_figures_read_timestamp_seconds"


class Catalog:
    """What is read; where there is a fault, it is raised instead."""

    def __init__(self, **spooled: float) -> None:
        self.spooled = spooled
        self.fault: Exception | None = None
        self.silent = False

    async def read(self) -> Reading:
        if self.silent:
            await asyncio.Event().wait()
        if self.fault:
            raise self.fault
        return {SPOOLED.name: {(node,): value for node, value in self.spooled.items()}}


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def watched(registry: CollectorRegistry, catalog: Catalog, period_s: float = 30) -> LastReading:
    return LastReading(Figures("nodes", (SPOOLED, RECORDED), catalog.read, period_s), Readings(registry))


def spooled(registry: CollectorRegistry, node: str) -> float | None:
    return registry.get_sample_value(SPOOLED.name, {"node": node})


async def test_nothing_is_told_before_it_is_read(registry):
    watched(registry, Catalog(quay=3))
    assert spooled(registry, "quay") is None
    assert registry.get_sample_value(READ_AT, {"figures": "nodes"}) is None


async def test_what_is_gone_from_the_catalog_is_told_no_longer(registry):
    catalog = Catalog(quay=3, raft=1)
    reading = watched(registry, catalog)
    await reading.read_figures()
    assert (spooled(registry, "quay"), spooled(registry, "raft")) == (3, 1)
    catalog.spooled = {"quay": 4}
    await reading.read_figures()
    assert (spooled(registry, "quay"), spooled(registry, "raft")) == (4, None)


async def test_without_the_catalog_there_is_no_figure_and_its_time_stays(registry):
    catalog = Catalog(quay=3)
    reading = watched(registry, catalog)
    await reading.read_figures()
    read_at = registry.get_sample_value(READ_AT, {"figures": "nodes"})
    catalog.fault = ConnectionRefusedError(111, "Connection refused")
    with pytest.raises(ConnectionRefusedError):
        await reading.read_figures()
    assert spooled(registry, "quay") is None
    assert registry.get_sample_value(READ_AT, {"figures": "nodes"}) == read_at


async def test_a_catalog_that_says_nothing_is_not_waited_for_for_ever(registry):
    catalog = Catalog()
    catalog.silent = True
    with pytest.raises(TimeoutError):
        await watched(registry, catalog, period_s=0.01).read_figures()


def test_a_counter_is_told_as_one():
    family = RECORDED.family({("quay",): 15})
    assert (family.type, family.samples[0].name) == ("counter", "escolta_test_recorded_total")


def test_two_figures_of_one_name_are_refused(registry):
    watched(registry, Catalog())
    with pytest.raises(ValueError, match="Duplicated"):
        watched(registry, Catalog())


def test_values_that_do_not_fit_the_labels_are_a_slip():
    with pytest.raises(ValueError, match="has the labels"):
        SPOOLED.family({("quay", "clock"): 1})
