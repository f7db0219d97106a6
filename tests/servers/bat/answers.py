"""What BAT answers with: pages, redirects that may mean failure, debugger pages."""

import json

from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response

from servers.bat.python2 import escaped

HOME = "/annotation_tool/"


class Refused(Exception):
    """A view cannot go on, and says with which answer; what it wrote is kept."""

    def __init__(self, answer: Response) -> None:
        self.answer = answer


class DoesNotExist(Exception):
    """What a model raises that is asked for a row that it has not."""


class MultiValueDictKeyError(Exception):
    """What a form raises that is asked for a field that did not come."""


class SuspiciousOperation(Exception):
    """What Django refuses before a view sees it: 400, or 500 under the debugger."""


def page(title: str, body: str, status: int = 200) -> HTMLResponse:
    """A page within the frame that all have."""
    return HTMLResponse(
        f"<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n<body>\n{body}\n</body></html>", status
    )


def redirect(to: str) -> Response:
    return RedirectResponse(to, 302)


def done() -> Response:
    """What a form that was taken answers; `./` is the page itself."""
    return redirect("./")


def sign_in_first(path: str) -> Response:
    """A redirect, too, but nothing was done."""
    return redirect(f"{HOME}?next={path}")


def json_answer(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value), status, media_type="application/json")


def not_found(wants_json: bool = False) -> Response:
    if wants_json:
        return JSONResponse({"detail": "Not found."}, 404)
    return page("Page not found", "<h1>Page not found <span>(404)</span></h1>", 404)


def csrf_refused(kind: str) -> Response:
    """`kind` is what the function is: `page`, `api` or `function`."""
    if kind == "page":
        return PlainTextResponse("403 Forbidden", 403, media_type="text/html")
    if kind == "api":
        return JSONResponse({"detail": "CSRF Failed: CSRF token missing or incorrect."}, 403)
    return page("403 Forbidden", "<h1>Forbidden <span>(403)</span></h1><p>CSRF verification failed.</p>", 403)


def failed(error: BaseException, debug: bool) -> Response:
    """A 500: everything that the request wrote into the database is rolled back."""
    if not debug:
        return HTMLResponse("<h1>Server Error (500)</h1>", 500)
    title = f"{type(error).__name__}: {escaped(str(error))} // Werkzeug Debugger"
    return page(title, f"<div class='debugger'><h1>{type(error).__name__}</h1></div>", 500)


def alert(text: str) -> str:
    return f'<div class="alert alert-danger" role="alert">{escaped(text)}</div>'


def help_block(text: str) -> str:
    return f'<span class="help-block">{escaped(text)}</span>'
