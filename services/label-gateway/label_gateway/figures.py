"""What label-gateway reads from the catalog for whoever watches: who has work, and how batches stand."""

from escolta.metrics.figures import Figure, Figures, Reading
from escolta.service import Platform
from label_gateway.bat import figures as bat
from label_gateway.batches.waiting import WAITING

NO_GROUP = "(none)"

FIGURES = (
    Figure("escolta_labelers", "Labelers who may sign in, by group", ("group",)),
    Figure("escolta_labelers_without_work", "Labelers of a group who have nothing to hear", ("group",)),
    Figure(
        "escolta_labeling_waiting_audios", "Audios to hear, summed over the labelers of a group", ("group",)
    ),
    Figure("escolta_labeling_unsettled_audios", "Audios of open batches that groups are still to settle"),
    Figure("escolta_batches_open", "Batches that are proposed and not closed"),
    Figure("escolta_batch_oldest_open_timestamp_seconds", "When the oldest open batch was proposed"),
    Figure("escolta_batch_last_submission_timestamp_seconds", "When somebody labeled for an open batch last"),
)

_PEOPLE = f"""
WITH people AS (
    SELECT l.group_id, (SELECT count(*) FROM label.assignments a
                        WHERE a.group_id = l.group_id AND {WAITING}) AS waiting
    FROM audio.labelers l WHERE l.enabled)
SELECT g.name, count(*) AS labelers, sum(waiting)::bigint AS waiting,
       count(*) FILTER (WHERE waiting = 0) AS without_work
FROM people LEFT JOIN label.groups g USING (group_id) GROUP BY g.name
"""
_BATCHES = """
WITH open_batches AS MATERIALIZED (
    SELECT iteration_id, proposed_at FROM al.al_preprocessing i WHERE status = 'proposed' AND NOT EXISTS (
        SELECT FROM label.closed_iterations c WHERE c.iteration_id = i.iteration_id))
SELECT count(*) AS batches, extract(epoch FROM min(proposed_at)) AS oldest,
       (SELECT extract(epoch FROM max(submitted_at)) FROM label.submissions
        WHERE iteration_id IN (SELECT iteration_id FROM open_batches)) AS answered,
       (SELECT count(DISTINCT (a.iteration_id, a.audio_id)) FROM label.assignments a
        WHERE a.iteration_id IN (SELECT iteration_id FROM open_batches) AND NOT EXISTS (
            SELECT FROM label.agreements t
            WHERE (t.iteration_id, t.audio_id) = (a.iteration_id, a.audio_id))) AS unsettled
FROM open_batches
"""


def figures(on: Platform) -> list[Figures]:
    """Everything that label-gateway reads for whoever watches."""

    async def labeling() -> Reading:
        groups = await on.catalog.fetch(_PEOPLE)
        batches = await on.catalog.fetchrow(_BATCHES)
        in_groups = [row for row in groups if row["name"] is not None]
        return {
            "escolta_labelers": {(row["name"] or NO_GROUP,): row["labelers"] for row in groups},
            "escolta_labelers_without_work": {(row["name"],): row["without_work"] for row in in_groups},
            "escolta_labeling_waiting_audios": {(row["name"],): row["waiting"] for row in in_groups},
            "escolta_labeling_unsettled_audios": {(): batches["unsettled"]},
            "escolta_batches_open": {(): batches["batches"]},
            "escolta_batch_oldest_open_timestamp_seconds": _known(batches["oldest"]),
            "escolta_batch_last_submission_timestamp_seconds": _known(batches["answered"]),
        }

    return [Figures("labeling", FIGURES, labeling), bat.figures(on)]


def _known(value: float | None) -> dict[tuple[str, ...], float]:
    return {} if value is None else {(): float(value)}
