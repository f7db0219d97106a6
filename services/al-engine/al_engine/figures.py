"""What the al-engine reads from the catalog for whoever watches: its iterations, and the last of them."""

from escolta.metrics.figures import Figure, Figures, Reading
from escolta.service import Platform

FIGURES = (
    Figure(
        "escolta_iterations",
        "Iterations by status; what is requested waits or runs, what a lead has canceled did not fail",
        ("status",),
    ),
    Figure(
        "escolta_iteration_first_requested_timestamp_seconds",
        "When the oldest iteration of a status was asked for",
        ("status",),
    ),
    Figure(
        "escolta_iteration_last_requested_timestamp_seconds",
        "When the newest iteration of a status was asked for",
        ("status",),
    ),
    Figure("escolta_iteration_number", "Number of the last iteration that proposed"),
    Figure("escolta_iteration_proposed_timestamp_seconds", "When the last iteration proposed"),
    Figure("escolta_iteration_unlabeled_audios", "Audios that the last iteration chose from"),
    Figure("escolta_iteration_medoids", "Medoids that the last iteration stood on"),
    Figure("escolta_iteration_labeled_ratio", "Part of the last iteration's window that had a label, 0 to 1"),
    Figure(
        "escolta_iteration_mismatched_ratio",
        "Part of the audios on which the committee of the last iteration differed, 0 to 1",
    ),
    Figure(
        "escolta_iteration_changed_ratio",
        "Part of the predictions that differ from those of the iteration before, 0 to 1",
    ),
)

_BY_STATUS = """
SELECT CASE WHEN status = 'failed' AND canceled THEN 'canceled' ELSE status END AS status,
       count(*) AS iterations, extract(epoch FROM min(requested_at)) AS first_at,
       extract(epoch FROM max(requested_at)) AS last_at
FROM al.al_preprocessing GROUP BY 1
"""
_LAST = """
SELECT number AS escolta_iteration_number,
       extract(epoch FROM proposed_at) AS escolta_iteration_proposed_timestamp_seconds,
       unlabeled AS escolta_iteration_unlabeled_audios, medoids AS escolta_iteration_medoids,
       share_labeled AS escolta_iteration_labeled_ratio,
       mismatched::float8 / nullif(judged, 0) AS escolta_iteration_mismatched_ratio,
       changed::float8 / nullif(compared, 0) AS escolta_iteration_changed_ratio
FROM al.al_preprocessing WHERE proposed_at IS NOT NULL ORDER BY number DESC LIMIT 1
"""


def figures(on: Platform) -> list[Figures]:
    """Everything that the al-engine reads for whoever watches."""

    async def iterations() -> Reading:
        statuses = await on.catalog.fetch(_BY_STATUS)
        last = await on.catalog.fetchrow(_LAST)
        read: dict[str, dict[tuple[str, ...], float]] = {
            "escolta_iterations": {(row["status"],): row["iterations"] for row in statuses},
            "escolta_iteration_first_requested_timestamp_seconds": {
                (row["status"],): float(row["first_at"]) for row in statuses
            },
            "escolta_iteration_last_requested_timestamp_seconds": {
                (row["status"],): float(row["last_at"]) for row in statuses
            },
        }
        for name, value in (last or {}).items():
            if value is not None:
                read[name] = {(): float(value)}
        return read

    return [Figures("iterations", FIGURES, iterations)]
