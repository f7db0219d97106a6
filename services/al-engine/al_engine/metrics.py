"""What an operator watches of the al-engine."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """Counters, gauges and seconds, by stage: window, medoids, embeddings, select, record."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.outcomes = Counter(
            "escolta_iterations", "Iterations, by outcome", ["outcome"], registry=registry
        )
        self.waiting = Gauge(
            "escolta_iterations_waiting", "Iterations that wait to be run", registry=registry
        )
        self.embedded = Counter(
            "escolta_audios_to_choose_from",
            "Audios that an iteration can propose, since this process started",
            registry=registry,
        )
        self.seconds = Histogram(
            "escolta_iteration_seconds",
            "Seconds of an iteration, by stage (select holds the fetching of embeddings)",
            ["stage"],
            registry=registry,
            buckets=(0.1, 0.3, 1, 3, 10, 30, 100, 300),
        )
        self.unlabeled = Gauge(
            "escolta_iteration_unlabeled", "Audios that the last iteration chose from", registry=registry
        )
        self.medoids = Gauge(
            "escolta_iteration_medoids", "Medoids that the last iteration stood on", registry=registry
        )
