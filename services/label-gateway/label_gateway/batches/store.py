"""The SQL of batches: what people said of their audios, and what came of it.

`db` is the pool, or the connection of a transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from escolta.events import AudioLabeled
from escolta.listening.agreement import Agreement, Marked
from label_gateway.batches.waiting import EVERYBODY_DONE


@dataclass(frozen=True)
class BatchAudio:
    """One audio of one batch, the thing that a group agrees on."""

    iteration_id: UUID
    audio_id: UUID


# Submitting ----------------------------------------------------------------------------------------


async def lock_audio(db: asyncpg.Connection, audio: BatchAudio) -> list[str]:
    """Names of the groups that have the audio; other submissions for it wait until this one commits."""
    rows = await db.fetch(
        "SELECT g.name FROM label.assignments a JOIN label.groups g USING (group_id)"
        " WHERE iteration_id = $1 AND audio_id = $2 ORDER BY group_id FOR UPDATE OF a",
        audio.iteration_id,
        audio.audio_id,
    )
    return [row["name"] for row in rows]


@dataclass(frozen=True)
class Standing:
    """What decides whether labels of an audio are taken. `duration_s` None: it may not be heard any longer;
    `classes`: those of the named that the ontology has; `doubt`: one of them is Doubt; `is_closed`: nobody
    labels its batch any longer."""

    duration_s: float | None
    classes: frozenset[int]
    doubt: bool
    is_agreed: bool
    is_closed: bool


async def standing(db: asyncpg.Connection, audio: BatchAudio, class_ids: set[int]) -> Standing:
    """How an audio stands that is to be labeled with these classes."""
    row = await db.fetchrow(
        "SELECT (SELECT f.duration_s FROM al.wavs_proposed w"
        "        JOIN audio.hearable f USING (audio_id, start_utc)"
        "        WHERE (w.iteration_id, w.audio_id) = ($1, $2)) AS duration_s,"
        " array(SELECT class_id FROM audio.ontology WHERE class_id = ANY($3)) AS classes,"
        " EXISTS (SELECT FROM audio.ontology WHERE class_id = ANY($3) AND is_doubt) AS doubt,"
        " EXISTS (SELECT FROM label.agreements WHERE (iteration_id, audio_id) = ($1, $2)) AS is_agreed,"
        " EXISTS (SELECT FROM label.closed_iterations WHERE iteration_id = $1) AS is_closed",
        audio.iteration_id,
        audio.audio_id,
        list(class_ids),
    )
    return Standing(**{**row, "classes": frozenset(row["classes"])})


async def marked(db: asyncpg.Connection, audio: BatchAudio) -> list[Marked]:
    """Every event that anybody marked in the audio."""
    rows = await db.fetch(
        "SELECT labeler_id, class_id, onset_s, offset_s FROM audio.chunks"
        " WHERE iteration_id = $1 AND audio_id = $2",
        audio.iteration_id,
        audio.audio_id,
    )
    return [Marked(**row) for row in rows]


async def replace_submission(
    db: asyncpg.Connection,
    audio: BatchAudio,
    labeler_id: int,
    group: str,
    events: Sequence[Marked],
    suggestions_shown: bool,
) -> None:
    """Keep `events` as all that the labeler, for the group of that name, says of the audio.

    `suggestions_shown` is kept where the batch has any to show; who has seen them once has seen them.
    """
    await db.execute(
        "WITH before AS ("
        "  DELETE FROM audio.chunks WHERE (iteration_id, audio_id, labeler_id) = ($1, $2, $3)),"
        " after AS ("
        "  INSERT INTO audio.chunks (iteration_id, audio_id, labeler_id, class_id, onset_s, offset_s)"
        "  SELECT $1, $2, $3, * FROM unnest($5::integer[], $6::float8[], $7::float8[]))"
        " INSERT INTO label.submissions (iteration_id, audio_id, labeler_id, group_id, suggestions_shown)"
        " VALUES ($1, $2, $3, (SELECT group_id FROM label.groups WHERE name = $4), $8 AND EXISTS ("
        "  SELECT FROM al.al_preprocessing WHERE iteration_id = $1 AND suggestions = 'shown'))"
        " ON CONFLICT (iteration_id, audio_id, labeler_id) DO UPDATE SET submitted_at = now(),"
        " group_id = EXCLUDED.group_id,"
        " suggestions_shown = submissions.suggestions_shown OR EXCLUDED.suggestions_shown",
        audio.iteration_id,
        audio.audio_id,
        labeler_id,
        group,
        [event.class_id for event in events],
        [event.onset_s for event in events],
        [event.offset_s for event in events],
        suggestions_shown,
    )


async def has_submitted(db: asyncpg.Connection, audio: BatchAudio, labeler_id: int) -> bool:
    """Whether the labeler is done with the audio."""
    return await db.fetchval(
        "SELECT EXISTS (SELECT FROM label.submissions"
        " WHERE (iteration_id, audio_id, labeler_id) = ($1, $2, $3))",
        audio.iteration_id,
        audio.audio_id,
        labeler_id,
    )


# Agreeing ------------------------------------------------------------------------------------------


async def is_agreed(db: asyncpg.Connection, audio: BatchAudio) -> bool:
    """Whether the audio's agreement, or the lack of one, is settled."""
    return await db.fetchval(
        "SELECT EXISTS (SELECT FROM label.agreements WHERE (iteration_id, audio_id) = ($1, $2))",
        audio.iteration_id,
        audio.audio_id,
    )


