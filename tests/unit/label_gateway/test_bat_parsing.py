"""BAT's pages as values: all that they say, or an error; never a part of it, and never nothing by mistake."""

import html
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_gateway.bat import admin, parsing
from label_gateway.bat.annotation_page import Item, annotation_page
from label_gateway.bat.errors import UnexpectedPage

FRAME = "<html><head><title>{0}</title></head><body><h1>{0}</h1>{1}</body></html>"
NOTHING = "<p>No data is available.</p>"
LOGIN = FRAME.format(
    "Annotation tool",
    "<form><input type='hidden' name='csrfmiddlewaretoken'>"
    "<input name='username'><input name='password'></form>",
)
DEBUGGER = FRAME.format(
    "IntegrityError: duplicate key // Werkzeug Debugger", "<table><tr><td>1</td></tr></table>"
)


def table(*rows: tuple[object, ...], heads: int = 3, says: int | None = None) -> str:
    head = "<tr>" + "<th>head</th>" * heads + "</tr>"
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(it))}</td>" for it in row) + "</tr>" for row in rows
    )
    told = f"<p>Displaying {len(rows) if says is None else says} classes ordered by ID.</p>"
    return FRAME.format("Classes", f"<table class='table table-striped'>{head}{body}</table>{told}")


def test_classes_are_read_with_what_their_names_are():
    page = table((3, "Gull", "Delete"), (17, "a<b> & 'c'", "Delete"), (5, "café", "Delete"))
    assert [(it.bat_id, it.name) for it in parsing.classes(page)] == [
        (3, "Gull"),
        (17, "a<b> & 'c'"),
        (5, "café"),
    ]


@pytest.mark.parametrize("read", [parsing.classes, parsing.projects, parsing.annotations])
def test_a_list_is_empty_where_bat_says_so_and_nowhere_else(read):
    assert read(FRAME.format("Some list", NOTHING)) == []
    for other in (LOGIN, DEBUGGER, "", "<p>hello</p>", FRAME.format("Welcome to nginx!", ""), '{"a": 1}'):
        with pytest.raises(UnexpectedPage, match="what came was"):
            read(other)


def test_a_list_that_lacks_rows_of_those_that_it_tells_of_is_an_error():
    with pytest.raises(UnexpectedPage, match="3 of them, and what came was 1"):
        parsing.classes(table((3, "Gull", "Delete"), says=3))


@pytest.mark.parametrize("row", [("three", "Gull", "Delete"), (3, "Gull")])
def test_a_row_of_another_form_is_an_error(row):
    with pytest.raises(UnexpectedPage):
        parsing.classes(table(row))


def test_projects_say_whether_events_may_overlap():
    page = table((1, "one", "Yes", "Nov. 22", ""), (2, "two", "No", "noon", ""))
    assert [(it.name, it.overlaps) for it in parsing.projects(page)] == [("one", True), ("two", False)]
    with pytest.raises(UnexpectedPage):
        parsing.projects(table((1, "one", "Nov. 22", "", "")))


def test_an_annotation_is_read_from_its_row():
    page = table(
        (9, "ann", 4, "x_0.0_2.0.wav", 7, "marina", "x.wav", "p", "noon", "finished", "Go", "Delete")
    )
    [found] = parsing.annotations(page)
    assert (found.annotation_id, found.segment_id, found.user_id) == (9, 4, 7)
    assert (found.user, found.wav, found.project, found.status) == ("marina", "x.wav", "p", "finished")


def test_what_an_error_page_calls_itself_is_told():
    assert parsing.title(DEBUGGER) == "IntegrityError: duplicate key"
    assert parsing.described(LOGIN) == parsing.LOGIN


# The admin's --------------------------------------------------------------------------------------


def listed(model: str, *rows: tuple[int, str]) -> str:
    lines = "".join(
        f'<tr><th class="field-__str__"><a href="/admin/annotation_tool/{model}/{number}/change/?x=1">'
        f"{html.escape(label)}</a></th></tr>"
        for number, label in rows
    )
    return FRAME.format("Select", f'<form id="changelist-form"><table>{lines}</table></form>')


def test_rows_of_the_admin_are_read_and_an_empty_list_is_one():
    assert admin.rows(listed("wav", (4, "a&b.wav"), (2, "c.wav")), "wav") == [
        admin.Row(4, "a&b.wav"),
        admin.Row(2, "c.wav"),
    ]
    assert admin.rows(listed("wav"), "wav") == []


@pytest.mark.parametrize("other", [LOGIN, DEBUGGER, "", listed("region", (4, "4"))])
def test_another_page_than_the_admin_s_list_is_an_error(other):
    with pytest.raises(UnexpectedPage):
        admin.rows(other, "wav")


def form(model: str, fields: str) -> str:
    return FRAME.format("Change", f'<form id="{model}_form" method="post">{fields}</form>')


def select(name: str, chosen: str | None, *, several: bool = False) -> str:
    options = "".join(
        f'<option value="{value}"{" selected" if value == chosen else ""}>{label}</option>'
        for value, label in (("", "-----"), ("1", "one"), ("2", "Gull"), ("3", "three"))
    )
    return f'<select name="{name}"{" multiple" if several else ""}>{options}</select>'


TIMES = '<input name="start_time" value="1e-05" /><input name="end_time" value="7.01229024943" />'


def test_a_region_is_where_it_was_stored():
    page = form("region", select("annotation", "3") + TIMES + select("tags", "1", several=True))
    assert admin.region(page) == admin.Marks(3, 1e-05, 7.01229024943, ("one",))


