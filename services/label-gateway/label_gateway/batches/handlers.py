"""The life of a batch, from its proposal until every group has finished it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from escolta.audit import Who
from escolta.errors import Rejected, Transient
from escolta.events import AudioLabeled, BatchProposed, Event, IterationClosed
from escolta.listening.agreement import Agreement, agree
from escolta.names import same_name
from escolta.observe import tell_of
from escolta.service import Message, Platform
from label_gateway.audit.log import note
from label_gateway.batches import asking, assignments, store
from label_gateway.batches.metrics import Metrics
from label_gateway.batches.sharing import shares
from label_gateway.batches.store import BatchAudio

REPEAT_AFTER = timedelta(hours=1)
"""A fact that al-engine shows no knowledge of is told again, but not so often that it fills a queue while
al-engine is away for a day."""


class Batches:
    """Gives batches out, settles audios, closes batches, and tells of it. Rows first, then events."""

    def __init__(self, on: Platform) -> None:
        self._on = on
        self._log = on.log("label-gateway")
        self._told_at: dict[Event, datetime] = {}
        self.metrics = Metrics(on.metrics)

    async def on_proposed(self, messages: Sequence[Message[BatchProposed]]) -> None:
        """Give each proposed batch to the groups, as its row has it."""
        for message in messages:
            if await assignments.is_proposed(self._on.catalog, message.event.iteration_id):
                await self.give_out(message.event.iteration_id)
            else:
                message.reject(
                    f"there is no row of a batch that iteration {message.event.iteration_id} proposes, so"
                    " nothing was given out: al-engine writes one before it tells of it"
                )

    async def give_out(self, iteration_id: UUID) -> None:
        """Decide who hears which audio of a batch; once more whenever the groups have changed.

        1. Find the groups in which somebody is there; without any the batch waits for `follow_people`.
        2. Share the audios that may be heard out among them by rank. What somebody of a group has answered
           stays with it.
        3. If that changes nothing, be done; else do the same again while nobody gives out or submits.
        4. Ask who has to hear each audio next, where the batch's listening policy does not ask all at once.
        """
        async with self._on.catalog.acquire() as db, db.transaction():
            changes = await self._changes(db, iteration_id)
            if not changes and not await asking.to_ask(db, iteration_id):
                return
            await assignments.lock_batch(db, iteration_id)
            await assignments.lock_assignments(db, iteration_id)
            if changes := await self._changes(db, iteration_id):
                await asking.keep_policy(db, iteration_id, self._on.settings.listening)
                await assignments.change(db, iteration_id, *changes)
            await asking.ask(db, iteration_id)
        if not changes:
            return
        for sentence, parts in zip(("given out %d audios", "withdrawn %d audios"), changes, strict=True):
            tell_of(self._log, sentence, {audio_id for audio_id, _ in parts}, iteration_id=iteration_id)

    async def _changes(
        self, db: asyncpg.Connection, iteration_id: UUID
    ) -> tuple[set[assignments.Part], set[assignments.Part]] | None:
        """What groups get and lose; None where nothing changes, or nobody is there to change it for."""
        groups = await assignments.staffed_groups(db)
        if not groups or await assignments.is_closed(db, iteration_id):
            return None
        before = await assignments.proposed_audios(db, iteration_id)
        weights = {group_id: self._weight(name) for group_id, name in groups.items()}
        hearable = [audio_id for audio_id, had in before.items() if not had.withheld]
        parts = shares(hearable, weights, self._on.settings.group_overlap, before)
        given, lost = assignments.changes(before, parts)
        return (given, lost) if given or lost else None

    def _weight(self, group: str) -> float:
        weights = self._on.settings.group_shares
        return weights.get(same_name(group, weights) or "", 1.0)

    async def follow_people(self) -> None:
        """Give every open batch to the groups as they are now."""
        for iteration_id in await assignments.open_batches(self._on.catalog):
            await self.give_out(iteration_id)

    async def close_as_it_is(self, iteration_id: UUID, by: Who) -> None:
        """Close a batch for which a lead does not want to wait: what somebody has answered is settled by
        these answers, the rest stays without a label.

        Raises `Rejected` for a batch that is not open.
        """
        settled = []
        async with self._on.catalog.acquire() as db, db.transaction():
            await assignments.lock_batch(db, iteration_id)
            if iteration_id not in await assignments.open_batches(db):
                raise Rejected(f"Batch {iteration_id} is not open: there is nothing to close.")
            await assignments.lock_assignments(db, iteration_id)
            for audio in await store.answered_audios(db, iteration_id):
                settled.append((audio, await self._agree(db, audio)))
            await store.close(db, iteration_id)
            await note(db, by, "closed a batch", str(iteration_id))
        for audio, agreement in settled:
            await self.tell(audio, agreement)
        await self._tell_closed(iteration_id, "closed by a lead")

    async def settle(self, db: asyncpg.Connection, audio: BatchAudio) -> Agreement | None:
        """Agree on the audio if everybody is done with it and it is not settled; ask whoever hears it next.

        `db` is a transaction that holds `lock_audio`; call `tell` after its commit.
        """
        await asking.ask(db, audio.iteration_id, audio.audio_id)
        if not await store.is_everybody_done(db, audio) or await store.is_agreed(db, audio):
            return None
        return await self._agree(db, audio)

    async def _agree(self, db: asyncpg.Connection, audio: BatchAudio) -> Agreement:
        group_of = await store.group_of_each(db, audio)
        agreement = agree(group_of, await store.marked(db, audio), await store.doubts(db))
        await store.keep_agreement(db, audio, agreement)
        return agreement

    async def tell(self, audio: BatchAudio, agreement: Agreement) -> None:
        """Publish that an audio is settled, and close its batch if that was the last one."""
        outcome = "agreed on a class" if agreement.class_id else "settled without a class"
        self._log.info(outcome, extra={"audio_id": audio.audio_id, "iteration_id": audio.iteration_id})
        self.metrics.settled(agreement)
        await self._publish(await store.labeled(self._on.catalog, audio))
        await self._close(audio.iteration_id)

    async def catch_up(self) -> None:
        """Do what a crash, a lost message or a change of people left undone.

        1. Give batches out to the groups as they are now.
        2. Settle audios that nobody is waited for any longer.
        3. Close batches that are finished.
        4. Tell again of what al-engine has not taken up.
        """
        await self.follow_people()
        for audio in await store.audios_to_agree_on(self._on.catalog):
            async with self._on.catalog.acquire() as db, db.transaction():
                await store.lock_audio(db, audio)
                agreement = await self.settle(db, audio)
            if agreement:
                await self.tell(audio, agreement)
        for iteration_id in await store.batches_to_close(self._on.catalog):
            await self._close(iteration_id)
        await self._tell_again()

    async def _close(self, iteration_id: UUID) -> None:
        if await store.close_if_finished(self._on.catalog, iteration_id):
            await self._tell_closed(iteration_id, "every group has finished")

    async def _tell_closed(self, iteration_id: UUID, why: str) -> None:
        self._log.info(why, extra={"iteration_id": iteration_id})
        await self._publish(IterationClosed(iteration_id=iteration_id))

    async def _tell_again(self) -> None:
        for audio in await store.labels_not_taken_up(self._on.catalog):
            await self._publish(await store.labeled(self._on.catalog, audio))
        for iteration_id in await store.closings_not_taken_up(self._on.catalog):
            await self._publish(IterationClosed(iteration_id=iteration_id))

    async def _publish(self, event: AudioLabeled | IterationClosed) -> None:
        """Publish, unless this process did so lately. The row is there: a bus that is away loses nothing."""
        now = self._on.clock.now()
        told_at = self._told_at.get(event)
        if told_at and now - told_at < REPEAT_AFTER:
            return
        try:
            await self._on.bus.publish(event)
        except Transient as error:
            self._log.warning("%s is told later: %s", event.topic, error)
        else:
            self._told_at[event] = now
