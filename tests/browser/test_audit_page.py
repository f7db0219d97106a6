"""The audit page: a lead reads who did what, by keyboard, on a phone and at a desk."""

import os

import pytest
from browser.at_work import GatewayInBrowser
from playwright.async_api import Page, ViewportSize, expect

from escolta.audit import INSTALLATION, Somebody, note
from label_gateway.people.sign_in import sign_in_link

HOSTILE = "<img src=x onerror=alert(1)>"
LONG = "x" * 120


async def opened(gateway: GatewayInBrowser, width: int = 1440) -> Page:
    link = await sign_in_link(gateway.on, "lead")
    page = await gateway.page(viewport=ViewportSize(width=width, height=900))
    await page.goto(link)
    await page.wait_for_url("**/label")
    await page.get_by_role("link", name="Audit").click()
    await page.get_by_role("cell", name="signed in").first.wait_for()
    return page


async def test_a_lead_reads_what_happened_and_what_labels_were_given(gateway: GatewayInBrowser) -> None:
    await note(gateway.on.catalog, "ingest", Somebody(7, HOSTILE), "deleted", "audio 1")
    await note(gateway.on.catalog, "label-gateway", INSTALLATION, "labeled", "audio 2")
    page = await opened(gateway)
    rows = page.locator("#entries tr")
    await expect(rows.first).to_contain_text("lead")
    await expect(page.get_by_role("cell", name=HOSTILE, exact=True)).to_be_visible()
    await expect(page.get_by_role("cell", name="audio 2")).to_have_count(0)
    await page.get_by_label("Show").select_option("labeled")
    await expect(rows).to_have_count(1)
    await expect(rows.first).to_contain_text("audio 2")
    await page.get_by_label("Show").select_option("revoked a node")
    await expect(page.get_by_role("status")).to_have_text("Nothing.")


async def test_it_goes_on_page_after_page_by_keyboard(gateway: GatewayInBrowser) -> None:
    for number in range(220):
        await note(gateway.on.catalog, "ingest", INSTALLATION, "deleted", f"audio {number}")
    page = await opened(gateway)
    rows = page.locator("#entries tr")
    await page.get_by_label("Show").select_option("deleted")
    await expect(rows).to_have_count(100)
    for shown in (200, 220):
        await page.get_by_role("button", name="Show more").focus()
        await page.keyboard.press("Enter")
        await expect(rows).to_have_count(shown)
        await expect(rows.nth(shown - 100 if shown == 200 else 200)).to_be_focused()
    await expect(page.get_by_role("button", name="Show more")).to_be_hidden()
    assert await page.locator("#entries tr td:nth-child(4)").all_inner_texts() == [
        f"audio {number}" for number in reversed(range(220))
    ]


@pytest.mark.parametrize("width", [390, 1440])
async def test_everything_is_in_sight(gateway: GatewayInBrowser, width: int) -> None:
    await note(gateway.on.catalog, "label-gateway", Somebody(7, LONG), "changed a person", LONG)
    page = await opened(gateway, width)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    for cell in await page.locator("#entries td").all():
        box = await cell.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    if shots := os.environ.get("ESCOLTA_TEST_SHOTS"):
        await page.screenshot(path=f"{shots}/audit-{width}.png")
