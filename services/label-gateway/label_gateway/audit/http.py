"""Who did what, for leads, with the page for it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from escolta.service import Platform
from escolta.web import Pages, Visitor, lead
from label_gateway.audit.log import NEWEST, Entry, Wanted, entries

pages = Pages("label_gateway.audit", "/audit", "leads")


def add_routes(routes: APIRouter, on: Platform) -> None:
    """/api/audit and /audit."""
    routes.include_router(pages.routes)

    @routes.get("/api/audit", dependencies=[Depends(lead)])
    async def audit_log(
        what: Annotated[Wanted, Query()] = "everything",
        before: Annotated[int, Query(ge=0, le=NEWEST, description="the mark of the last one seen")] = NEWEST,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[Entry]:
        """Who did what, newest first. What follows has the mark of the last one as `before`."""
        return await entries(on.catalog, what, before, limit)


@pages.routes.get("/audit")
async def audit_page(who: Visitor) -> Response:
    return pages.shown(who, "Audit", "audit")
