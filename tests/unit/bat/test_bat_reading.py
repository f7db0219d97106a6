"""The double of BAT: what can be read of it, and what breaks the pages that tell it."""

import html
import re
from datetime import datetime

import pytest
from unit.bat.at_bat import ADMIN, TOOL, title, wav_file

from servers.bat.annotator import Annotator, Heard
from servers.bat.app import PANELS, TOOLBAR
from servers.bat.python2 import date


@pytest.fixture
async def labeled(bat, operator):
    """Two wavs, labeled by one person: a dog with a cat over it, and nothing."""
    project = await operator.add_project("one", "dog", "cat", overlap=True)
    for name in ("a.wav", "b.wav"):
        await operator.upload(project, (name, wav_file()))
    marina = Annotator(bat.url, "<marina>")
    await marina.sign_up()
    await marina.login()
    heard = {"a.wav": [Heard("dog", 0.1, 1), Heard("cat", 0.5, 1.5, ("far",), 1)], "b.wav": []}
    await marina.label_all("one", heard.__getitem__)
    return marina


def cells(text: str) -> list[list[str]]:
    return [re.findall(r"<td>(.*?)</td>", row) for row in text.split("<tr>")[2:]]


async def test_the_list_has_twelve_cells_an_annotation(operator, labeled):
    rows = cells((await operator.get("annotations/?project=one&status=finished&user=")).text)
    assert [len(row) for row in rows] == [12, 12]
    assert [int(row[0]) for row in rows] == [2, 1]
    [row] = [row for row in rows if row[6] == "a.wav"]
    assert row[5] == "&lt;marina&gt;"
    assert row[7] == "one"
    assert row[9] == "finished"
    assert f"?project=1&annotation={row[0]}" in row[10]
    assert len(cells((await labeled.browser.get(f"{TOOL}/my_annotations/")).text)[0]) == 11


@pytest.mark.parametrize("query", ["project=two", "status=open", "wav=c.wav", "user=marina"])
async def test_where_nothing_is_found_there_is_no_table(operator, labeled, query):
    response = await operator.get(f"annotations/?{query}")
    assert response.status_code == 200
    assert "<p>No data is available.</p>" in response.text
    assert "<table" not in response.text


async def listed(operator, query: str) -> list[int]:
    text = (await operator.get(f"{ADMIN}/{query}")).text
    return [int(row) for row in re.findall(r'<th class="field-__str__"><a href="[^"]*?/(\d+)/change/', text)]


async def test_the_admin_lists_by_the_models_own_columns(bat, operator, labeled):
    [(annotation,)] = bat.rows("SELECT DISTINCT annotation_id FROM regions")
    regions = await listed(operator, f"region/?annotation={annotation}")
    assert regions == [3, 2, 1]
    assert await listed(operator, f"region/?annotation={annotation}&o=1") == [1, 2, 3]
    assert await listed(operator, f"region/?id__gt=1&annotation__in={annotation},99") == [3, 2]
    assert len(await listed(operator, f"event/?annotation={annotation}")) == 2
    assert len(await listed(operator, "classprominence/?region=2")) == 2
    assert await listed(operator, "classprominence/?prominence__isnull=True") == [4, 1]
    assert await listed(operator, "wav/?project=1&name=b.wav") == [2]
    assert await listed(operator, "wav/?project=1&name=c.wav") == []


async def test_across_relations_nothing_is_listed(bat, operator):
    response = await operator.get(f"{ADMIN}/region/?annotation__status=finished")
    assert response.status_code == 500
    await bat.run_with(debug=False)
    assert (await operator.get(f"{ADMIN}/region/?annotation__status=finished")).status_code == 400


async def test_a_list_shows_a_hundred_a_page(operator):
    for rank in range(101):
        await operator.post("classes/", name=f"class{rank}")
    assert len(await listed(operator, "class/?p=0")) == 100
    assert await listed(operator, "class/?p=1") == [1]
    assert len(await listed(operator, "class/?all=")) == 101


async def test_a_change_page_has_the_times_as_they_are_stored(operator, labeled):
    text = (await operator.get(f"{ADMIN}/region/2/change/")).text
    assert '<form id="region_form"' in text
    times = dict(re.findall(r'name="(start_time|end_time)" value="([^"]*)"', text))
    assert times == {"start_time": "0.5", "end_time": "1.0"}
    assert re.search(r'<select name="tags" multiple[^>]*>.*selected>far<', text)
    chosen = re.findall(r"selected>([^<]*)<", (await operator.get(f"{ADMIN}/classprominence/2/change/")).text)
    assert chosen == ["2", "dog", "5"]
    chosen = re.findall(r"selected>([^<]*)<", (await operator.get(f"{ADMIN}/event/2/change/")).text)
    assert "cat" in chosen


