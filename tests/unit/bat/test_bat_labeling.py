"""The double of BAT, and a person who labels in it."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.bat.at_bat import TOOL, Operator, title, wav_file

from servers.bat.annotator import Annotator, Heard
from servers.bat.process import BatProcess
from servers.bat.python2 import printed, rounded

DOG = Heard("dog", 0.5, 1.25)
CAT = Heard("cat", 1.0, 1.75, prominence=2)


@pytest.fixture
async def marina(bat: BatProcess):
    marina = Annotator(bat.url, "marina")
    await marina.sign_up()
    await marina.login()
    return marina


async def add(operator: Operator, *names: str, overlap: bool = True, duration_s: float = 2.0) -> int:
    project = await operator.add_project("one", "dog", "cat", overlap=overlap)
    for name in names:
        await operator.upload(project, (name, wav_file(duration_s)))
    return project


async def test_finishing_makes_a_region_of_each_event(bat, operator, marina):
    await add(operator, "a.wav", "b.wav")
    heard = {"a.wav": [DOG], "b.wav": []}
    assert await marina.label_all("one", heard.__getitem__) == 2
    assert bat.rows("SELECT status FROM annotations") == [("finished",)] * 2
    [(start, end, prominence)] = bat.rows(
        "SELECT start_time, end_time, prominence FROM regions JOIN prominences ON region_id = regions.id"
    )
    assert (start, end) == pytest.approx((DOG.onset_s, DOG.offset_s), abs=1e-12)
    assert prominence == 5
    assert await marina.next("one") is None


async def test_overlaps_become_slices_with_their_classes(bat, operator, marina):
    await add(operator, "a.wav")
    page = await marina.label_next("one", lambda wav: [DOG, CAT])
    assert page
    regions = bat.rows(
        "SELECT start_time, end_time, group_concat(name, ' '), group_concat(prominence, ' ') FROM regions"
        " JOIN prominences ON region_id = regions.id JOIN classes ON classes.id = class_id"
        " GROUP BY regions.id ORDER BY start_time"
    )
    assert [(round(start, 6), round(end, 6), names) for start, end, names, _ in regions] == [
        (0.5, 1.0, "dog"),
        (1.0, 1.25, "dog cat"),
        (1.25, 1.75, "cat"),
    ]
    assert [given_ for *_, given_ in regions] == [None, "5 2", None]
    text = (await operator.get(f"new_annotation/?project=1&annotation={page.annotation_id}")).text
    assert "'region', 'cat dog'" in text
    assert "region.attributes.classProminences['cat'] = 2;" in text
    assert "'event'" not in text


async def test_everybody_is_offered_everything_and_nobody_sees_anothers(bat, operator, marina):
    await add(operator, "a.wav", "b.wav", "c.wav")
    joan = Annotator(bat.url, "joan")
    await joan.sign_up()
    await joan.login()
    for person in (marina, joan):
        assert await person.label_all("one", lambda wav: []) == 3
    [theirs] = [where for wav, where in (await marina.mine("one")).items() if wav == "a.wav"]
    assert (await joan.browser.get(theirs)).headers["location"] == f"{TOOL}/new_annotation/"
    assert "There are no more segments" in (await joan.browser.get(f"{TOOL}/new_annotation/?project=1")).text
    assert (await joan.browser.get(f"{TOOL}/new_annotation/?project=9")).status_code == 404


async def test_the_way_back_leaves_it_finished_until_an_event_is_touched(bat, operator, marina):
    await add(operator, "a.wav")
    await marina.label_next("one", lambda wav: [DOG, CAT])
    await marina.back("one", "a.wav")
    assert bat.rows("SELECT status FROM annotations") == [("finished",)]
    assert bat.rows("SELECT * FROM regions") == []
    await marina.say_instead("one", "a.wav", [CAT])
    assert bat.rows("SELECT status FROM annotations") == [("finished",)]
    assert [
        name for (name,) in bat.rows("SELECT name FROM events JOIN classes ON class_id = classes.id")
    ] == ["cat"]


async def test_what_is_edited_after_finishing_keeps_its_old_regions(bat, operator, marina):
    await add(operator, "a.wav")
    page = await marina.label_next("one", lambda wav: [DOG])
    assert page
    await marina.mark(page, [CAT])
    assert bat.rows("SELECT status FROM annotations") == [("unfinished",)]
    await marina.finish(page)
    assert len(bat.rows("SELECT * FROM events")) == 2
    assert len(bat.rows("SELECT * FROM regions")) == 1


async def test_a_tag_without_overlaps_can_never_be_finished(bat, operator, marina):
    await add(operator, "a.wav", overlap=False)
    page = await marina.next("one")
    await marina.mark(page, [Heard("dog", 0, 1, tags=("loud",))])
    response = await marina.browser.post(
        f"{TOOL}/annotation/{page.annotation_id}/finish/",
        data={"load next": "0"},
        headers={"X-CSRFToken": marina.browser.cookies["csrftoken"]},
    )
    assert response.status_code == 500
    assert bat.rows("SELECT status FROM annotations") == [("unfinished",)]


async def test_anybody_may_change_any_annotation(bat, operator, marina):
    await add(operator, "a.wav")
    page = await marina.next("one")
    stranger = Operator(bat.url)
    await stranger.get("")  # a token and no session
    sent = {"annotation": page.annotation_id, "start_time": 9, "end_time": 0.1, "padding": 0}
    response = await stranger.post("update_end_event/", region_data=json.dumps(sent))
    assert response.json() == {"event_id": 1}
    assert bat.rows("SELECT start_time, end_time FROM events") == [(9, 0.1)]
    assert (await stranger.post("update_event/")).status_code == 500


async def test_what_is_not_there_is_told_in_two_ways(operator):
    sent = json.dumps({"annotation": 9, "event_id": 9, "start_time": 0, "end_time": 1, "padding": 0})
    assert (await operator.post("update_event/", region_data=sent)).json()["error"] == "Event does not exist"
    response = await operator.post("update_end_event/", region_data=sent)
    assert (response.status_code, response.json()["error"]) == (200, "Annotation does not exist")
    assert title(await operator.post("create_region/", region_data=sent)).startswith("DoesNotExist")


async def test_the_same_event_twice_is_a_500_and_nothing_of_it_stays(bat, operator, marina):
    await add(operator, "a.wav")
    page = await marina.next("one")
    with pytest.raises(AssertionError, match="IntegrityError"):
        await marina.mark(page, [DOG, Heard("dog", 1.5, 2), DOG])
    assert bat.rows("SELECT count(*) FROM events WHERE class_id IS NOT NULL") == [(2,)]


async def test_a_page_that_is_opened_takes_anothers_sound_away(bat, operator, marina):
    await add(operator, "a.wav", "b.wav")
    page = await marina.next("one")
    assert (await marina.browser.get(page.audio)).status_code == 200
    await bat.somebody_opens_a_page()
    assert (await marina.browser.get(page.audio)).status_code == 404
    await bat.fault("wiped", "GET", "/tmp/tmp/", times=2)
    assert (await marina.next("one")).wav != page.wav
    assert [one["kind"] for one in await bat.struck()] == ["wiped"] * 2


async def test_what_is_heard_has_silence_around_it(operator, marina):
    await add(operator, "a.wav", duration_s=2.5)
    page = await marina.next("one")
    assert page.padding_s == 0.13
    heard = await marina.browser.get(page.audio)
    assert len(heard.content) == len(wav_file(2.5 + 2 * 0.13))


def test_padding_is_rounded_half_away_from_zero():
    assert [rounded(length / 20) for length in (0.5, 2.5, 10, 0.09)] == [0.03, 0.13, 0.5, 0]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.9999999999999999, "1.0"),
        (1e-05, "1e-05"),
        (1e20, "1e+20"),
        (1e11, "1e+11"),
        (99999999999.0, "99999999999.0"),
        (7.0122902494331, "7.01229024943"),
        (-0.5, "-0.5"),
        (0.0, "0.0"),
        (1 / 3, "0.333333333333"),
    ],
)
def test_numbers_are_written_as_python_2_does(number, text):
    assert printed(number) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_that_is_written_keeps_twelve_digits_and_reads_as_a_float(number):
    text = printed(number)
    assert "." in text or "e" in text
    assert math.isclose(float(text), number, rel_tol=1e-11, abs_tol=0) or number == 0
