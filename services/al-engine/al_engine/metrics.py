"""What an operator watches of the al-engine at work."""

from prometheus_client import CollectorRegistry, Counter, Histogram


class Metrics:
    """Counters, and seconds by stage: window, medoids, embeddings, select, suggest, record."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.outcomes = Counter(
            "escolta_iterations_ended",
            "Iterations that ended, by outcome: proposed, empty, failed",
            ["outcome"],
            registry=registry,
        )
        for outcome in ("proposed", "empty", "failed"):
            self.outcomes.labels(outcome)
        self.embedded = Counter(
            "escolta_audios_to_choose_from",
            "Audios that an iteration can propose, since this process was started",
            registry=registry,
        )
        self.seconds = Histogram(
            "escolta_iteration_stage_seconds",
            "Seconds of an iteration, by stage; select holds the fetching of embeddings",
            ["stage"],
            registry=registry,
            buckets=(0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000),
        )
