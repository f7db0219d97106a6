"""The life of a batch, from its proposal until every group has finished it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
from prometheus_client import Counter, Gauge

from escolta.errors import Transient
from escolta.events import AudioLabeled, BatchProposed, Event, IterationClosed
from escolta.service import Message, Platform
from label_gateway.batches import assignments, store
from label_gateway.batches.agreement import Agreement, agree
from label_gateway.batches.assignment import shares
from label_gateway.batches.store import BatchAudio

REPEAT_AFTER = timedelta(hours=1)
"""A fact that al-engine shows no knowledge of is told again, but not so often that it fills a queue while
al-engine is away for a day."""


class Batches:
    """Gives batches out, settles audios, closes batches, and tells of it. Rows first, then events."""

    def __init__(self, on: Platform) -> None:
        self._on = on
        self._log = on.log("label-gateway")
        self._told: dict[Event, datetime] = {}
        self.submissions = Counter("escolta_submissions", "Audios labeled", registry=on.metrics)
        self._agreements = Counter("escolta_agreements", "Audios settled", ["outcome"], registry=on.metrics)
        self._waiting = Gauge(
            "escolta_labeling_waiting", "Audios to hear, summed over labelers", registry=on.metrics
        )

    async def on_proposed(self, messages: Sequence[Message[BatchProposed]]) -> None:
        """Give each proposed batch to the groups; nothing where that has been done."""
        for message in messages:
            await self.give_out(message.event.iteration_id)

    async def give_out(self, iteration_id: UUID) -> None:
        """Decide who hears which audio of a batch, once for all.

        1. Take the batch, so that nobody else gives it out at the same time.
        2. Find the groups in which somebody is there; without any the batch waits for `catch_up`.
        3. Share the audios out among them by rank.
        """
        async with self._on.catalog.acquire() as db, db.transaction():
            await assignments.lock_batch(db, iteration_id)
            if await assignments.is_given_out(db, iteration_id):
                return
            groups = await assignments.staffed_groups(db)
            if not groups:
                self._log.warning(
                    "a batch waits: no group has a labeler", extra={"iteration_id": iteration_id}
                )
                return
            audios = await assignments.proposed_audios(db, iteration_id)
            parts = self._on.settings.group_shares
            weights = {group_id: parts.get(name, 1.0) for group_id, name in groups.items()}
            overlap = self._on.settings.group_overlap
            await assignments.give_out(db, iteration_id, shares(audios, weights, overlap))
        self._log.info(
            "%d audios for %s", len(audios), ", ".join(groups.values()), extra={"iteration_id": iteration_id}
        )

    async def give_out_waiting(self) -> None:
        """Give out the batches that came while no group had anybody."""
        for iteration_id in await assignments.batches_to_give_out(self._on.catalog):
            await self.give_out(iteration_id)

    async def settle(self, db: asyncpg.Connection, audio: BatchAudio) -> Agreement | None:
        """Agree on the audio if everybody is done with it and it is not settled.

        `db` is a transaction that holds `lock_audio`; call `tell` after its commit.
        """
        labelers = await store.labelers_if_everybody_done(db, audio)
        if not labelers or await store.is_agreed(db, audio):
            return None
        agreement = agree(labelers, await store.marked(db, audio), await store.doubts(db))
        await store.keep_agreement(db, audio, agreement)
        return agreement

    async def tell(self, audio: BatchAudio, agreement: Agreement) -> None:
        """Publish that an audio is settled, and close its batch if that was the last one."""
        self._agreements.labels("agreed" if agreement.class_id else "none").inc()
        await self._publish(await store.labeled(self._on.catalog, audio))
        await self._close(audio.iteration_id)

    async def catch_up(self) -> None:
        """Do what a crash, a lost message or a change of people left undone.

        1. Give out batches that nobody has.
        2. Settle audios that nobody is waited for any longer.
        3. Close batches that are finished.
        4. Tell again of what al-engine has not taken up.
        """
        await self.give_out_waiting()
        for audio in await store.audios_to_agree_on(self._on.catalog):
            async with self._on.catalog.acquire() as db, db.transaction():
                await store.lock_audio(db, audio)
                agreement = await self.settle(db, audio)
            if agreement:
                await self.tell(audio, agreement)
        for iteration_id in await store.batches_to_close(self._on.catalog):
            await self._close(iteration_id)
        await self._tell_again()
        self._waiting.set(await store.waiting_for_all(self._on.catalog))

    async def _close(self, iteration_id: UUID) -> None:
        if await store.close_if_finished(self._on.catalog, iteration_id):
            self._log.info("every group has finished", extra={"iteration_id": iteration_id})
            await self._publish(IterationClosed(iteration_id=iteration_id))

    async def _tell_again(self) -> None:
        for audio in await store.labels_not_taken_up(self._on.catalog):
            await self._publish(await store.labeled(self._on.catalog, audio))
        for iteration_id in await store.closings_not_taken_up(self._on.catalog):
            await self._publish(IterationClosed(iteration_id=iteration_id))

    async def _publish(self, event: AudioLabeled | IterationClosed) -> None:
        """Publish, unless this process did so lately. The row is there: a bus that is away loses nothing."""
        now = self._on.clock.now()
        told = self._told.get(event)
        if told and now - told < REPEAT_AFTER:
            return
        try:
            await self._on.bus.publish(event)
        except Transient as error:
            self._log.warning("%s is told later: %s", event.topic, error)
        else:
            self._told[event] = now
