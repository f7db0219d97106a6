"""What label-gateway reads from the catalog of BAT for whoever watches."""

from escolta.metrics.figures import Figure, Figures, Reading
from escolta.service import Platform

FIGURES = (
    Figure(
        "escolta_bat_listed_audios",
        "Audios that are finished in BAT and cannot be taken over; the page BAT says why",
    ),
    Figure(
        "escolta_bat_last_round_timestamp_seconds",
        "When a round came to the end of that one of the open projects for which it is longest ago",
    ),
)

_BAT = """
WITH open_projects AS MATERIALIZED (
    SELECT p.iteration_id, group_id, coalesce(last_round_at, proposed_at) AS at
    FROM label.bat_projects p JOIN al.al_preprocessing USING (iteration_id)
    WHERE read_to_end_at IS NULL AND deleted_at IS NULL)
SELECT extract(epoch FROM min(at)) AS oldest,
       (SELECT count(*) FROM label.bat_annotations JOIN open_projects USING (iteration_id, group_id)
        WHERE pending AND todo IS NOT NULL) AS listed
FROM open_projects
"""


def figures(on: Platform) -> Figures:
    """Nothing where no BAT is set."""

    async def bat() -> Reading:
        if not on.settings.bat_url:
            return {}
        row = await on.catalog.fetchrow(_BAT)
        return {
            "escolta_bat_listed_audios": {(): row["listed"]},
            "escolta_bat_last_round_timestamp_seconds": {}
            if row["oldest"] is None
            else {(): float(row["oldest"])},
        }

    return Figures("bat", FIGURES, bat)
