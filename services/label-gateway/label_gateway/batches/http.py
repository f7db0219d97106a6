"""How far everybody is, for leads."""

from uuid import UUID

from fastapi import APIRouter, Depends

from escolta.service import Platform
from label_gateway.batches.handlers import Batches
from label_gateway.batches.progress import BatchProgress, progress
from label_gateway.people.access import Access, problems


def add_routes(routes: APIRouter, on: Platform, access: Access, batches: Batches) -> None:
    """/api/progress."""

    @routes.get("/api/progress", dependencies=[Depends(access.lead)])
    async def labeling_progress() -> list[BatchProgress]:
        """How far every batch is, and each group with its part."""
        return await progress(on.catalog)

    @routes.post(
        "/api/progress/{iteration_id}/close",
        dependencies=[Depends(access.lead)],
        responses=problems({400: "The batch is not open."}),
    )
    async def close_batch(iteration_id: UUID) -> list[BatchProgress]:
        """Close a batch with what there is: what nobody has answered stays without a label."""
        await batches.close_as_it_is(iteration_id)
        return await progress(on.catalog)
