"""How a service serves its pages: the HTML and the ES modules of a folder, to those who may see them."""

from importlib.resources import files
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles

from escolta.web.frame import page
from escolta.web.sessions import Session, visitor

Visitor = Annotated[Session | None, Depends(visitor)]
"""FastAPI dependency: who wants to see the page; None for somebody who is not signed in."""


class Pages:
    """The pages that lie in the folder `pages` of `package`, for those named by `seen_by`.

    `routes` serves their modules, as they lie there, under `<address>/static`; the service adds the pages.
    """

    def __init__(
        self, package: str, address: str, seen_by: Literal["anybody", "the signed in", "leads"]
    ) -> None:
        self.folder = files(package) / "pages"
        self.routes = APIRouter(include_in_schema=False)
        self._modules_at = f"{address}/static"
        self._seen_by = seen_by
        self._static = StaticFiles(directory=str(self.folder))
        self.routes.add_api_route(f"{self._modules_at}/{{path:path}}", self._module)

    def shown(self, who: Session | None, title: str, name: str, *, nav: bool = True) -> Response:
        """`<name>.html` in the frame with its module `<name>.js`; or the way to sign in; or 403 in words."""
        if who is None and self._seen_by != "anybody":
            return RedirectResponse("/sign-in", 303)
        csrf = who.csrf if who else ""
        if not self._may_see(who):
            refusal = f"<h1>{title}</h1><p>Only a lead may see this page.</p>"
            return page(title, refusal, csrf=csrf, status=403)
        body = (self.folder / f"{name}.html").read_text("utf-8")
        return page(
            title,
            body,
            script=f"{self._modules_at}/{name}.js",
            wide=nav,
            nav=nav,
            csrf=csrf,
        )

    def _may_see(self, who: Session | None) -> bool:
        if self._seen_by == "leads":
            return who is not None and who.role == "lead"
        return who is not None or self._seen_by == "anybody"

    async def _module(self, path: str, request: Request, who: Visitor) -> Response:
        if not self._may_see(who):
            raise HTTPException(401 if who is None else 403, f"Only {self._seen_by} may see this.")
        response = await self._static.get_response(path, request.scope)
        response.headers["Cache-Control"] = "no-cache"  # the browser asks, and hears 304
        return response
