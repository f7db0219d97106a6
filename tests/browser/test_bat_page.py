"""The page of BAT: a lead says who labels there, and sees what has come back and what waits for them."""

import os
import re
from uuid import UUID

import pytest
from browser.at_work import GatewayInBrowser
from playwright.async_api import Page, ViewportSize, expect

from label_gateway.people.sign_in import sign_in_link

HOSTILE = "<img src=x onerror=alert(1)>"
LONG = "M" * 80
ADDRESS = "http://bat.example.org:8000"


async def opened(gateway: GatewayInBrowser, width: int = 1440) -> Page:
    """The page, as a lead comes to it by the bar."""
    gateway.on.settings = gateway.on.settings.model_copy(update={"bat_url": ADDRESS})
    link = await sign_in_link(gateway.on, "lead")
    page = await gateway.page(viewport=ViewportSize(width=width, height=900))
    await page.goto(link)
    await page.wait_for_url("**/label")
    await page.get_by_role("link", name="BAT", exact=True).click()
    await page.get_by_role("heading", name="Who labels where").wait_for()
    return page


async def in_bat(gateway: GatewayInBrowser, iteration_id: UUID, error: str | None = None) -> None:
    """A project of three audios: one is not there yet, of one the answer was taken over, and one waits."""
    db = gateway.on.catalog
    await db.execute(
        "INSERT INTO label.bat_projects (iteration_id, group_id, name, bat_id, last_round_at, last_error)"
        " SELECT $1, group_id, 'harbor-' || group_id, 7, now() - interval '40 s', $2 FROM label.assignments"
        " WHERE iteration_id = $1 LIMIT 1",
        iteration_id,
        error,
    )
    await db.execute(
        "INSERT INTO label.bat_wavs (iteration_id, group_id, audio_id, wav_name, pushed_at)"
        " SELECT iteration_id, group_id, audio_id, audio_id || '.wav', CASE WHEN place > 1 THEN now() END"
        " FROM label.assignments WHERE iteration_id = $1",
        iteration_id,
    )
    await db.execute(
        "INSERT INTO label.bat_annotations (iteration_id, group_id, wav_name, bat_user, audio_id,"
        " annotation_id, seen, imported_at, reason, todo, detail)"
        " SELECT iteration_id, group_id, audio_id || '.wav', CASE place WHEN 2 THEN 'mar' ELSE $2 END,"
        " audio_id, place, 2, CASE place WHEN 2 THEN now() END,"
        " CASE place WHEN 3 THEN 'nobody here labels in BAT as this user' END,"
        " CASE place WHEN 3 THEN 'Give the name to a labeler.' END, NULL"
        " FROM label.assignments WHERE iteration_id = $1 AND place > 1",
        iteration_id,
        HOSTILE,
    )


async def test_a_lead_says_by_keyboard_who_labels_in_bat(gateway: GatewayInBrowser) -> None:
    await gateway.labeler("Marina", "harbor")
    page = await opened(gateway)
    field = page.get_by_label("User of Marina in BAT")
    await expect(field).to_have_attribute("placeholder", "on the page")
    await field.focus()
    await page.keyboard.type("mar")
    await page.keyboard.press("Enter")
    await page.get_by_text("Labels in BAT.").wait_for()
    await expect(field).to_be_focused()
    users = "SELECT array_agg(bat_user) FROM label.bat_users"
    assert await gateway.on.catalog.fetchval(users) == ["mar"]
    await page.reload()
    await expect(page.get_by_label("User of Marina in BAT")).to_have_value("mar")
    await page.get_by_label("User of Marina in BAT").fill("")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Save where Marina labels")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.get_by_text("Labels on the page.", exact=True).wait_for()
    await expect(page.get_by_label("User of Marina in BAT")).to_be_focused()
    assert await gateway.on.catalog.fetchval(users) is None


async def test_two_cannot_be_one_user_and_are_told_so(gateway: GatewayInBrowser) -> None:
    await gateway.labeler("Marina", "harbor")
    await gateway.labeler("Nuria", "harbor")
    page = await opened(gateway)
    for name in ("Marina", "Nuria"):
        await page.get_by_label(f"User of {name} in BAT").fill("mar")
        await page.keyboard.press("Enter")
    await page.get_by_text("'Marina' is the user 'mar' in BAT already").wait_for()
    await expect(page.get_by_role("button", name="Save where Nuria labels")).to_be_enabled()
    gateway.faults.clear()  # the browser's own word of a 409


async def test_a_lead_sees_what_is_there_what_came_back_and_what_to_do(gateway: GatewayInBrowser) -> None:
    await gateway.labeler("Marina", "harbor")
    await gateway.on.catalog.execute("UPDATE audio.labelers SET group_id = NULL WHERE name = 'lead'")
    iteration_id = await gateway.propose(3)
    marina = await gateway.on.catalog.fetchval("SELECT labeler_id FROM audio.labelers WHERE name = 'Marina'")
    await gateway.on.catalog.execute("INSERT INTO label.bat_users VALUES ($1, 'mar')", marina)
    await in_bat(gateway, iteration_id, "BAT at bat.example.org does not answer: start it")
    page = await opened(gateway)
    await page.get_by_text(f"{ADDRESS}: 1 open project.").wait_for()
    card = page.get_by_role("article")
    await expect(card).to_contain_text("2 of 3 audios in BAT")
    await expect(card).to_contain_text("does not answer: start it")
    await expect(card.get_by_role("row").filter(has_text="Marina")).to_have_text("Marinamar11")
    await expect(card.get_by_role("row").filter(has_text="nobody here")).to_contain_text(HOSTILE)
    await expect(card).to_contain_text(f"{HOSTILE}, 1 audio: nobody here labels in BAT as this user.")
    await expect(card).to_contain_text("Give the name to a labeler.")
    await expect(card).to_contain_text(re.compile(r"Last round \d+ "))


async def test_without_a_bat_nothing_leads_there_and_the_page_says_why(gateway: GatewayInBrowser) -> None:
    page = await gateway.page()
    await page.goto(await sign_in_link(gateway.on, "lead"))
    await page.get_by_role("link", name="Audit").wait_for()
    await expect(page.get_by_role("link", name="BAT", exact=True)).to_have_count(0)
    await page.goto(f"{gateway.on.http_url}/bat")
    await page.get_by_text("No BAT is set").wait_for()


@pytest.mark.parametrize("width", [390, 1440])
async def test_everything_is_in_sight(gateway: GatewayInBrowser, width: int) -> None:
    await gateway.labeler(LONG, LONG)
    await gateway.labeler("Marina", LONG)
    await gateway.on.catalog.execute("UPDATE audio.labelers SET group_id = NULL WHERE name = 'lead'")
    await in_bat(gateway, await gateway.propose(6), "x" * 200)
    page = await opened(gateway, width)
    await page.get_by_role("article").wait_for()
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    for part in await page.locator("main p, main td, main input, main button").filter(visible=True).all():
        box = await part.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    if shots := os.environ.get("ESCOLTA_TEST_SHOTS"):
        await page.screenshot(path=f"{shots}/bat-{width}.png", full_page=True)
