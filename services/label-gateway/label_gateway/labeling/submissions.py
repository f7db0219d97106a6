"""A labeler is done with an audio: what is checked, kept and set going."""

from collections.abc import Sequence

import asyncpg

from escolta.errors import Rejected
from escolta.listening.agreement import Marked
from escolta.service import Platform
from label_gateway.batches import assignments, store
from label_gateway.batches.handlers import Batches
from label_gateway.batches.store import BatchAudio, Standing
from label_gateway.people.labelers import Labeler

MOST_EVENTS = 500
"""What one labeler may mark in one audio; whoever hands events in checks it."""

PAST_THE_END_S = 0.05
"""A browser's decoder may find an audio a little longer than its file says; a mark there means the end."""


SHORTEST_S = 0.02
"""What is shorter than this cannot be marked by hand: in an audio that is, a mark means all of it."""


class NotAssigned(Rejected):
    """Raised when the audio was not given to the labeler's group, or may not be heard any longer."""


class AlreadySettled(Rejected):
    """Raised when the group has agreed, or failed to: what its labelers said is not changed afterwards."""


async def submit(
    on: Platform,
    batches: Batches,
    labeler: Labeler,
    audio: BatchAudio,
    events: Sequence[Marked],
    suggestions_shown: bool = False,
) -> None:
    """Take `events` as all that `labeler` says of `audio`; an empty list says that there is nothing.

    `suggestions_shown`: they saw which classes it probably has.

    1. Lock the audio, so that two last labelers do not miss each other; check that it is the labeler's.
    2. Once it is settled refuse, unless this is the same submission again: its answer was lost.
    3. Check the events; cut what reaches a little past the end.
    4. Keep them in place of what the labeler said before.
    5. Settle the audio if this was the last labeler.
    6. Commit, then tell.

    Raises `NotAssigned`, `AlreadySettled`, or `Rejected` for an event that cannot be.
    """
    async with on.catalog.acquire() as db, db.transaction():
        group = await _group_that_has_it(db, labeler, audio)
        standing = await store.standing(db, audio, {event.class_id for event in events})
        if standing.duration_s is None:
            raise NotAssigned("This audio may not be heard any longer: what its node records is withheld.")
        events = _checked(events, standing, standing.duration_s)
        if standing.is_agreed:
            await _same_again(db, audio, labeler, events)
            return
        if standing.is_closed:
            raise AlreadySettled("A lead has closed this batch: nothing of it is labeled any longer.")
        await store.replace_submission(db, audio, labeler.labeler_id, group, events, suggestions_shown)
        agreement = await batches.settle(db, audio)
    batches.metrics.submitted(group, standing.doubt)
    carried = {"audio_id": audio.audio_id, "iteration_id": audio.iteration_id}
    on.log("label-gateway").info("labeled by one of %s", group, extra=carried)
    if agreement:
        await batches.tell(audio, agreement)


async def _group_that_has_it(db: asyncpg.Connection, labeler: Labeler, audio: BatchAudio) -> str:
    """The labeler's group. What was withdrawn while they listened is theirs again if they answer first."""
    if labeler.group is None:
        raise NotAssigned("You are in no group, so no audio is for you: ask your lead.")
    if (
        labeler.group in await store.lock_audio(db, audio)
        or await assignments.take_back(db, audio, labeler.group)
        or labeler.group in await store.lock_audio(db, audio)  # taken back by another while we waited
    ):
        return labeler.group
    raise NotAssigned("This audio is not, or no longer, for your group: ask for your next tasks.")


async def _same_again(
    db: asyncpg.Connection, audio: BatchAudio, labeler: Labeler, events: Sequence[Marked]
) -> None:
    before = [event for event in await store.marked(db, audio) if event.labeler_id == labeler.labeler_id]
    if set(before) != set(events) or not await store.has_submitted(db, audio, labeler.labeler_id):
        raise AlreadySettled("Everybody is done with this audio, so it cannot be labeled again.")


def _checked(events: Sequence[Marked], standing: Standing, duration_s: float) -> list[Marked]:
    unknown = {event.class_id for event in events} - standing.classes
    if unknown:
        raise Rejected(f"There is no class {min(unknown)}: see /api/classes.")
    return [_inside(event, duration_s) for event in events]


def _inside(event: Marked, duration_s: float) -> Marked:
    if duration_s < SHORTEST_S and event.offset_s <= SHORTEST_S:
        return Marked(event.labeler_id, event.class_id, 0.0, duration_s)
    end_s = min(event.offset_s, duration_s)
    if not 0 <= event.onset_s < end_s or event.offset_s > duration_s + PAST_THE_END_S:
        raise Rejected(
            f"An event from {event.onset_s:g} s to {event.offset_s:g} s does not fit into this audio:"
            f" it lasts {duration_s:g} s, and an event must end after it begins."
        )
    return Marked(event.labeler_id, event.class_id, event.onset_s, end_s)
