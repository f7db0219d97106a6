"""What stands in BAT and what has come from there, for leads, with the page for it."""

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from escolta.service import Platform
from escolta.web import Pages, Visitor
from label_gateway.bat.state import BatProject, projects
from label_gateway.people.access import Access

pages = Pages("label_gateway.bat", "/bat", "leads")


class BatState(BaseModel):
    """How this installation and its BAT stand to each other."""

    address: str | None = Field(description="where BAT is; null: none is set")
    projects: list[BatProject]


def add_routes(routes: APIRouter, on: Platform, access: Access) -> None:
    """/api/bat and /bat."""
    routes.include_router(pages.routes)

    @routes.get("/api/bat", dependencies=[Depends(access.lead)])
    async def bat_state() -> BatState:
        """Every project in BAT: what was brought there, what was taken over, and what waits for a lead."""
        return BatState(
            address=on.settings.bat_url or None, projects=await projects(on.catalog, on.clock.now())
        )


@pages.routes.get("/bat")
async def bat_page(who: Visitor) -> Response:
    return pages.shown(who, "BAT", "bat")
