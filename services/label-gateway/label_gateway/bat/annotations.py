"""The SQL of what users of BAT have finished, and what has become of it here."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from label_gateway.bat.answers import DISABLED, UNKNOWN_USER, UNKNOWN_WAV, NotTaken
from label_gateway.bat.parsing import Annotation
from label_gateway.bat.reading import Said
from label_gateway.bat.spans import Span
from label_gateway.bat.store import Project

_OF_PROJECT = "(a.iteration_id, a.group_id) = ($1, $2)"
_ONE = "(iteration_id, group_id, wav_name, bat_user) = ($1, $2, $3, $4)"


@dataclass(frozen=True)
class Answer:
    """What a user has finished, whose it is, and which audio it is about.

    `said`: what was read of it last. `duration_s` None: the audio may not be heard any longer.
    """

    wav_name: str
    bat_user: str
    annotation_id: int
    audio_id: UUID
    labeler_id: int
    duration_s: float | None
    said: tuple[Span, ...] | None


async def note_finished(db: asyncpg.Connection, project: Project, finished: Sequence[Annotation]) -> None:
    """Keep which annotations are finished now. One that is not waits for nobody, until it is again.

    What BAT shows under another number, or had not finished the last time, is to be read anew.
    """
    given = (
        *project.key,
        [annotation.wav for annotation in finished],
        [annotation.user for annotation in finished],
        [annotation.annotation_id for annotation in finished],
    )
    async with db.transaction():
        await db.execute(_LEFT, *given[:4])
        await db.execute(_SEEN, *given)


_LEFT = f"""
    UPDATE label.bat_annotations a SET seen = 0, reason = NULL, todo = NULL, detail = NULL
    WHERE {_OF_PROJECT} AND seen > 0 AND NOT EXISTS (
        SELECT FROM unnest($3::text[], $4::text[]) AS f (wav_name, bat_user)
        WHERE (f.wav_name, f.bat_user) = (a.wav_name, a.bat_user))
"""
_SEEN = """
    INSERT INTO label.bat_annotations AS a
        (iteration_id, group_id, wav_name, bat_user, audio_id, annotation_id, seen)
    SELECT $1, $2, f.wav_name, f.bat_user, w.audio_id, f.annotation_id, 1
    FROM unnest($3::text[], $4::text[], $5::bigint[]) AS f (wav_name, bat_user, annotation_id)
    LEFT JOIN label.bat_wavs w ON (w.iteration_id, w.group_id, w.wav_name) = ($1, $2, f.wav_name)
    ON CONFLICT (iteration_id, group_id, wav_name, bat_user) DO UPDATE SET
        annotation_id = EXCLUDED.annotation_id,
        audio_id = coalesce(EXCLUDED.audio_id, a.audio_id),
        seen = CASE WHEN a.annotation_id = EXCLUDED.annotation_id THEN least(a.seen + 1, 2) ELSE 1 END,
        read_at = CASE WHEN a.annotation_id = EXCLUDED.annotation_id AND a.seen > 0 THEN a.read_at END
    WHERE a.seen < 2 OR a.annotation_id <> EXCLUDED.annotation_id OR a.audio_id IS NULL
"""


async def is_begun(db: asyncpg.Connection, project: Project) -> bool:
    """Whether anything was ever finished in the project."""
    return await db.fetchval(
        f"SELECT EXISTS (SELECT FROM label.bat_annotations a WHERE {_OF_PROJECT})", *project.key
    )


async def list_strangers(db: asyncpg.Connection, project: Project) -> None:
    """List what nobody of ours has finished, or of what is not ours; nothing of it is read."""
    for why, which in (
        (UNKNOWN_WAV, "a.audio_id IS NULL"),
        (
            UNKNOWN_USER,
            "a.audio_id IS NOT NULL AND NOT EXISTS (SELECT FROM label.bat_users u"
            " WHERE u.bat_user = a.bat_user)",
        ),
        (
            DISABLED,
            "a.audio_id IS NOT NULL AND EXISTS (SELECT FROM label.bat_users u"
            " JOIN audio.labelers l USING (labeler_id) WHERE u.bat_user = a.bat_user AND NOT l.enabled)",
        ),
    ):
        await db.execute(
            "UPDATE label.bat_annotations a SET reason = $3, todo = $4, detail = NULL"
            f" WHERE {_OF_PROJECT} AND seen >= 2 AND pending AND reason IS DISTINCT FROM $3 AND {which}",
            *project.key,
            why.reason,
            why.todo,
        )


_ANSWERS = f"""
    SELECT a.wav_name, a.bat_user, a.annotation_id, a.audio_id, l.labeler_id, a.said,
           (SELECT f.duration_s FROM al.wavs_proposed w JOIN audio.hearable f USING (audio_id, start_utc)
            WHERE (w.iteration_id, w.audio_id) = (a.iteration_id, a.audio_id)) AS duration_s
    FROM label.bat_annotations a JOIN label.bat_users u USING (bat_user)
    JOIN audio.labelers l ON l.labeler_id = u.labeler_id AND l.enabled
    WHERE {_OF_PROJECT} AND a.audio_id IS NOT NULL AND seen >= 2
