"""The labeled data set, for leads."""

from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse

from escolta.service import Platform
from label_gateway.datasets import dataset
from label_gateway.people.access import Access

CSV_FILE: dict[str, Any] = {
    "response_class": StreamingResponse,
    "responses": {
        200: {"description": "A CSV file", "content": {"text/csv": {"schema": {"type": "string"}}}}
    },
}


def add_routes(routes: APIRouter, on: Platform, access: Access) -> None:
    """/api/dataset/*.csv."""
    leads = [Depends(access.lead)]

    @routes.get("/api/dataset/labels.csv", dependencies=leads, **CSV_FILE)
    async def dataset_labels() -> StreamingResponse:
        """Weak labels: a row for each audio on which its group agreed."""
        return _download("labels.csv", dataset.LABELS)

    @routes.get("/api/dataset/chunks.csv", dependencies=leads, **CSV_FILE)
    async def dataset_chunks() -> StreamingResponse:
        """Strong labels: a row for each event that a labeler marked, whatever the agreement."""
        return _download("chunks.csv", dataset.CHUNKS)

    def _download(name: str, query: str) -> StreamingResponse:
        return StreamingResponse(
            dataset.csv_of(on.catalog, query),
            media_type="text/csv",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )
