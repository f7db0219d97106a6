"""The al-engine's HTTP: ask for iterations, look at them and at their reasons."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from pydantic import BaseModel, Field, ValidationError

from al_engine.iterations import blinding, records
from al_engine.iterations.handlers import Iterations
from al_engine.iterations.predict_all import PredictedAudio, Predictor
from al_engine.method.strategies import STRATEGIES
from al_engine.stopping import panel
from al_engine.stopping.advice import Panel
from escolta import audit
from escolta.events import FurtherWindows, Window
from escolta.fields import Count, Hours, Nodes, Positive, UtcTime, Word
from escolta.service import Platform
from escolta.web import Session, lead

MOST_PREDICTIONS = 10_000
FIRST = UUID(int=0)


class IterationWanted(BaseModel):
    """Which window, and how much of it; what is left out is everything so far, and the usual batch."""

    nodes: Nodes = ()
    window_start: UtcTime | None = None
    window_end: UtcTime | None = Field(None, description="not in the window itself; default: now")
    hours: Hours | None = None
    further_windows: FurtherWindows = ()
    strategy: Word | None = Field(None, description="none: the setting ESCOLTA_STRATEGY")
    batch: Positive | None = None
    follow_ups: Count = Field(0, description="further iterations that start as each one closes")


class Strategies(BaseModel):
    """What an iteration may choose by."""

    names: list[str]
    usual: str = Field(description="the setting ESCOLTA_STRATEGY")


class IterationAccepted(BaseModel):
    """The iteration waits for its turn."""

    iteration_id: UUID


class Iteration(BaseModel):
    """An iteration's record."""

    iteration_id: UUID
    status: str
    requested_at: datetime
    nodes: list[str]
    window_start: datetime
    window_end: datetime
    hours: tuple[int, int] | None
    further_windows: list[Window]
    strategy: str | None
    scheduled_for: datetime | None
    batch: int
    follow_ups: int
    waits_for: str | None = Field(description="why it cannot run yet")
    stage: str | None = Field(description="at: window, medoids, embeddings, select, suggest, record")
    stage_done: int | None
    stage_total: int | None
    failure: str | None = Field(description="why it was given up")
    number: int | None = Field(description="its place in the order in which iterations ran")
    unlabeled: int | None
    audios: int | None
    medoids: int | None
    unresolved: int | None = Field(description="audios heard without an agreed class, when it began")
    open_proposals: int | None = Field(description="audios of open batches, when it began")
    suggestions: Literal["shown", "kept"] | None = Field(
        description="likely classes with every audio: shown to people, or kept to be compared; null: none"
    )
    disjoint_sets: int | None
    share_labeled: float | None
    settings: dict | None
    model_id: str | None
    code_version: str | None
    proposed_at: datetime | None
    closed_at: datetime | None


class ProposedAudio(BaseModel):
    """A proposal, why it was chosen, and what became of it.

    The reasons of an open batch with a control arm are null: they would give the arm away.
    """

    audio_id: UUID
    start_utc: datetime
    node: str
    file_name: str
    rank: int
    disjoint_set: int | None
    nearest_medoid: UUID | None
    distance: float | None
    propagated_class: str | None
    predicted_class: str | None
    predicted_probability: float | None
    nearest_unresolved: UUID | None = Field(
        description="the nearest audio that was heard without an agreed class; null: there was none"
    )
    unresolved_distance: float | None = Field(description="to that audio")
    unresolved_probability: float | None = Field(description="that nobody will agree on this one either")
    mismatched: bool | None
    control: bool | None = Field(
        description="drawn at random, not for its reason; null until the batch is closed, lest it be known"
    )
    label: str | None
    labelers: int | None
    agreement_percent: float | None
    labeled_at: datetime | None


class IterationWithProposals(Iteration):
    """An iteration's record with its proposals, by rank."""

    proposals: list[ProposedAudio]


Lead = Annotated[Session, Depends(lead)]