async def is_everybody_done(db: asyncpg.Connection, audio: BatchAudio) -> bool:
    """Whether somebody has labeled the audio, and nobody is still to do it."""
    return await db.fetchval(
        "SELECT EXISTS (SELECT FROM label.assignments a"
        f" WHERE (a.iteration_id, a.audio_id) = ($1, $2) AND {EVERYBODY_DONE})",
        audio.iteration_id,
        audio.audio_id,
    )


async def group_of_each(db: asyncpg.Connection, audio: BatchAudio) -> dict[int, int]:
    """Who has labeled the audio, and for which group."""
    rows = await db.fetch(
        "SELECT labeler_id, group_id FROM label.submissions WHERE (iteration_id, audio_id) = ($1, $2)",
        audio.iteration_id,
        audio.audio_id,
    )
    return {row["labeler_id"]: row["group_id"] for row in rows}


async def doubts(db: asyncpg.Connection) -> set[int]:
    """The classes that say "I am not sure"."""
    return {row["class_id"] for row in await db.fetch("SELECT class_id FROM audio.ontology WHERE is_doubt")}


async def keep_agreement(db: asyncpg.Connection, audio: BatchAudio, agreement: Agreement) -> None:
    """Settle the audio."""
    await db.execute(
        "INSERT INTO label.agreements (iteration_id, audio_id, class_id, labelers, agreement_percent)"
        " VALUES ($1, $2, $3, $4, $5)",
        audio.iteration_id,
        audio.audio_id,
        agreement.class_id,
        agreement.labelers,
        agreement.agreement_percent,
    )


async def audios_to_agree_on(db: asyncpg.Pool) -> list[BatchAudio]:
    """Audios of open batches with which everybody is done, and which are not settled."""
    rows = await db.fetch(
        "SELECT DISTINCT a.iteration_id, a.audio_id FROM label.assignments a"
        " WHERE a.iteration_id IN (SELECT iteration_id FROM al.al_preprocessing WHERE status = 'proposed')"
        " AND NOT EXISTS (SELECT FROM label.agreements t"
        "                   WHERE (t.iteration_id, t.audio_id) = (a.iteration_id, a.audio_id))"
        f" AND {EVERYBODY_DONE} ORDER BY 1, 2"
    )
    return [BatchAudio(**row) for row in rows]


