"""The frame that every page stands in, so that they look as if one hand had made them."""

from html import escape
from importlib.resources import files
from string import Template

from fastapi.responses import HTMLResponse

_FRAME = Template(files("escolta.web").joinpath("static/frame.html").read_text("utf-8"))


def page(
    title: str,
    body: str,
    *,
    script: str = "",
    wide: bool = False,
    nav: bool = True,
    csrf: str = "",
    status: int = 200,
) -> HTMLResponse:
    """A page: `body` is HTML of ours, `script` the address of its ES module.

    `nav`: the bar shows where one can go and who is signed in; off where nobody is yet. `csrf`: the token.
    """
    modules = ["/static/nav.js"] * nav + [script] * bool(script)
    scripts = "\n".join(f'<script type="module" src="{escape(it)}"></script>' for it in modules)
    html = _FRAME.substitute(
        title=escape(title), body=body, script=scripts, width="wide" if wide else "narrow", csrf=csrf
    )
    return HTMLResponse(html, status, {"Cache-Control": "private, no-cache"})
