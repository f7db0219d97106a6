"""What an operator watches on the embedder."""

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from embedder.failure import kind_of
from escolta.errors import EscoltaError, Rejected

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
_AGES_S = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 6 * 3600, 24 * 3600, 7 * 24 * 3600)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Metrics:
    """Rates, sizes and times. `audios` counts by outcome.

    `embedded`; `failed`, which is not tried again; `later`, which comes again; `elsewhere`, which has its
    embedding already or is at another embedder.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.audios = Counter(
            "escolta_embedder_audios",
            "Audios that had their turn, by outcome: embedded, failed, later, elsewhere",
            ["outcome"],
            registry=registry,
        )
        self.batch = Histogram(
            "escolta_embedder_batch_audios",
            "Audios in a call of the model",
            buckets=_SIZES,
            registry=registry,
        )
        self.age_s = Histogram(
            "escolta_embedder_queue_age_seconds",
            "Seconds from an audio's entry in the catalog to its turn",
            buckets=_AGES_S,
            registry=registry,
        )
        self.oldest_waiting_s = Gauge(
            "escolta_embedder_oldest_waiting_seconds",
            "Age in the catalog of the oldest audio that catching up is at or could not have",
            registry=registry,
        )
        self._failures = Counter(
            "escolta_embedder_failures", "Audios that were not embedded, by kind", ["kind"], registry=registry
        )
        self._seconds = Histogram(
            "escolta_embedder_stage_seconds",
            "Seconds by stage, of an audio up to its resampling and then of a batch",
            ["stage"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._memory = Gauge(
            "escolta_embedder_device_memory_bytes",
            "Memory of the GPU in use: by tensors, and reserved for them",
            ["of"],
            registry=registry,
        )

    def stage(self, name: str) -> AbstractContextManager[object]:
        """Measure what is done inside, from any thread."""
        return self._seconds.labels(name).time()

    def took(self, seconds: Mapping[str, float]) -> None:
        """Take over what was measured elsewhere, by stage."""
        for stage, value in seconds.items():
            self._seconds.labels(stage).observe(value)

    def failed(self, error: EscoltaError) -> None:
        """Count an audio that was not embedded, by whether it comes again and by the kind of the reason."""
        self.audios.labels("failed" if isinstance(error, Rejected) else "later").inc()
        self._failures.labels(kind_of(error)).inc()

    def watch_device(self) -> None:
        """Tell how much of a GPU's memory the model takes, if the model that was loaded is on one."""
        torch = sys.modules.get("torch")  # the models import it; this process may do without
        if torch is None or not torch.cuda.is_available():
            return
        self._memory.labels("tensors").set_function(torch.cuda.memory_allocated)
        self._memory.labels("reserved").set_function(torch.cuda.memory_reserved)
