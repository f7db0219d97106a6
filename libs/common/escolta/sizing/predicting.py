"""From a plan to what it takes: pure arithmetic on measured costs."""

from collections.abc import Mapping
from dataclasses import dataclass

from escolta.sizing import costs

DAY_S = 86_400
WEEK_DAYS = 7
MONTH_DAYS = 31
"""Scores of patches go by whole months: the last one waits for its end."""


@dataclass(frozen=True)
class Plan:
    """What is to be recorded and kept. `keep_…_days` 0: for ever. `cold_after_days` 0: nothing moves.
    `outage_days`: without what comes next."""

    nodes: int
    rate_hz: int
    bits: int = 16
    channels: int = 1
    duration_s: float = 10.0
    hours_per_day: float = 24.0
    model: str = "yamnet"
    keep_audio_days: int = 0
    keep_patch_scores_days: int = 0
    cold_after_days: int = 0
    backup_grace_days: int = 30
    labels_per_week: int = 400
    outage_days: float = 3.0
    days: int = 365

    @property
    def audios_per_day(self) -> float:
        """Of all nodes."""
        return self.nodes * self.hours_per_day * 3600 / self.duration_s

    @property
    def audio_bytes(self) -> float:
        """Of a WAV file."""
        samples = self.rate_hz * self.duration_s * self.channels
        return costs.WAV_HEADER_BYTES + samples * self.bits / 8


@dataclass(frozen=True)
class Sizing:
    """What the plan takes after its days: bytes on disks and in memory, cores by part, audios."""

    audios: float
    tables: Mapping[str, float]
    disks: Mapping[str, float]
    memory: Mapping[str, float]
    cores: Mapping[str, float]


def predict(plan: Plan) -> Sizing:
    """What `plan` takes in the last of its days."""
    audios = plan.audios_per_day * plan.days
    tables = _tables(plan, audios)
    return Sizing(audios, tables, _disks(plan, tables), _memory(plan), _cores(plan))


def _tables(plan: Plan, audios: float) -> dict[str, float]:
    weeks = plan.days / WEEK_DAYS
    rows = {"audio.audios": audios, "audio.embeddings": audios, "audio.patches": _with_scores(plan)}
    sizes = {table: number * costs.ROW_BYTES[table] for table, number in rows.items()}
    if plan.model == "cnn14":
        sizes |= {"audio.embeddings": audios * costs.CNN14_EMBEDDING_BYTES, "audio.patches": 0.0}
    looked_at = plan.audios_per_day * WEEK_DAYS
    return sizes | {
        "labels": weeks * plan.labels_per_week * costs.LABEL_BYTES,
        "al.predictions": weeks * looked_at * costs.PREDICTION_BYTES,
    }


def _with_scores(plan: Plan) -> float:
    keep_days = plan.keep_patch_scores_days
    days = min(plan.days, keep_days + MONTH_DAYS) if keep_days else plan.days
    return plan.audios_per_day * days


def _sounds(plan: Plan, longer_days: int = 0) -> float:
    """How many sounds are kept: those of the last days, or of some more, and each that was proposed."""
    days = min(plan.days, plan.keep_audio_days + longer_days if plan.keep_audio_days else plan.days)
    proposed = (plan.days - days) / WEEK_DAYS * plan.labels_per_week
    return plan.audios_per_day * days + proposed


def _moved(plan: Plan) -> float:
    """How many of the sounds lie in the second place."""
    days = min(plan.days, plan.keep_audio_days or plan.days, plan.cold_after_days or plan.days)
    return _sounds(plan) - plan.audios_per_day * days if plan.cold_after_days else 0.0


def _disks(plan: Plan, tables: Mapping[str, float]) -> dict[str, float]:
    catalog = sum(tables.values())
    waiting = plan.audios_per_day * plan.outage_days
    object_bytes, moved = plan.audio_bytes + costs.OBJECT_BYTES, _moved(plan)
    copied = _sounds(plan, plan.backup_grace_days) * plan.audio_bytes
    return {
        "store": (_sounds(plan) - moved) * object_bytes,
        "cold store": moved * object_bytes,
        "catalog": catalog + costs.LOG_BYTES,
        "broker": waiting * costs.MESSAGE_BYTES,
        "backups": copied + costs.BASES * catalog + costs.LOG_BYTES,
        "spool of a node": waiting / plan.nodes * (plan.audio_bytes + costs.SPOOLED_BYTES),
    }


def _memory(plan: Plan) -> dict[str, float]:
    memory = dict[str, float](costs.MEMORY_BYTES)
    memory["store"] += (_sounds(plan) - _moved(plan)) * costs.NEEDLE_BYTES
    return memory | {"embedding": float(costs.EMBEDDING_MEMORY_BYTES[plan.model])}


def _cores(plan: Plan) -> dict[str, float]:
    recorded_per_s = plan.audios_per_day / DAY_S
    heard_ms = costs.EMBEDDING_MS[plan.model] * plan.duration_s / 10
    busy = {"entrance and servers": costs.ENTRANCE_MS, "embedding": heard_ms}
    return {
        name: max(least, recorded_per_s * busy.get(name, 0.0) / 1000 / costs.BUSY)
        for name, least in costs.LEAST_CORES.items()
    }