@pytest.mark.parametrize(("chosen", "name"), [("2", "Gull"), ("", ""), (None, "")])
def test_an_event_has_its_class_or_none_yet(chosen, name):
    page = form(
        "event", select("annotation", "3") + TIMES + select("tags", None) + select("event_class", chosen)
    )
    assert admin.event(page).class_name == name


@pytest.mark.parametrize(("chosen", "given"), [("2", 2), ("", None)])
def test_a_prominence_is_a_number_or_nobody_has_said(chosen, given):
    page = form(
        "classprominence", select("region", "3") + select("class_obj", "2") + select("prominence", chosen)
    )
    assert admin.prominence(page) == admin.Prominence(3, "Gull", given)


@pytest.mark.parametrize("others", [0, 3_000])
def test_of_all_annotations_that_a_form_offers_only_the_chosen_one_is_looked_at(others):
    offered = "".join(f'<option value="{it}">of &quot;selected&quot; {it}</option>' for it in range(others))
    chosen = f'<select name="annotation">{offered}<option value="9999" selected>it</option>{offered}</select>'
    page = form("region", chosen + TIMES + select("tags", None))
    assert admin.region(page) == admin.Marks(9999, 1e-05, 7.01229024943, ())
    assert len(parsing.parsed(page).css("option")) == 1


@pytest.mark.parametrize(
    "fields",
    [
        "",
        TIMES,
        select("annotation", "") + TIMES,
        select("annotation", "3"),
        select("annotation", "3") + TIMES[:40],
    ],
)
def test_a_form_that_lacks_something_is_an_error(fields):
    with pytest.raises(UnexpectedPage):
        admin.region(form("region", fields))


# The page of an annotation ------------------------------------------------------------------------

PADDING = "0.13"
NAMES = st.sampled_from(["Gull", "Tern", "Bell_ringing"])
TEXT = st.one_of(
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12),
    st.sampled_from(
        ["handler.addRegion(", "function updateEvent(", "');", "\\", "var tags = [];", "a'b<c>&#39;"]
    ),
)
SECONDS = st.floats(0, 60).map(lambda it: float(f"{it:.12g}"))


@st.composite
def items(draw: st.DrawFn) -> list[Item]:
    kind = draw(st.sampled_from(["event", "region"]))
    found = []
    for number in range(draw(st.integers(0, 4))):
        classes = tuple(sorted(draw(st.sets(NAMES, max_size=1 if kind == "event" else 3))))
        given_to = {name: draw(st.integers(0, 5)) for name in classes} if len(classes) > 1 else {}
        tags = tuple(draw(st.lists(TEXT, max_size=3)))
        found.append(Item(kind, number + 1, draw(SECONDS), draw(SECONDS), classes, tags, given_to))
    return found


def escaped(text: str) -> str:
    return html.escape(text).replace("&#x27;", "&#39;")


def shown(drawn: list[Item]) -> str:
    """The page as BAT's template writes it."""
    script = ["function getPadding() { return " + PADDING + "; }", 'wavesurfer.load("/tmp/tmp/x.wav");']
    classes = [["Gull", "rgba(1, 2, 3, 0.5)", 1], ['T];"', "rgba(3, 2, 1, 0.5)", 2]]
    script += [f"var CLASS_DICT = {json.dumps(classes)};", "var ALLOW_OVERLAPS = true;"]
    script += ["function loadRegions(wavesurfer) {", "// Do it with AJAX and return all info for all regions"]
    for item in drawn:
        script.append("var tags = [];")
        script += [f"tags.push('{escaped(tag)}')" for tag in item.tags]
        script.append(
            f"var region = handler.addRegion(wavesurfer, '{item.kind}', '{' '.join(item.classes)}', tags,"
            f" {item.item_id}, {item.start_s:.12g} + {PADDING}, {item.end_s:.12g} + {PADDING},"
            " 'rgba(1, 2, 3, 0.5)', false);"
        )
        if item.prominences:
            script.append("region.attributes.classProminences = {};")
        script += [
            f"region.attributes.classProminences['{name}'] = {given};"
            for name, given in item.prominences.items()
        ]
    script += [
        "setCurrentRegion(-1);",
        "}",
        "function getDuration() { return 'it'; }",
        "function updateEvent(r) {}",
    ]
    return FRAME.format(
        "Annotation tool", "<script>" + "\n".join(script) + "</script><div id='djDebug'></div>"
    )


@given(items())
def test_all_items_of_a_page_come_back_whatever_their_tags_say(drawn):
    page = annotation_page(shown(drawn))
    assert list(page.items) == drawn
    assert (page.padding_s, page.audio, page.overlaps) == (0.13, "/tmp/tmp/x.wav", True)
    assert page.classes == ("Gull", 'T];"')


@given(items().filter(bool), st.data())
def test_a_page_that_is_cut_off_is_an_error_and_never_fewer_items(drawn, data):
    whole = shown(drawn)
    end = whole.index("function getDuration")
    cut = whole[: data.draw(st.integers(0, end))]
    with pytest.raises(UnexpectedPage):
        annotation_page(cut)


def test_an_item_that_cannot_be_read_is_an_error_and_not_left_out():
    page = shown([Item("event", 1, 1.0, 2.0, ("Gull",)), Item("event", 2, 3.0, 4.0, ("Gull",))])
    with pytest.raises(UnexpectedPage, match="2 items, of which 1 can be read"):
        annotation_page(page.replace("3 + ", "NaN + "))


@pytest.mark.parametrize(
    "other", ["", LOGIN, DEBUGGER, FRAME.format("New annotation", "<select name='project'>")]
)
def test_another_page_is_no_annotation_in_which_nothing_sounds(other):
    with pytest.raises(UnexpectedPage):
        annotation_page(other)
