"""How far everybody is, and closing what stands still, for leads, with the page for it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from escolta.service import Platform
from escolta.web import Pages, Visitor
from label_gateway.batches.handlers import Batches
from label_gateway.batches.progress import BatchProgress, progress
from label_gateway.people.access import Access, problems
from label_gateway.people.labelers import Labeler

pages = Pages("label_gateway.batches", "/batches", "leads")


def add_routes(routes: APIRouter, on: Platform, access: Access, batches: Batches) -> None:
    """/api/progress and /batches."""
    routes.include_router(pages.routes)

    @routes.get("/api/progress", dependencies=[Depends(access.lead)])
    async def labeling_progress() -> list[BatchProgress]:
        """How far every batch is, each group with its part, for whom it waits, and why it stands still."""
        return await progress(on.catalog, on.clock.now())

    @routes.post(
        "/api/progress/{iteration_id}/close",
        responses=problems({400: "The batch is not open."}),
    )
    async def close_batch(
        iteration_id: UUID, by: Annotated[Labeler, Depends(access.lead)]
    ) -> list[BatchProgress]:
        """Close a batch with what there is: what nobody has answered stays without a label."""
        await batches.close_as_it_is(iteration_id, by)
        return await progress(on.catalog, on.clock.now())


@pages.routes.get("/batches")
async def batches_page(who: Visitor) -> Response:
    return pages.shown(who, "Batches", "batches")
