"""What an operator watches at a node itself; what ingest knows of all nodes is in its own metrics."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from node_agent.spool import Spool


class Metrics:
    """Counters of the node, and what waits in its spool."""

    def __init__(self, registry: CollectorRegistry, spool: Spool) -> None:
        self.recorded = Counter("escolta_node_agent_recorded", "Audios put into the spool", registry=registry)
        self.refused = Counter("escolta_node_agent_refused", "Audios that ingest refused", registry=registry)
        self.removed = Counter(
            "escolta_node_agent_refused_removed",
            "Refused audios that had to go for newer ones",
            registry=registry,
        )
        spooled = Gauge(
            "escolta_node_agent_spooled_audios", "Audios that wait in the spool", registry=registry
        )
        spooled.set_function(lambda: len(spool))
