"""Gathers what the stopping panel shows from the records."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg
import numpy as np
from numpy.typing import NDArray

from al_engine.catalog import windows
from al_engine.method.committee import predict
from al_engine.stopping import advice as stopping
from al_engine.stopping.advice import Panel, PanelIteration, RandomPoint
from escolta.errors import Rejected

LEAST_TO_LEARN = 2
MOST_POINTS = 20
"""Of the random curve: each is a classifier fitted whenever somebody looks."""


class _Drawn(NamedTuple):
    """An audio of a control arm, labeled, of a closed iteration."""

    number: int
    audio_id: UUID
    start: datetime
    label: str
    predicted: str | None


async def panel(pool: asyncpg.Pool) -> Panel:
    """The panel as of now. An open batch's control arm is left out, lest it be known."""
    rows = await pool.fetch(
        "SELECT i.iteration_id, i.number, i.status, i.proposed_at, i.judged, i.mismatched,"
        " i.compared, i.changed,"
        " count(w.audio_id) AS proposed, count(w.label) AS labeled"
        " FROM al.al_preprocessing AS i LEFT JOIN al.wavs_proposed AS w USING (iteration_id)"
        " WHERE i.status IN ('proposed', 'closed') GROUP BY i.iteration_id ORDER BY i.number"
    )
    drawn = await _drawn(pool)
    first_met = await _first_met(pool)
    iterations: list[PanelIteration] = []
    labels = 0
    for place, row in enumerate(rows, 1):
        before, labels = labels, labels + row["labeled"]
        closed = row["status"] == "closed"
        own = [draw for draw in drawn if draw.number == row["number"] and draw.predicted is not None]
        iterations.append(
            PanelIteration(
                iteration_id=row["iteration_id"],
                number=place,
                status=row["status"],
                proposed_at=row["proposed_at"],
                proposed=row["proposed"],
                labeled=row["labeled"],
                labels=labels,
                mismatched=stopping.wilson(row["mismatched"] or 0, row["judged"] or 0),
                changed=stopping.wilson(row["changed"] or 0, row["compared"] or 0),
                new_classes=first_met.get(row["number"], []) if closed else None,
                control_accuracy=stopping.wilson(sum(draw.predicted == draw.label for draw in own), len(own)),
                fitted_to=before,
            )
        )
    points = [
        (iteration.fitted_to, iteration.control_accuracy)
        for iteration in iterations
        if iteration.control_accuracy
    ]
    control_labels = [draw.label for draw in drawn]
    gain = stopping.expected_gain(points, control_labels)
    advice, reasons = stopping.advise(iterations, gain)
    return Panel(
        iterations=iterations,
        prevalence=stopping.prevalence(control_labels),
        random_curve=await _random_curve(pool, drawn),
        expected_gain=gain,
        advice=advice,
        reasons=reasons,
    )


async def _drawn(pool: asyncpg.Pool) -> list[_Drawn]:
    rows = await pool.fetch(
        "SELECT number, audio_id, start_utc, label, predicted_class FROM al.wavs_proposed"
        " JOIN al.al_preprocessing USING (iteration_id)"
        " WHERE control AND label IS NOT NULL AND status = 'closed' ORDER BY number, audio_id"
    )
    return [_Drawn(*row) for row in rows]


async def _first_met(pool: asyncpg.Pool) -> dict[int, list[str]]:
    """The classes that each iteration, by number, was the first to meet."""
    rows = await pool.fetch(
        "SELECT label, min(number) AS number FROM al.wavs_proposed"
        " JOIN al.al_preprocessing USING (iteration_id) WHERE label IS NOT NULL GROUP BY label ORDER BY label"
    )
    found: dict[int, list[str]] = {}
    for row in rows:
        found.setdefault(row["number"], []).append(row["label"])
    return found


async def _random_curve(pool: asyncpg.Pool, drawn: Sequence[_Drawn]) -> list[RandomPoint]:
    """Fitted to the control arms of the first iterations, tried on those of the later ones."""
    model = await pool.fetchrow(
        "SELECT model_id, dim FROM al.al_preprocessing JOIN audio.models USING (model_id)"
        " WHERE number IS NOT NULL ORDER BY number DESC LIMIT 1"
    )
    numbers = sorted({draw.number for draw in drawn})
    if model is None or len(numbers) < 2:
        return []
    ids, starts = [draw.audio_id for draw in drawn], [draw.start for draw in drawn]
    try:
        vectors = await windows.vectors(pool, model["model_id"], model["dim"], ids, starts)
    except Rejected:
        return []  # audios of another model's time: no classifier can be fitted to both
    return await asyncio.to_thread(_learned, drawn, vectors, numbers)


def _learned(
    drawn: Sequence[_Drawn], vectors: NDArray[np.float32], numbers: Sequence[int]
) -> list[RandomPoint]:
    labels = np.array([draw.label for draw in drawn])
    of_number = np.array([draw.number for draw in drawn])
    points = []
    places = np.linspace(0, len(numbers) - 2, min(MOST_POINTS, len(numbers) - 1)).round().astype(int)
    for number in (numbers[place] for place in places):
        known = of_number <= number
        if known.sum() < LEAST_TO_LEARN:
            continue
        predicted = predict(vectors[known], labels[known], vectors[~known]).classes
        share = stopping.wilson(int((predicted == labels[~known]).sum()), int((~known).sum()))
        if share:
            points.append(RandomPoint(labels=int(known.sum()), accuracy=share))
    return points