def router(on: Platform, iterations: Iterations) -> APIRouter:
    """The routes of the al-engine."""
    predictor = Predictor(on)
    routes = APIRouter(tags=["al-engine"])

    @routes.post("/api/iterations", status_code=202)
    async def request_iteration(wanted: IterationWanted, by: Lead) -> IterationAccepted:
        """Ask for an iteration."""
        return IterationAccepted(iteration_id=await iterations.request(by, **wanted.model_dump()))

    @routes.get("/api/iterations")
    async def list_iterations(_: Lead) -> list[Iteration]:
        """Every iteration, the newest last."""
        return [_shown(row) for row in await records.iterations(on.catalog)]

    @routes.get("/api/iterations/strategies")
    async def list_strategies(_: Lead) -> Strategies:
        """The strategies, and which one is taken where none is named."""
        return Strategies(names=list(STRATEGIES), usual=on.settings.strategy)

    @routes.get("/api/iterations/panel")
    async def get_panel(_: Lead) -> Panel:
        """What tells whether to go on labeling, with advice and its reasons."""
        return await panel.panel(on.catalog)

    @routes.get("/api/iterations/{iteration_id}")
    async def get_iteration(iteration_id: UUID, _: Lead) -> IterationWithProposals:
        """One iteration with its proposals and their reasons."""
        row = await records.iteration(on.catalog, iteration_id)
        if row is None:
            raise HTTPException(404, f"There is no iteration {iteration_id}.")
        return IterationWithProposals(**dict(_shown(row)), proposals=await _proposals(on, row))

    @routes.post("/api/iterations/{iteration_id}/cancel", status_code=202)
    async def cancel_iteration(iteration_id: UUID, by: Lead) -> None:
        """Give up an iteration that waits or runs, at its next word; what has been proposed stays."""
        if not await iterations.work.cancel(iteration_id):
            raise HTTPException(
                409, f"There is no iteration {iteration_id} that waits or runs: nothing was canceled."
            )
        await audit.note(on.catalog, "al-engine", by, "canceled an iteration", str(iteration_id))

    @routes.get("/api/iterations/{iteration_id}/proposals")
    async def list_proposals(iteration_id: UUID, _: Lead) -> list[ProposedAudio]:
        """The proposals of an iteration with their reasons, by rank."""
        row = await records.iteration(on.catalog, iteration_id)
        if row is None:
            raise HTTPException(404, f"There is no iteration {iteration_id}.")
        return await _proposals(on, row)

    @routes.get("/api/predictions")
    async def list_predictions(
        request: Request,
        response: Response,
        _: Lead,
        after: Annotated[UUID, Query(description="the last audio of the page before")] = FIRST,
        limit: Annotated[int, Query(gt=0, le=MOST_PREDICTIONS)] = 1000,
    ) -> list[PredictedAudio]:
        """The committee's classifier, fitted to every medoid, on audios that nobody has labeled, by id.

        A page that may not be the last has the address of the next in its header `Link` (rel="next").
        """
        page = await predictor.page(after, limit)
        if len(page) == limit:
            following = request.url.include_query_params(after=page[-1].audio_id, limit=limit)
            response.headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
        return page

    return routes


def _shown(row: asyncpg.Record) -> Iteration:
    """Without what nobody could have asked for: such a row fails, with its reason, and hides no other."""
    facts = blinding.redacted_settings(row)
    try:
        return Iteration(**facts)
    except ValidationError:
        return Iteration(**facts | {"hours": None, "further_windows": []})


async def _proposals(on: Platform, iteration: asyncpg.Record) -> list[ProposedAudio]:
    iteration_id, is_closed = iteration["iteration_id"], iteration["status"] == "closed"
    is_blind = await blinding.blind(on.catalog, iteration_id)
    rows = await records.proposals(on.catalog, iteration_id)
    return [ProposedAudio(**blinding.redacted(row, is_blind, is_closed)) for row in rows]
