"""The labeled data set, for leads."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse

from escolta.service import Platform
from label_gateway.audit.log import note
from label_gateway.datasets import dataset
from label_gateway.people.access import Access
from label_gateway.people.labelers import Labeler

CSV_FILE: dict[str, Any] = {
    "response_class": StreamingResponse,
    "responses": {
        200: {"description": "A CSV file", "content": {"text/csv": {"schema": {"type": "string"}}}}
    },
}


def add_routes(routes: APIRouter, on: Platform, access: Access) -> None:
    """/api/dataset/*.csv."""
    Lead = Annotated[Labeler, Depends(access.lead)]  # a type

    @routes.get("/api/dataset/labels.csv", **CSV_FILE)
    async def dataset_labels(by: Lead) -> StreamingResponse:
        """Weak labels: a row for each audio on which its group agreed."""
        return await _download(by, "labels.csv", dataset.LABELS)

    @routes.get("/api/dataset/chunks.csv", **CSV_FILE)
    async def dataset_chunks(by: Lead) -> StreamingResponse:
        """Strong labels: a row for each event that a labeler marked, whatever the agreement."""
        return await _download(by, "chunks.csv", dataset.CHUNKS)

    async def _download(by: Labeler, name: str, query: str) -> StreamingResponse:
        await note(on.catalog, by, "exported", name)
        return StreamingResponse(
            dataset.csv_of(on.catalog, query),
            media_type="text/csv",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )
