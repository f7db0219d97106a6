"""The inspection pages in a real browser: 20,000 audios on a map, heard, read, lassoed, by hand and key."""

import csv

import numpy as np
import pytest
from browser.inspection import Shown, opened, show, sign_in
from playwright.async_api import Page, expect

POINTS = 20_000
# How often the map is drawn anew while somebody moves it, a second.
FRAMES = """async () => {
  const map = document.getElementById("map");
  const canvas = map.querySelector("canvas");
  const drawn = () => Number(map.dataset.drawn);
  const [start, before] = [performance.now(), drawn()];
  for (let i = 0; performance.now() - start < 1500; i++) {
    const key = i % 2 ? "ArrowLeft" : "ArrowRight";
    canvas.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    await new Promise(requestAnimationFrame);
  }
  return (1000 * (drawn() - before)) / (performance.now() - start);
}"""
# Moves the map, and ends when it is drawn anew.
MOVE = """async (key) => {
  const map = document.getElementById("map");
  const before = map.dataset.drawn;
  map.querySelector("canvas").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  while (map.dataset.drawn === before) await new Promise(requestAnimationFrame);
}"""


@pytest.fixture
def page(lead_page: Page) -> Page:
    return lead_page


async def place_of(page: Page, shown: Shown, row: int) -> tuple[float, float]:
    """Where a point of the map is on the screen, while nothing is zoomed."""
    box = await page.locator("#map").bounding_box()
    assert box
    low, high = shown.mapped.places.min(axis=0), shown.mapped.places.max(axis=0)
    across, down = (shown.mapped.places[row] - (low + high) / 2) / (high - low) * 0.88
    return box["x"] + box["width"] * (0.5 + across), box["y"] + box["height"] * (0.5 - down)


async def plays(page: Page, audio_id: object) -> None:
    """Waits until the page's player is at work on that audio."""
    await page.wait_for_function(
        "id => { const it = document.getElementById('player');"
        " return it.src.endsWith(id) && !it.paused && it.currentTime > 0 }",
        arg=str(audio_id),
    )


def alone(shown: Shown) -> int:
    """The proposal that lies farthest from the middle, so that no other lies on it."""
    away = ((shown.mapped.places - shown.mapped.places.mean(axis=0)) ** 2).sum(axis=1)
    return max(shown.batch, key=lambda row: away[row])


async def test_20000_points_are_drawn_and_follow_the_hand(on, page, record_property):
    shown = await show(on, POINTS)
    await opened(on, page, shown)
    await expect(page.locator("#said")).to_have_text("20,000 audios on the map.")
    colors = await page.evaluate(
        "() => { const it = document.querySelector('#map canvas');"
        " const { data } = it.getContext('2d').getImageData(0, 0, it.width, it.height);"
        " return new Set(new Uint32Array(data.buffer)).size }"
    )
    assert colors > 20  # four sets, two outlines, and their edges
    for key in ("ArrowLeft", "ArrowRight", "ArrowLeft"):
        await page.evaluate(MOVE, key)
    frames = await page.evaluate(FRAMES)  # told, and no more: a slow machine is no fault
    record_property("frames_per_second", frames)
    print(f"\n{frames:.0f} frames a second")

    before = await page.locator("#map canvas").evaluate("it => it.toDataURL()")
    box = await page.locator("#map").bounding_box()
    assert box
    await page.mouse.move(box["x"] + 300, box["y"] + 200)
    await page.mouse.wheel(0, -400)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 420, box["y"] + 260, steps=5)
    await page.mouse.up()
    assert await page.locator("#map canvas").evaluate("it => it.toDataURL()") != before


async def test_hovering_plays_and_tells_the_reason(on, page):
    shown = await show(on, 2000)
    await opened(on, page, shown)
    row = alone(shown)
    await page.locator("#title").click()  # browsers play nothing before a gesture
    heard: list[str] = []
    page.on("response", lambda it: heard.append(it.url) if "/audio/" in it.url else None)
    await page.mouse.move(*await place_of(page, shown, row))
    await plays(page, shown.mapped.ids[row])
    assert heard
    facts = page.locator("#facts")
    await expect(page.locator("#audio-name")).to_have_text(shown.mapped.name(row))
    await expect(facts).to_contain_text(f"Proposed, rank {shown.batch.index(row) + 1}")
    for words in ("D1", "the two", "Propagated", "61 %", "at 0.250", "60 %", "quay-1"):
        await expect(facts).to_contain_text(words)
    await page.mouse.move(5, 5)
    await page.wait_for_function("() => document.getElementById('player').paused")


async def test_the_reason_leads_to_the_nearest_audio_that_nobody_agreed_on(on, page):
    shown = await show(on, 500)
    nearest = shown.medoids[0]
    await on.catalog.execute(
        "UPDATE al.wavs_proposed SET nearest_unresolved = $1, unresolved_distance = 0.125,"
        " unresolved_probability = 0.87 WHERE iteration_id = $2",
        shown.mapped.ids[nearest],
        shown.iteration_id,
    )
    await opened(on, page, shown)
    await page.keyboard.press("j")
    facts = page.locator("#facts")
    await expect(facts).to_contain_text("87 % that nobody would agree here either")
    await expect(facts).to_contain_text("at 0.125")
    await facts.get_by_role("button", name="show").click()
    await expect(page.locator("#audio-name")).to_have_text(shown.mapped.name(nearest))


async def test_the_lasso_lists_what_it_holds_and_saves_it(on, page, tmp_path):
    shown = await show(on, 2000)
    await opened(on, page, shown)
    row = alone(shown)
    x, y = await place_of(page, shown, row)
    await page.get_by_text("Lasso", exact=True).click()
    await page.mouse.move(x - 25, y - 25)
    await page.mouse.down()
    for corner in ((25, -25), (25, 25), (-25, 25)):
        await page.mouse.move(x + corner[0], y + corner[1], steps=3)
    await page.mouse.up()

    box = await page.locator("#map").bounding_box()
    assert box
    scale = np.array([box["width"], box["height"]]) * 0.88
    low, high = shown.mapped.places.min(axis=0), shown.mapped.places.max(axis=0)
    away = abs(shown.mapped.places - shown.mapped.places[row]) / (high - low) * scale
    inside = {shown.mapped.name(it) for it in range(2000) if away[it].max() < 25}
    await expect(page.locator("#which")).to_have_value("lasso")
    await expect(page.locator("#count")).to_have_text(f"{len(inside)} audio{'s' * (len(inside) != 1)}")
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="Download CSV").click()
    saved = tmp_path / "saved.csv"
    await (await saving.value).save_as(saved)
    with saved.open(encoding="utf-8", newline="") as lines:
        assert {line["File"] for line in csv.DictReader(lines)} == inside
    await page.get_by_role("button", name=f"Play {shown.mapped.name(row)}").click()
    await plays(page, shown.mapped.ids[row])


async def test_everything_can_be_done_by_keyboard_alone(on, page):
    shown = await show(on, 2000)
    await opened(on, page, shown)
    ids = shown.mapped.ids
    await page.keyboard.press("j")
    await plays(page, ids[shown.batch[0]])
    await page.keyboard.press("Space")
    await page.wait_for_function("() => document.getElementById('player').paused")
    await page.keyboard.press("j")
    await plays(page, ids[shown.batch[1]])
    await page.keyboard.press("k")
    await plays(page, ids[shown.batch[0]])

    # Along the list by arrows; Enter plays.
    await page.locator("#rows tr[tabindex='0']").focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await plays(page, ids[shown.batch[2]])
    await expect(page.locator("#facts")).to_contain_text("Proposed, rank 3")
    await expect(page.locator("#rows tr[aria-selected='true']")).to_contain_text(
        shown.mapped.name(shown.batch[2])
    )

    # A category instead of the lasso.
    await page.locator("#which").focus()
    await page.locator("#which").select_option(label="Medoids")
    await expect(page.locator("#count")).to_have_text("60 audios")
    await page.locator("#color-by input:checked").focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#categories")).to_contain_text("Water")
    await page.locator("#which").select_option(label="Bell")
    bells = int((shown.mapped.tagger == 10).sum())
    await expect(page.locator("#count")).to_have_text(f"{bells} audios")

    # The legend and the map.
    await page.get_by_role("button", name="Rest (discarded)").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Rest (discarded)")).to_have_attribute(
        "aria-pressed", "false"
    )
    await expect(page.get_by_role("button", name="Rest (discarded)")).to_be_focused()
    await page.locator("#map canvas").focus()
    before = await page.locator("#map canvas").evaluate("it => it.toDataURL()")
    for key in ("+", "ArrowLeft"):
        await page.keyboard.press(key)
    await page.wait_for_function(
        "old => document.querySelector('#map canvas').toDataURL() !== old", arg=before
    )


async def test_a_batch_that_is_open_keeps_its_reasons(on, page):
    shown = await show(on, 500, closed=False)
    await opened(on, page, shown)
    await page.keyboard.press("j")
    await expect(page.locator("#facts")).to_contain_text("Told when the batch is closed")
    await expect(page.locator("#facts")).not_to_contain_text("Predicted")
    rows = " ".join(await page.locator("#rows tr").all_inner_texts())
    for word in ("mismatched", "agrees", "D1", "control"):
        assert word not in rows


async def test_a_map_is_drawn_when_somebody_looks_and_said_while_it_is(on, page):
    shown = await show(on, 12, 3, 4)
    await on.catalog.execute("DELETE FROM al.iteration_maps")
    await on.catalog.execute("DELETE FROM al.maps")
    await opened(on, page, shown)
    await expect(page.locator("#said")).to_have_text("12 audios on the map.")


async def test_a_lead_reads_the_iterations_and_asks_for_one(on, page):
    shown = await show(on, 200)
    await page.goto(on.http_url + "/label")
    await page.get_by_role("link", name="Iterations").click()
    rows = page.locator("#iterations tbody tr")
    await expect(rows).to_have_count(2)
    for words in ("closed", "2024-05-01 – 2024-05-08", "every node", "200", "60", "30.0 %", "mal-mf", "test"):
        await expect(rows.first).to_contain_text(words)
    await page.get_by_label("Nodes").fill("quay-1")
    await page.get_by_label("From (UTC)").fill("2024-05-01T10:00")
    await page.get_by_label("To (UTC)").fill("2024-05-02T10:00")
    await page.get_by_label("Hours (UTC)").fill("22-6")
    await page.get_by_label("Strategy").select_option("farthest")
    await page.get_by_label("Batch").fill("7")
    await page.get_by_label("Batch").press("Enter")
    await expect(rows).to_have_count(3)
    wanted = await on.catalog.fetchrow(
        "SELECT nodes, window_start::text, window_end::text, hours, strategy, batch FROM al.al_preprocessing"
        " ORDER BY requested_at DESC LIMIT 1"
    )
    window = ("2024-05-01 10:00:00+00", "2024-05-02 10:00:00+00", [22, 6])
    assert tuple(wanted) == (["quay-1"], *window, "farthest", 7)
    await rows.nth(1).get_by_role("link").click()
    await page.wait_for_url(f"**/iterations/{shown.iteration_id}")


async def test_a_labeler_is_not_shown_the_way(on, browser):
    context = await browser.new_context()
    await sign_in(context, on, "labeler")
    page = await context.new_page()
    answer = await page.goto(f"{on.http_url}/iterations")
    assert answer
    assert answer.status == 403
    await page.get_by_role("link", name="Label").wait_for()
    assert await page.get_by_role("link", name="Iterations").count() == 0
    await context.close()
