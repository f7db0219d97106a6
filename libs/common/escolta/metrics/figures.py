"""Metrics that are read from the catalog beside the scrape, which so costs no query."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

Reading = Mapping[str, Mapping[tuple[str, ...], float]]
"""By a figure's name its values, by the values of its labels."""


@dataclass(frozen=True)
class Figure:
    """One metric of a reading. `counter`: what only grows; its name in the end has `_total` besides."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    counter: bool = False

    def family(self, values: Mapping[tuple[str, ...], float]) -> Metric:
        """The metric with these values. Raises ValueError for values that do not fit its labels."""
        made = (CounterMetricFamily if self.counter else GaugeMetricFamily)(
            self.name, self.help, labels=self.labels
        )
        for labels, value in values.items():
            if len(labels) != len(self.labels):
                raise ValueError(f"{self.name} has the labels {self.labels}, not {labels}")
            made.add_metric(labels, value)
        return made


@dataclass(frozen=True)
class Figures:
    """What a service reads from the catalog every `period_s` seconds for whoever watches.

    What `read` leaves out has no sample, and nothing has one while the catalog does not answer.
    """

    name: str
    figures: Sequence[Figure]
    read: Callable[[], Awaitable[Reading]]
    period_s: float = 30.0


class Readings:
    """When which figures of a process were read last; one for each registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.read_at = Gauge(
            "escolta_figures_read_timestamp_seconds",
            "When these figures were read from the catalog last",
            ["figures"],
            registry=registry,
        )


class LastReading(Collector):
    """The last reading of some figures, as the registry collects it; empty where it has failed."""

    def __init__(self, figures: Figures, readings: Readings) -> None:
        self.figures = figures
        self._readings = readings
        self._values: Reading = {}
        readings.registry.register(self)

    async def read_figures(self) -> None:
        """Read anew. Raises what the catalog does, or TimeoutError; then nothing old stays."""
        try:
            async with asyncio.timeout(self.figures.period_s):
                self._values = await self.figures.read()
        except BaseException:
            self._values = {}
            raise
        self._readings.read_at.labels(self.figures.name).set(time.time())

    def describe(self) -> Iterator[Metric]:
        """Names alone: by them the registry keeps two from being called alike."""
        return (figure.family({}) for figure in self.figures.figures)

    def collect(self) -> Iterator[Metric]:
        return (figure.family(self._values.get(figure.name, {})) for figure in self.figures.figures)
