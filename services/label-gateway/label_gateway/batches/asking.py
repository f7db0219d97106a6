"""Who is asked to hear which audio of a batch whose listening policy does not ask everybody at once.

`db` is the pool, or the connection of a transaction.
"""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import asyncpg

from escolta.listening import policies
from escolta.listening.agreement import Marked
from escolta.listening.policies import Hearing, drawn_for_all
from label_gateway.batches import store

EVERYBODY = "group"
"""The policy of a batch of which `label.listening` has no row."""

Asked = tuple[UUID, int]
"""An audio of a batch, and a labeler who is asked to hear it."""


async def keep_policy(db: asyncpg.Connection, iteration_id: UUID, policy: str) -> None:
    """Let a batch that nobody has yet be heard by that policy, whatever is set later."""
    await db.execute(
        "INSERT INTO label.listening (iteration_id, policy) SELECT $1, $2 WHERE $2 <> $3 AND NOT EXISTS ("
        " SELECT FROM label.assignments WHERE iteration_id = $1) ON CONFLICT DO NOTHING",
        iteration_id,
        policy,
        EVERYBODY,
    )


async def policy_of(db: asyncpg.Pool | asyncpg.Connection, iteration_id: UUID) -> str:
    """The policy by which a batch is heard."""
    kept = await db.fetchval("SELECT policy FROM label.listening WHERE iteration_id = $1", iteration_id)
    return kept or EVERYBODY


async def ask(db: asyncpg.Connection, iteration_id: UUID, audio_id: UUID | None = None) -> set[Asked]:
    """Ask whoever has to hear an audio next, or each audio of the batch; who was asked now.

    `db` is a transaction that holds `lock_audio`, or `lock_assignments`. Whoever was asked stays asked, for
    they may be listening; but whoever cannot hear it any longer, because they left, is asked no more.
    """
    wanted = await to_ask(db, iteration_id, audio_id)
    await db.execute(
        "DELETE FROM label.asked k WHERE iteration_id = $1 AND ($2::uuid IS NULL OR audio_id = $2)"
        " AND NOT EXISTS (SELECT FROM label.assignments a JOIN audio.labelers l USING (group_id)"
        "  WHERE (a.iteration_id, a.audio_id, l.labeler_id) = (k.iteration_id, k.audio_id, k.labeler_id)"
        "  AND l.enabled)",
        iteration_id,
        audio_id,
    )
    await db.executemany(
        "INSERT INTO label.asked (iteration_id, audio_id, labeler_id) VALUES ($1, $2, $3)",
        [(iteration_id, *asked) for asked in sorted(wanted)],
    )
    return wanted


async def to_ask(
    db: asyncpg.Pool | asyncpg.Connection, iteration_id: UUID, audio_id: UUID | None = None
) -> set[Asked]:
    """Who would have to be asked now, of those who have not been: of one audio, or of the whole batch."""
    name = await policy_of(db, iteration_id)
    if name == EVERYBODY:
        return set()
    policy, doubts = policies.find(name), await store.doubts(db)
    rows = await db.fetch(_STANDINGS, iteration_id, audio_id)
    events = await _events(db, iteration_id, [row["audio_id"] for row in rows])
    wanted = set()
    for row in rows:
        hearing = _hearing(row, events[row["audio_id"]], doubts, iteration_id)
        asks = set(policy(hearing)) - set(row["asked"])
        # Whoever was asked first is heard first: another is asked when that has not been enough.
        if hearing.by_all or not set(row["asked"]) & set(hearing.waiting()):
            wanted |= {(row["audio_id"], labeler_id) for labeler_id in asks}
    return wanted


def _hearing(row: asyncpg.Record, events: Sequence[Marked], doubts: set[int], iteration_id: UUID) -> Hearing:
    return Hearing(
        group=_in_turn(row["people"], row["place"]),
        answered=row["answered"],
        events=events,
        doubts=doubts,
        expected=row["expected"],
        by_all=drawn_for_all(row["audio_id"], str(iteration_id)),
    )


def _in_turn(people: Sequence[int], place: int) -> list[int]:
    """The people of a group, so that down its part of the batch each is the first as often."""
    turn = place % len(people) if people else 0
    return [*people[turn:], *people[:turn]]


# Of an open batch, each audio that is not settled with each group that has it: `people` who are there to
# hear it, who has `answered` for the group, who was `asked`, and the class that the classifier gives it.
_STANDINGS = """
    SELECT a.audio_id, a.place, w.suggested[1] AS expected,
           array(SELECT labeler_id FROM audio.labelers l
                 WHERE l.group_id = a.group_id AND l.enabled ORDER BY labeler_id) AS people,
           array(SELECT labeler_id FROM label.submissions s
                 WHERE (s.iteration_id, s.audio_id, s.group_id) = (a.iteration_id, a.audio_id, a.group_id)
                 ORDER BY submitted_at, labeler_id) AS answered,
           array(SELECT labeler_id FROM label.asked k
                 WHERE (k.iteration_id, k.audio_id) = (a.iteration_id, a.audio_id)) AS asked
    FROM label.assignments a JOIN al.wavs_proposed w USING (iteration_id, audio_id)
    WHERE a.iteration_id = $1 AND ($2::uuid IS NULL OR a.audio_id = $2) AND NOT EXISTS (
        SELECT FROM label.agreements t WHERE (t.iteration_id, t.audio_id) = (a.iteration_id, a.audio_id))
    AND NOT EXISTS (SELECT FROM label.closed_iterations c WHERE c.iteration_id = a.iteration_id)
"""


async def _events(
    db: asyncpg.Pool | asyncpg.Connection, iteration_id: UUID, audio_ids: Sequence[UUID]
) -> dict[UUID, list[Marked]]:
    rows = await db.fetch(
        "SELECT audio_id, labeler_id, class_id, onset_s, offset_s FROM audio.chunks"
        " WHERE iteration_id = $1 AND audio_id = ANY ($2)",
        iteration_id,
        audio_ids,
    )
    events: dict[UUID, list[Marked]] = defaultdict(list)
    for audio_id, *event in rows:
        events[audio_id].append(Marked(*event))
    return events
