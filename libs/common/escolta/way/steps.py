"""The steps of an audio's way, each read from the row that the step wrote."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg


@dataclass(frozen=True)
class Step:
    """One thing that happened to an audio. `at` None: its row keeps no time, and follows the one before."""

    at: datetime | None
    what: str
    how: str


# Each statement gives at, what, how; $1 is the audio's id. In the order in which things happen.
_STEPS = (
    """
    SELECT start_utc AS at, 'recorded' AS what,
           format('by %s, %s s at %s Hz, as %s; the clock was %s', n.name, round(duration_s::numeric, 2),
                  rate_hz, file_name, clock_state) AS how
    FROM audio.audios JOIN audio.nodes AS n USING (node_id) WHERE audio_id = $1
    """,
    """
    SELECT at, replace(kind, '_', ' '), reason FROM audio.quarantine WHERE audio_id = $1
    """,
    """
    SELECT cataloged_at, 'cataloged',
           format('object %s%s, SHA-256 %s', path, object_name, encode(sha256, 'hex'))
    FROM audio.audios JOIN audio.paths USING (path_id) WHERE audio_id = $1
    """,
    """
    SELECT embedded_at, 'embedded',
           format('by %s: %s %s%s', model_id, m.class_names[1 + top_class],
                  round(top_probability::numeric, 2), '; speech ' || round(e.speech::numeric, 2))
    FROM audio.embeddings AS e JOIN audio.models AS m USING (model_id) WHERE audio_id = $1
    """,
    """
    SELECT failed_at, 'not embedded', format('by %s: %s', model_id, reason)
    FROM audio.embedding_failures WHERE audio_id = $1
    """,
    """
    SELECT NULL::timestamptz, 'waits', format('for its embedding by %s', model_id)
    FROM audio.embedding_queue WHERE audio_id = $1
    """,
    """
    SELECT proposed_at, 'proposed',
           format('in iteration %s (%s), rank %s, set %s: %s', number, iteration_id, rank, disjoint_set,
                  CASE WHEN w.control THEN 'drawn at random'
                       WHEN nearest_medoid IS NULL THEN 'a medoid of its set'
                       WHEN w.mismatched THEN format('mismatched, %s by its medoid and %s by the classifier',
                                                   propagated_class, predicted_class)
                       ELSE format('%s from its medoid %s', round(distance::numeric, 3), nearest_medoid) END)
    FROM al.wavs_proposed AS w JOIN al.al_preprocessing USING (iteration_id) WHERE audio_id = $1
    """,
    """
    SELECT NULL::timestamptz, 'assigned', format('to %s, in iteration %s', g.name, iteration_id)
    FROM label.assignments JOIN label.groups AS g USING (group_id) WHERE audio_id = $1 ORDER BY group_id
    """,
    """
    SELECT withdrawn_at, 'withdrawn', format('from %s, in iteration %s', g.name, iteration_id)
    FROM label.withdrawals JOIN label.groups AS g USING (group_id) WHERE audio_id = $1
    """,
    """
    SELECT asked_at, 'asked', format('%s, in iteration %s', name, iteration_id)
    FROM label.asked JOIN audio.labelers USING (labeler_id) WHERE audio_id = $1
    """,
    """
    SELECT pushed_at, 'in BAT', format('%s of project %s%s', wav_name, p.name, ': ' || refused)
    FROM label.bat_wavs JOIN label.bat_projects AS p USING (iteration_id, group_id)
    WHERE audio_id = $1 AND (pushed_at IS NOT NULL OR refused IS NOT NULL) ORDER BY p.name
    """,
    """
    SELECT coalesce(imported_at, read_at, tried_at), 'said in BAT',
           format('by its user %s in project %s: %s', bat_user, p.name,
                  coalesce(reason, CASE WHEN pending THEN 'to be read' ELSE 'taken over' END))
    FROM label.bat_annotations JOIN label.bat_projects AS p USING (iteration_id, group_id)
    WHERE audio_id = $1 ORDER BY p.name, bat_user
    """,
    """
    SELECT submitted_at, 'labeled', format('by %s%s: %s', l.name, coalesce(' of ' || g.name, ''),
           coalesce((SELECT string_agg(format('%s %s–%s s', c.name, round(onset_s::numeric, 2),
                                              round(offset_s::numeric, 2)), ', ' ORDER BY onset_s)
                     FROM audio.chunks AS k JOIN audio.ontology AS c USING (class_id)
                     WHERE (k.iteration_id, k.audio_id, k.labeler_id)
                           = (s.iteration_id, s.audio_id, s.labeler_id)),
                    'nothing'))
    FROM label.submissions AS s JOIN audio.labelers AS l USING (labeler_id)
    LEFT JOIN label.groups AS g ON g.group_id = s.group_id WHERE audio_id = $1
    """,
    """
    SELECT agreed_at, 'settled',
           format('%s; %s labelers, %s %%', coalesce('as ' || c.name, 'without a class'), labelers,
                  round(agreement_percent))
    FROM label.agreements LEFT JOIN audio.ontology AS c USING (class_id) WHERE audio_id = $1
    """,
    """
    SELECT NULL::timestamptz, 'medoid', format('of iteration %s (%s)', i.number, iteration_id)
    FROM al.medoids JOIN al.al_preprocessing AS i USING (iteration_id)
    WHERE audio_ids @> ARRAY[$1::uuid] ORDER BY i.number
    """,
    """
    SELECT NULL::timestamptz, 'unresolved', format('to iteration %s (%s)', i.number, iteration_id)
    FROM al.medoids JOIN al.al_preprocessing AS i USING (iteration_id)
    WHERE unresolved_ids @> ARRAY[$1::uuid] ORDER BY i.number
    """,
    """
    SELECT at, 'exported', format('%s by %s may have it', which, name) FROM audio.audit
    WHERE what = 'exported' AND at >= (SELECT min(submitted_at) FROM label.submissions WHERE audio_id = $1)
    ORDER BY audit_id
    """,
    """
    SELECT forgotten_at, 'forgotten', 'deleted with every trace, and taken by nobody again'
    FROM audio.forgotten WHERE audio_id = $1
    """,
)


async def steps(db: asyncpg.Connection, audio_id: UUID) -> list[Step]:
    """Everything that the catalog knows of the audio, in order; nothing where it knows none of that id."""
    found = [Step(*row) for sql in _STEPS for row in await db.fetch(sql, audio_id)]
    return in_order(found)


def in_order(found: Sequence[Step]) -> list[Step]:
    """By their times; a step without one stays behind that after which it was found."""
    keys: list[tuple[float, int]] = []
    for place, step in enumerate(found):
        before = keys[-1][0] if keys else -math.inf
        keys.append((step.at.timestamp() if step.at else before, place))
    return [found[place] for _, place in sorted(keys)]
