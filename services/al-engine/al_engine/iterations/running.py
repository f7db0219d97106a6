"""Runs one iteration, from its request to its committed proposals.

Naranjo-Alcazar et al. 2024, section 2.4; the steps are numbered as there.
"""

import secrets
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg

from al_engine.catalog import models, windows
from al_engine.exact.memory import most_samples
from al_engine.iterations import earlier, inputs, prediction_record, records, requests, suggestions
from al_engine.iterations.inputs import Inputs
from al_engine.iterations.proposing import Outcome, propose
from al_engine.method.partition import number_of_sets
from al_engine.method.selection import SelectionSettings
from al_engine.metrics import Metrics
from escolta.errors import Transient
from escolta.events import BatchProposed, IterationRequested
from escolta.observe import tell_of
from escolta.service import Platform
from escolta.work import Doing


class Running:
    """What it takes to run an iteration."""

    def __init__(self, on: Platform, metrics: Metrics) -> None:
        self._on = on
        self._log = on.log("al-engine")
        self._metrics = metrics

    async def run(self, doing: Doing) -> None:
        """Run it to its committed proposals; killed anywhere, it runs again and ends the same.

        Raises `Waits` while nothing is embedded, and `Rejected` where its request or its audios are at fault.
        """
        request = await requests.request_of(doing.connection, doing.work_id)
        assert request is not None, "nobody deletes iterations"
        proposed = await self._propose(doing, request)
        self._metrics.outcomes.labels("proposed" if proposed else "empty").inc()
        if not proposed:
            self._log.info("proposed no audios", extra={"iteration_id": doing.work_id})
            return
        tell_of(self._log, "proposed %d audios", proposed, iteration_id=doing.work_id)
        await self._tell(BatchProposed(iteration_id=doing.work_id, audios=len(proposed)))

    async def _tell(self, event: BatchProposed) -> None:
        try:
            await self._on.bus.publish(event)
        except Transient as error:  # label-gateway will find the rows
            extra = {"iteration_id": event.iteration_id}
            self._log.warning("proposed without the bus: %s", error, extra=extra)

    async def _propose(self, doing: Doing, request: IterationRequested) -> list[UUID]:
        """The audios that were proposed; the record is written in any case.

        1.-2. Freeze the inputs: window, medoids, settings. 3.-4. Partition and select. 5. Record.
        """
        frozen = await inputs.frozen(doing.connection, request)
        stands_on = frozen or await self.freeze(doing.connection, request)
        watch = _Watch(doing, self._metrics)
        outcome = await propose(self._on.catalog, stands_on, watch, self._cache_folder)
        with watch.stage("record"):
            await watch.tell("record")
            await self._record(doing.connection, stands_on, outcome)
        return [proposal.audio_id for proposal in outcome.selection.proposals]

    async def freeze(self, connection: asyncpg.Connection, request: IterationRequested) -> Inputs:
        """Write down what the iteration stands on."""
        settings = self._on.settings
        model = await models.model_in_use(connection, settings.model)
        which = (
            connection,
            self._on.catalog,
            windows.windows_of(request),
            model[0],
            settings.max_medoids,
        )
        medoids = await earlier.choose_medoids(*which)
        others = await earlier.choose_unresolved(*which), await earlier.choose_open(*which)
        chosen = SelectionSettings(
            batch=request.batch,
            max_set=settings.max_samples or most_samples(first=not len(medoids)),
            strategy=request.strategy or settings.strategy,
            control_share=settings.control_share,
            seed=secrets.randbits(32),  # whoever labels knows the id, and could draw the control arm from it
        )
        suggesting = suggestions.drawn(settings.suggestions, is_kept=settings.listening == "adaptive")
        left = (medoids, *others)
        return await inputs.freeze(
            connection, request, model, *left, chosen, suggesting, settings.max_medoids
        )

    async def _record(self, connection: asyncpg.Connection, stands_on: Inputs, outcome: Outcome) -> None:
        candidates, proposals = outcome.candidates, outcome.selection.proposals
        proposed, labeled = await records.proposed_before(
            connection, stands_on.windows, stands_on.model_id, stands_on.number
        )
        predictions = prediction_record.encoded(outcome)
        before = await records.last_predictions(connection, stands_on.number, stands_on.model_id)
        compared, changed = None, None
        if before and predictions:
            compared, changed = prediction_record.changed(before, predictions)
        # With medoids of one class there is no classifier, and so nothing that could differ.
        judged = [judged_set for judged_set in outcome.judged_sets() or () if judged_set.opinion.prediction]
        facts = {
            "status": "proposed" if proposals else "empty",
            "audios": len(candidates) + proposed,
            "unlabeled": len(candidates),
            "unlabeled_digest": candidates.digest(),
            "disjoint_sets": number_of_sets(len(candidates), stands_on.settings.max_set),
            "share_labeled": labeled / (len(candidates) + proposed) if labeled else 0.0,
            "judged": sum(len(judged_set.rows) for judged_set in judged) if judged else None,
            "mismatched": sum(int(judged_set.opinion.mismatched.sum()) for judged_set in judged)
            if judged
            else None,
            "compared": compared,
            "changed": changed,
            "suggestions": None if outcome.suggested is None else stands_on.suggesting,
        }
        rows = await self._rows(outcome, stands_on)
        await records.record(connection, stands_on.iteration_id, facts, rows, predictions)

    async def _rows(self, outcome: Outcome, stands_on: Inputs) -> list[records.ProposalRow]:
        proposals = outcome.selection.proposals
        ids = [proposal.audio_id for proposal in proposals]
        starts = outcome.candidates.starts_of(ids)
        described = await records.described(self._on.catalog, ids, starts)
        if len(described) < len(ids):
            raise Transient("what may be heard has changed since the window was read: choosing again")
        suggested = await self._suggested(outcome)
        medoid_ids, unresolved_ids = stands_on.medoids.audio_ids, stands_on.unresolved.audio_ids
        return [
            records.ProposalRow(
                proposal.audio_id,
                start,
                *described[proposal.audio_id],
                proposal.rank,
                proposal.disjoint_set,
                None if proposal.nearest_medoid is None else medoid_ids[proposal.nearest_medoid],
                proposal.medoid_distance,
                proposal.propagated_class,
                proposal.predicted_class,
                proposal.predicted_probability,
                None if proposal.nearest_unresolved is None else unresolved_ids[proposal.nearest_unresolved],
                proposal.unresolved_distance,
                proposal.unresolved_probability,
                proposal.mismatched,
                proposal.control,
                of_classes,
            )
            for proposal, start, of_classes in zip(proposals, starts, suggested, strict=True)
        ]

    async def _suggested(self, outcome: Outcome) -> list[list[int] | None]:
        """Ids of the classes suggested for each proposal; None where there are none for any."""
        if outcome.suggested is None:
            return [None] * len(outcome.selection.proposals)
        names = outcome.suggested.tolist()
        ids = await suggestions.class_ids(self._on.catalog, sorted({name for row in names for name in row}))
        return [[ids[name] for name in row if name in ids] for row in names]

    @property
    def _cache_folder(self) -> Path:
        return self._on.settings.state_dir / "al-engine"


@dataclass
class _Watch:
    """Seconds for the operator, and progress for the person who waits."""

    doing: Doing
    metrics: Metrics

    def stage(self, name: str) -> AbstractContextManager[object]:
        return self.metrics.seconds.labels(name).time()

    async def tell(self, stage: str, done: int | None = None, total: int | None = None) -> None:
        await self.doing.tell(stage, done, total)
