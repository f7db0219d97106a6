"""What BAT's own pages say, as values: pure functions from HTML.

A page that is not what it should be raises `UnexpectedPage`: a list is empty only where BAT says so.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from label_gateway.bat.errors import UnexpectedPage

LOGIN = "the page to sign in"
_UNCHOSEN = re.compile(r"<option\b(?![^<>]*\bselected\b)[^<>]*>[^<]*(?:</option>)?")
_DISPLAYING = re.compile(r"Displaying ([0-9]+) ")


@dataclass(frozen=True)
class Named:
    """A class, or a project, by its number and its name. `overlaps`: events of the project may overlap."""

    bat_id: int
    name: str
    overlaps: bool = False


@dataclass(frozen=True)
class Annotation:
    """What one user has said, or is saying, of one wav, as the list shows it."""

    annotation_id: int
    segment_id: int
    segment: str
    user_id: int
    user: str
    wav: str
    project: str
    status: str


def classes(html: str) -> list[Named]:
    """GET classes/: every class of that BAT."""
    return [Named(_number(row, 0), _cell(row, 1)) for row in _rows(html, "the list of classes", 3)]


def projects(html: str) -> list[Named]:
    """GET projects/: every project of that BAT."""
    expected = "the list of projects"
    found = []
    for row in _rows(html, expected, 4):
        if (overlaps := _cell(row, 2)) not in ("Yes", "No"):
            raise UnexpectedPage(expected, f"a project whose overlap is {overlaps!r}")
        found.append(Named(_number(row, 0), _cell(row, 1), overlaps == "Yes"))
    return found


def annotations(html: str) -> list[Annotation]:
    """GET annotations/: those that were asked for, the newest first."""
    return [
        Annotation(
            *(_number(row, 0), _number(row, 2), _cell(row, 3), _number(row, 4)),
            *(_cell(row, 5), _cell(row, 6), _cell(row, 7), _cell(row, 9)),
        )
        for row in _rows(html, "the list of annotations", 12)
    ]


def refusal(html: str) -> str:
    """Why BAT shows a form again instead of taking it; empty where it gives no reason."""
    reasons = parsed(html).css("div.alert-danger, p.alert-danger, span.help-block")
    return "; ".join(text for node in reasons if (text := _text(node)))


def title(html: str) -> str:
    """What the page calls itself; BAT's error pages name the exception there."""
    node = parsed(html).css_first("title")
    return _text(node).removesuffix("// Werkzeug Debugger").strip()[:300] if node else ""


def parsed(html: str) -> LexborHTMLParser:
    """The page, without the options that nobody has chosen.

    BAT lists every wav and every annotation that it has as an option of a form that is about another thing;
    the parser's time grows with the square of their number: 8,000 take 0.3 s, in which nobody is served.
    """
    return LexborHTMLParser(_UNCHOSEN.sub("", html))


def is_login(html: str) -> bool:
    """Whether it is the page where one signs in to BAT."""
    page = parsed(html)
    return all(
        page.css_first(f"input[name={field}]") for field in ("username", "password", "csrfmiddlewaretoken")
    )


def _rows(html: str, expected: str, cells: int) -> Iterator[list[LexborNode]]:
    """The cells of each row of the page's one table; none where BAT says that there is nothing.

    Raises `UnexpectedPage`, also where the page says that it shows more.
    """
    page = parsed(html)
    tables, paragraphs = page.css("table.table"), [_text(node) for node in page.css("p")]
    if not tables and "No data is available." in paragraphs:
        return
    if len(tables) != 1:
        raise UnexpectedPage(expected, described(html))
    rows = [found for row in tables[0].css("tr") if (found := row.css("td"))]  # but the one of headings
    shown = next((int(number[1]) for text in paragraphs if (number := _DISPLAYING.match(text))), len(rows))
    if shown != len(rows):
        raise UnexpectedPage(f"{expected}, {shown} of them", f"{len(rows)} of them")
    for found in rows:
        if len(found) < cells:
            raise UnexpectedPage(expected, f"a row of {len(found)} cells")
        yield found


def described(html: str) -> str:
    """In a few words what a page is that should be another."""
    if is_login(html):
        return LOGIN
    if named := title(html):
        return f"a page called {named!r}"
    return f"{len(html)} characters without a title" if html.strip() else "nothing"


def _number(row: list[LexborNode], place: int) -> int:
    text = _cell(row, place)
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise UnexpectedPage("a number", repr(text[:80]))
    return int(text)


def _cell(row: list[LexborNode], place: int) -> str:
    return _text(row[place])


def _text(node: LexborNode) -> str:
    return node.text(deep=True).strip()
