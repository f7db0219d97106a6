"""The pages of people: the sign-in page and the labeling page, with the ES modules they are made of.

The modules are served as they lie in pages/; wavesurfer.js lies in pages/vendor/, where fetch_vendor.py
put it. Only the sign-in page and its modules are there for somebody who is not signed in.
"""

from importlib.resources import files

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles

from escolta.service import Platform
from escolta.web import page, signed_in
from escolta.web.sessions import SessionCookie

FOLDER = files("label_gateway.labeling") / "pages"
OF_SIGN_IN = ("sign-in.js", "api.js")
PLAYER = "vendor/wavesurfer/wavesurfer.esm.js"
NO_PLAYER = """<h1>The player is missing</h1>
<p class="notice bad">The files of the waveform player are not installed.
Run <code>python services/label-gateway/fetch_vendor.py</code> and load this page again.</p>"""


def router(on: Platform) -> APIRouter:
    """`/`, `/sign-in`, `/label` and the modules under `/label/static`."""
    routes = APIRouter(include_in_schema=False)
    static = StaticFiles(directory=str(FOLDER))

    def is_signed_in(request: Request, token: str | None) -> bool:
        return token is not None and request.app.state.sessions.session(token) is not None

    @routes.get("/")
    async def home(request: Request, token: SessionCookie) -> Response:
        return RedirectResponse("/label" if is_signed_in(request, token) else "/sign-in", 303)

    @routes.get("/sign-in")
    async def sign_in_page() -> Response:
        return page("Sign in", _html("sign-in"), script="/label/static/sign-in.js", nav=False)

    @routes.get("/label")
    async def label_page(request: Request, token: SessionCookie) -> Response:
        if not is_signed_in(request, token):
            return RedirectResponse("/sign-in", 303)
        if not (FOLDER / PLAYER).is_file():
            return page("The player is missing", NO_PLAYER)
        return page("Label", _html("label"), script="/label/static/label.js", wide=True)

    @routes.get("/label/static/{path:path}")
    async def module(path: str, request: Request, token: SessionCookie) -> Response:
        if path not in OF_SIGN_IN:
            signed_in(request, cookie=token)
        response = await static.get_response(path, request.scope)
        response.headers["Cache-Control"] = "no-cache"  # the browser asks, and hears 304
        return response

    return routes


def _html(name: str) -> str:
    return (FOLDER / f"{name}.html").read_text("utf-8")