async def test_reading_the_admin_leaves_the_folder_of_what_is_heard_alone(bat, operator, labeled):
    before = await operator.get("/tmp/tmp/")
    for page in ("region/", "region/1/change/", "classprominence/1/change/", "event/1/change/"):
        assert (await operator.get(f"{ADMIN}/{page}")).status_code == 200
    assert (await operator.get("/tmp/tmp/")).text == before.text


async def statuses(operator, *pages: str) -> list[int]:
    return [(await operator.get(page)).status_code for page in pages]


async def test_one_tag_beyond_ascii_breaks_every_region_and_event(operator, labeled):
    response = await labeled.browser.get(f"{TOOL}/my_annotations/?wav=b.wav")
    where = html.unescape(re.findall(r'href="([^"]+)"', response.text)[0])
    page = await labeled.open(where)
    await labeled.mark(page, [Heard("dog", 0, 1, tags=("naïve",))])
    broken = await statuses(
        operator, f"{ADMIN}/tag/", f"{ADMIN}/region/1/change/", f"{ADMIN}/event/1/change/"
    )
    assert broken == [500] * 3
    well = await statuses(
        operator, f"{ADMIN}/region/", f"{ADMIN}/event/", f"{ADMIN}/classprominence/1/change/"
    )
    assert well == [200] * 3
    assert (await operator.get(where)).status_code == 200


async def test_a_class_beyond_ascii_breaks_what_lists_classes(operator, labeled):
    await operator.post("classes/", name="café")
    broken = await statuses(
        operator, f"{ADMIN}/class/", f"{ADMIN}/event/1/change/", f"{ADMIN}/classprominence/1/change/"
    )
    assert broken == [500] * 3
    assert await statuses(operator, f"{ADMIN}/region/1/change/", f"{TOOL}/classes/") == [200] * 2


async def test_a_project_beyond_ascii_breaks_the_form_of_uploads_for_all(bat, operator):
    project = await operator.add_project("one")
    await operator.add_project("größe")
    assert "UnicodeEncodeError" in title(await operator.get("upload_data/"))
    assert (await operator.upload(project, ("a.wav", b""))).status_code == 500
    assert (await operator.upload(project, ("a.wav", wav_file()))).status_code == 302
    assert bat.rows("SELECT count(*) FROM wavs") == [(1,)]


async def test_a_wav_beyond_ascii_breaks_the_lists_that_name_it(operator):
    project = await operator.add_project("one")
    await operator.upload(project, ("café.wav", wav_file()))
    assert await statuses(operator, f"{ADMIN}/wav/?project=1", f"{ADMIN}/segment/1/change/") == [500] * 2


async def test_everything_in_its_folder_is_open_to_anybody(operator, labeled):
    operator.browser.cookies.clear()
    assert "SECRET_KEY" in (await operator.get("/tmp/.env")).text
    [audio] = re.findall(r'href="([^"]+\.wav)"', (await operator.get("/tmp/tmp/")).text)
    head = await operator.browser.head(f"/tmp/tmp/{audio}")
    assert head.headers["last-modified"]
    assert head.headers["date"]
    assert (await operator.get(f"/tmp/media/uploaded_wavs/one/{audio}")).content == wav_file()


async def test_the_toolbar_stands_on_every_page_and_its_panels_are_switched_off_by_cookies(bat, operator):
    await bat.run_with(toolbar=True)
    assert TOOLBAR in (await operator.get("classes/")).text
    assert not (await bat.asked())[-1]["toolbar_off"]
    for panel in PANELS:
        operator.browser.cookies.set(f"djdt{panel}Panel", "off")
    await operator.get("classes/")
    assert (await bat.asked())[-1]["toolbar_off"]


@pytest.mark.parametrize(
    ("hour", "minute", "text"),
    [
        (7, 17, "Nov. 22, 2026, 7:17 a.m."),
        (12, 0, "Nov. 22, 2026, noon"),
        (0, 0, "Nov. 22, 2026, midnight"),
        (0, 5, "Nov. 22, 2026, 12:05 a.m."),
        (13, 0, "Nov. 22, 2026, 1 p.m."),
    ],
)
def test_dates_are_text(hour, minute, text):
    assert date(datetime(2026, 11, 22, hour, minute)) == text