async def labeled(db: asyncpg.Pool, audio: BatchAudio) -> AudioLabeled:
    """The event that tells of a settled audio."""
    row = await db.fetchrow(
        "SELECT iteration_id, audio_id, c.name AS label, labelers,"
        " agreement_percent::numeric(5, 2)::float8 AS agreement_percent"
        " FROM label.agreements LEFT JOIN audio.ontology c USING (class_id)"
        " WHERE (iteration_id, audio_id) = ($1, $2)",
        audio.iteration_id,
        audio.audio_id,
    )
    return AudioLabeled(**row)


async def labels_not_taken_up(db: asyncpg.Pool) -> list[BatchAudio]:
    """Settled audios of which al-engine shows no knowledge."""
    rows = await db.fetch(
        "SELECT iteration_id, audio_id FROM label.agreements JOIN al.wavs_proposed"
        " USING (iteration_id, audio_id) WHERE labeled_at IS NULL ORDER BY agreed_at"
    )
    return [BatchAudio(**row) for row in rows]


# Closing -------------------------------------------------------------------------------------------

# Without assignments a batch waits for people, unless nothing of it may be heard.
_FINISHED = """
    (EXISTS (SELECT FROM label.assignments a WHERE a.iteration_id = i.iteration_id)
     OR NOT EXISTS (SELECT FROM al.hearable_proposals w WHERE w.iteration_id = i.iteration_id))
    AND NOT EXISTS (SELECT FROM label.assignments a WHERE a.iteration_id = i.iteration_id AND NOT EXISTS (
        SELECT FROM label.agreements t WHERE (t.iteration_id, t.audio_id) = (a.iteration_id, a.audio_id)))
"""


async def close_if_finished(db: asyncpg.Pool, iteration_id: UUID) -> bool:
    """Close a batch of which every audio is settled; true for the one caller that closed it.

    Must run after the commit of the settling: of two last audios settled at once, neither transaction
    sees the other, but whoever commits last sees both here.
    """
    closed = await db.fetchval(
        "INSERT INTO label.closed_iterations (iteration_id) SELECT i.iteration_id"
        f" FROM (SELECT $1::uuid AS iteration_id) i WHERE {_FINISHED}"
        " ON CONFLICT DO NOTHING RETURNING iteration_id",
        iteration_id,
    )
    return closed is not None


async def batches_to_close(db: asyncpg.Pool) -> list[UUID]:
    """Batches that are finished and not closed."""
    rows = await db.fetch(
        "SELECT iteration_id FROM al.al_preprocessing i WHERE status = 'proposed' AND NOT EXISTS ("
        " SELECT FROM label.closed_iterations c WHERE c.iteration_id = i.iteration_id)"
        f" AND {_FINISHED} ORDER BY proposed_at"
    )
    return [row["iteration_id"] for row in rows]


async def closings_not_taken_up(db: asyncpg.Pool) -> list[UUID]:
    """Closed batches that al-engine still takes for open."""
    rows = await db.fetch(
        "SELECT iteration_id FROM label.closed_iterations JOIN al.al_preprocessing USING (iteration_id)"
        " WHERE status = 'proposed' ORDER BY label.closed_iterations.closed_at"
    )
    return [row["iteration_id"] for row in rows]


async def answered_audios(db: asyncpg.Connection, iteration_id: UUID) -> list[BatchAudio]:
    """Audios of the batch that somebody has labeled and that are not settled."""
    rows = await db.fetch(
        "SELECT DISTINCT iteration_id, audio_id FROM label.submissions s WHERE iteration_id = $1"
        " AND NOT EXISTS (SELECT FROM label.agreements t"
        "                 WHERE (t.iteration_id, t.audio_id) = (s.iteration_id, s.audio_id)) ORDER BY 2",
        iteration_id,
    )
    return [BatchAudio(**row) for row in rows]


async def close(db: asyncpg.Connection, iteration_id: UUID) -> bool:
    """Close a batch, finished or not; true for the one caller that closed it."""
    closed = await db.fetchval(
        "INSERT INTO label.closed_iterations (iteration_id) VALUES ($1)"
        " ON CONFLICT DO NOTHING RETURNING iteration_id",
        iteration_id,
    )
    return closed is not None
