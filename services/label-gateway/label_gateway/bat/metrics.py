"""What an operator watches of BAT."""

from prometheus_client import CollectorRegistry, Counter


class Metrics:
    """What has come from BAT."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.taken = Counter(
            "escolta_bat_answers", "Answers given in BAT that were taken over here", registry=registry
        )