"""


# An answer that is not here yet waits while another of its audio is here, and has changed: it may be the last
# one, after which nothing changes any more.
_SETTLES_NO_CHANGE = """(imported_at IS NOT NULL OR NOT EXISTS (
    SELECT FROM label.bat_annotations o JOIN label.bat_users v USING (bat_user)
    JOIN audio.labelers m ON m.labeler_id = v.labeler_id AND m.enabled
    WHERE (o.iteration_id, o.audio_id) = (a.iteration_id, a.audio_id)
    AND o.seen > 0 AND o.imported_at IS NOT NULL AND o.read_at IS NULL))"""
_UNREAD = """(read_at IS NULL OR read_at <
    (SELECT closed_at FROM label.closed_iterations c WHERE c.iteration_id = a.iteration_id))"""


async def to_read(db: asyncpg.Connection, project: Project) -> list[Answer]:
    """What was finished in two lists and is to be read; after closing, what was not read since.

    What was tried longest ago comes first, so that nothing that fails keeps the rest from its turn.
    """
    rows = await db.fetch(
        f"{_ANSWERS} AND {_UNREAD} AND {_SETTLES_NO_CHANGE} ORDER BY tried_at NULLS FIRST, annotation_id",
        *project.key,
    )
    return [_answer(row) for row in rows]


async def to_take(db: asyncpg.Connection, project: Project) -> list[Answer]:
    """What was read and could not be taken over then, or was for another labeler: that may have changed."""
    rows = await db.fetch(
        f"{_ANSWERS} AND (pending OR a.labeler_id IS DISTINCT FROM l.labeler_id) AND said IS NOT NULL"
        f" AND read_at IS NOT NULL AND {_SETTLES_NO_CHANGE} ORDER BY annotation_id",
        *project.key,
    )
    return [_answer(row) for row in rows]


async def unsettled(db: asyncpg.Connection, project: Project) -> dict[int, tuple[int, ...]]:
    """Annotations that were read and can still be changed, with the regions that they had then."""
    rows = await db.fetch(
        "SELECT annotation_id, region_ids FROM label.bat_annotations a"
        f" WHERE {_OF_PROJECT} AND seen >= 2 AND read_at IS NOT NULL AND NOT EXISTS ("
        " SELECT FROM label.agreements t WHERE (t.iteration_id, t.audio_id) = (a.iteration_id, a.audio_id))"
        " ORDER BY annotation_id",
        *project.key,
    )
    return {row["annotation_id"]: tuple(row["region_ids"]) for row in rows}


async def read_anew(db: asyncpg.Connection, project: Project, annotation_ids: Sequence[int]) -> None:
    """What these say has changed in BAT."""
    await db.execute(
        f"UPDATE label.bat_annotations a SET read_at = NULL WHERE {_OF_PROJECT} AND annotation_id = ANY ($3)",
        *project.key,
        annotation_ids,
    )


async def tried(db: asyncpg.Connection, project: Project, answer: Answer) -> None:
    """Whatever comes of it: an attempt to read it begins."""
    await db.execute(
        f"UPDATE label.bat_annotations SET tried_at = now() WHERE {_ONE}",
        *project.key,
        answer.wav_name,
        answer.bat_user,
    )


async def keep_read(db: asyncpg.Connection, project: Project, answer: Answer, said: Said) -> bool:
    """Keep what was read; whether it says something else than before, or was not taken over yet."""
    written = json.dumps([[span.class_name, span.start_s, span.end_s] for span in said.spans])
    return await db.fetchval(
        "UPDATE label.bat_annotations SET read_at = now(), region_ids = $5, said = $6::jsonb,"
        f" pending = pending OR said IS DISTINCT FROM $6::jsonb WHERE {_ONE} RETURNING pending",
        *project.key,
        answer.wav_name,
        answer.bat_user,
        list(said.region_ids),
        written,
    )


async def taken(db: asyncpg.Connection, project: Project, answer: Answer) -> None:
    """The labeler has said so, here as well."""
    await db.execute(
        "UPDATE label.bat_annotations SET pending = false, imported_at = now(), reason = NULL, todo = NULL,"
        f" detail = NULL, labeler_id = $5 WHERE {_ONE}",
        *project.key,
        answer.wav_name,
        answer.bat_user,
        answer.labeler_id,
    )


async def not_taken(
    db: asyncpg.Connection, project: Project, answer: Answer, why: NotTaken, *, for_good: bool
) -> bool:
    """List it; whether that is new. `for_good`: no later round can take it over."""
    return await db.fetchval(
        f"WITH before AS (SELECT reason, detail FROM label.bat_annotations WHERE {_ONE} FOR UPDATE)"
        " UPDATE label.bat_annotations SET pending = NOT $5, reason = $6, todo = $7, detail = $8,"
        f" labeler_id = $9 WHERE {_ONE}"
        " RETURNING (SELECT (b.reason, b.detail) IS DISTINCT FROM ($6::text, $8::text) FROM before b)",
        *project.key,
        answer.wav_name,
        answer.bat_user,
        for_good,
        why.why.reason,
        why.why.todo,
        why.detail,
        answer.labeler_id,
    )


async def unread(db: asyncpg.Connection, project: Project) -> tuple[int, int]:
    """How many that are finished are still to be read, and of how many of these nobody is told.

    What is none of ours is not read, but for the list in which it is seen a second time.
    """
    row = await db.fetchrow(
        "SELECT count(*) AS all, count(*) FILTER (WHERE todo IS NULL) AS untold"
        f" FROM label.bat_annotations a WHERE {_OF_PROJECT} AND (seen = 1 OR seen = 2 AND {_UNREAD}"
        " AND a.audio_id IS NOT NULL AND EXISTS (SELECT FROM label.bat_users u JOIN audio.labelers l"
        "  USING (labeler_id) WHERE u.bat_user = a.bat_user AND l.enabled))",
        *project.key,
    )
    return row["all"], row["untold"]


def _answer(row: asyncpg.Record) -> Answer:
    said = None if row["said"] is None else tuple(Span(*span) for span in json.loads(row["said"]))
    return Answer(**{**row, "said": said})
