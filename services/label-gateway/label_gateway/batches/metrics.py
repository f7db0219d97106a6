"""What an operator watches of labeling."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from escolta.listening.agreement import Agreement


class Metrics:
    """What people say of audios, and what comes of it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._submissions = Counter(
            "escolta_labeling_submissions",
            "Audios labeled, each time that somebody says what is in one",
            ["group"],
            registry=registry,
        )
        self._doubts = Counter(
            "escolta_labeling_doubts", "Submissions that say Doubt", ["group"], registry=registry
        )
        self._agreements = Counter(
            "escolta_labeling_agreements",
            "Audios settled, by outcome: agreed on a class, or none",
            ["outcome"],
            registry=registry,
        )
        self._ratio = Histogram(
            "escolta_labeling_agreement_ratio",
            "Part of the labelers of a settled audio who used its class, or the most used one; 0 to 1",
            buckets=(0.2, 0.34, 0.5, 0.6, 0.67, 0.75, 0.8, 1),
            registry=registry,
        )
        for outcome in ("agreed", "none"):
            self._agreements.labels(outcome)

    def submitted(self, group: str, doubt: bool) -> None:
        """Count that somebody of a group is done with an audio."""
        self._submissions.labels(group).inc()
        self._doubts.labels(group).inc(int(doubt))

    def settled(self, agreement: Agreement) -> None:
        """Count that an audio is settled."""
        self._agreements.labels("agreed" if agreement.class_id else "none").inc()
        self._ratio.observe(agreement.agreement_percent / 100)
