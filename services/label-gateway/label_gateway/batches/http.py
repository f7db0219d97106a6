"""How far everybody is, for leads."""

from fastapi import APIRouter, Depends

from escolta.service import Platform
from label_gateway.batches.progress import BatchProgress, progress
from label_gateway.people.access import Access


def add_routes(routes: APIRouter, on: Platform, access: Access) -> None:
    """/api/progress."""

    @routes.get("/api/progress", dependencies=[Depends(access.lead)])
    async def labeling_progress() -> list[BatchProgress]:
        """How far every batch is, and each group with its part."""
        return await progress(on.catalog)
