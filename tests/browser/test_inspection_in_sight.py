"""What stays in sight on the inspection page: map, audio and row together, every class, every stage."""

import csv

import numpy as np
import pytest
from browser.inspection import TAGGER, opened, show
from playwright.async_api import Page, expect

from al_engine.maps.store import MAPS

# Whether nothing lies over the row where it is on the screen.
UNCOVERED = """place => {
  const row = document.querySelectorAll("#rows tr")[place];
  const { left, top, height } = row.getBoundingClientRect();
  const at = document.elementFromPoint(Math.max(left, 0) + 20, top + height / 2);
  return at !== null && at.closest("tr") === row;
}"""


@pytest.fixture
def page(lead_page: Page) -> Page:
    return lead_page


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844), (800, 1280)])
async def test_who_goes_through_the_list_keeps_map_audio_and_row_in_sight(on, page, width, height):
    await page.set_viewport_size({"width": width, "height": height})
    shown = await show(on, 500)
    await opened(on, page, shown)

    async def all_in_sight(place: int) -> None:
        await expect(page.locator("#audio-name")).to_have_text(shown.mapped.name(shown.batch[place]))
        await expect(page.locator("#map")).to_be_in_viewport(ratio=0.95)
        await expect(page.locator("#audio-name")).to_be_in_viewport(ratio=0.95)
        await page.wait_for_function(UNCOVERED, arg=place)  # once it has been scrolled to

    await page.locator("#rows tr").nth(25).click()
    await all_in_sight(25)
    await page.keyboard.press("End")
    await all_in_sight(39)
    for _ in range(15):
        await page.keyboard.press("ArrowUp")
    await all_in_sight(24)
    await page.keyboard.press("Home")
    await all_in_sight(0)


async def test_what_shares_a_color_can_be_opened_and_seen_by_itself(on, page):
    shown = await show(on, 2000)
    await opened(on, page, shown)
    await page.get_by_text("Tagger’s class", exact=True).click()
    categories = page.locator("#categories")
    await expect(categories).not_to_contain_text("Bell")
    await page.get_by_role("button", name="Open 4 other classes").press("Enter")
    opened_list = page.get_by_role("button", name="Close 4 other classes")
    await expect(opened_list).to_be_focused()
    counts = np.bincount(shown.mapped.tagger, minlength=len(TAGGER))
    few = sorted(range(len(TAGGER)), key=lambda number: -counts[number])[7:]
    for number in few:
        await expect(categories).to_contain_text(f"{TAGGER[number]}{counts[number]}")
    before = await page.locator("#map canvas").evaluate("it => it.toDataURL()")
    alone = page.get_by_role("button", name=f"{TAGGER[few[0]]} {counts[few[0]]}")
    await alone.click()
    await expect(alone).to_have_attribute("aria-pressed", "true")
    await page.wait_for_function(
        "old => document.querySelector('#map canvas').toDataURL() !== old", arg=before
    )
    await opened_list.click()
    await expect(categories).not_to_contain_text(TAGGER[few[0]])
    await page.wait_for_function(
        "old => document.querySelector('#map canvas').toDataURL() === old", arg=before
    )


async def test_which_channels_are_heard_is_told_beside_the_audio(on, page):
    shown = await show(on, 200)
    told = "channel 1 of 2: channel 2 is inverted"
    await on.catalog.execute("UPDATE audio.audios SET channels_heard = $1", told)
    await opened(on, page, shown)
    await page.locator("#rows tr").first.click()
    await expect(page.locator("#facts")).to_contain_text(told)


async def test_a_file_that_is_named_like_a_formula_is_a_text_in_the_csv(on, page, tmp_path):
    shown = await show(on, 200)
    await on.catalog.execute("UPDATE audio.audios SET file_name = '=HYPERLINK(\"x\")'")
    await opened(on, page, shown)
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="Download CSV").click()
    await (await saving.value).save_as(tmp_path / "saved.csv")
    with (tmp_path / "saved.csv").open(encoding="utf-8", newline="") as lines:
        assert {line["File"] for line in csv.DictReader(lines)} == {'\'=HYPERLINK("x")'}


async def test_who_waits_for_a_map_reads_what_it_is_at(on, page):
    shown = await show(on, 12, 3, 4)
    async with on.catalog.acquire() as other:  # as if another process were drawing it
        await other.execute("SELECT pg_advisory_lock($1)", MAPS.lock)
        state = (
            "UPDATE al.iteration_maps SET status = 'requested', stage = $1, stage_done = $2, stage_total = $3"
        )
        await page.goto("about:blank")
        for stage, done, total, words, share in (
            (None, None, None, "Waiting for its turn", None),
            ("comparing", 1, 2, "which audios sound alike", "0.5"),
            ("preparing", 0, 1, "takes a minute or more", None),
            ("fitting", 50, 200, "Laying out the map", "0.25"),
        ):
            await on.catalog.execute(state, stage, done, total)
            await page.goto(f"{on.http_url}/iterations/{shown.iteration_id}")
            await expect(page.locator("#waiting-words")).to_contain_text(words)
            bar = page.locator("#waiting-share")
            assert await bar.get_attribute("value") == share
        await on.catalog.execute("UPDATE al.iteration_maps SET status = 'drawn'")
        await other.execute("SELECT pg_advisory_unlock($1)", MAPS.lock)
    await expect(page.locator("#said")).to_have_text("12 audios on the map.")


async def test_a_lead_reads_what_an_iteration_waits_for_and_cancels_it(on, page):
    await page.goto(on.http_url + "/iterations")
    await page.get_by_role("button", name="Ask").click()
    row = page.locator("#iterations tbody tr").first
    await expect(row).to_contain_text("It waits: no audio is embedded by a model")
    await row.get_by_role("button", name="Cancel").press("Enter")
    await expect(row).to_contain_text("failed it was canceled")
    await expect(row.get_by_role("button", name="Cancel")).to_have_count(0)


CATEGORIES = """async ([field, points]) =>
    (await import("/iterations/static/palette.js")).categoriesBy(field, points)"""


@pytest.mark.parametrize("count", [0, 1, 8, 9, 12, 13, 300])
@pytest.mark.parametrize("field", ["set", "label"])
async def test_every_class_and_every_set_has_one_color_and_can_be_shown_alone(on, page, field, count):
    await page.goto(on.http_url + "/iterations")
    names = [f"class {number}" for number in range(count)] + [""]
    points = {"set": list(range(count + 1)), "header": {"labels": names}}
    categories = await page.evaluate(CATEGORIES, [field, points])
    values = [value for category in categories for value in category["values"]]
    assert sorted(values) == list(range(count + 1))
    for category in categories:
        members = [member["value"] for member in category.get("members", [])]
        assert category["values"] == members or len(category["values"]) == 1
        assert category["color"].startswith("#")
