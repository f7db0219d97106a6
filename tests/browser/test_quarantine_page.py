"""The quarantine page in a real browser."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from unit.ingest.at_work import IngestAtWork, ingest_at_work

from escolta.web import Sessions

HOSTILE = "<img src=x onerror=alert(1)>.wav"


@pytest.fixture
async def ingest(catalog_url: str, tmp_path: Path) -> AsyncIterator[IngestAtWork]:
    async with ingest_at_work(catalog_url, tmp_path) as ingest:
        yield ingest


@pytest.fixture
async def page(ingest: IngestAtWork, browser: Browser) -> AsyncIterator[Page]:
    """A page of a browser in which a lead is signed in."""
    context = await browser.new_context()
    name = Sessions(ingest.on.settings).cookie
    await context.add_cookies([{"name": name, "value": ingest.token("lead"), "url": ingest.on.http_url}])
    yield await context.new_page()
    await context.close()


async def test_a_lead_reads_by_keyboard_what_happened_to_which_file(ingest: IngestAtWork, page: Page) -> None:
    event = await ingest.upload(b"words", file_name=HOSTILE)
    await ingest.publish(event)
    await ingest.quarantined(1)
    await page.goto(f"{ingest.on.http_url}/quarantine")
    card = page.get_by_role("article")
    await expect(card.get_by_role("heading")).to_contain_text(f"{HOSTILE} of node quay-1 is not a sound file")
    await expect(card).to_contain_text(event.object_key)
    await page.get_by_role("button", name="Refresh").focus()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(card.locator("pre")).to_be_visible()
    await expect(card.locator("pre")).to_contain_text(event.sha256)


async def test_a_new_entry_appears_on_refresh(ingest: IngestAtWork, page: Page) -> None:
    await page.goto(f"{ingest.on.http_url}/quarantine")
    await expect(page.get_by_role("status")).to_have_text("Nothing is in quarantine.")
    await ingest.publish(b"not JSON")
    await ingest.quarantined(1)
    await page.get_by_role("button", name="Refresh").click()
    await expect(page.get_by_role("status")).to_have_text("1 of 1 shown.")
    await expect(page.get_by_role("article")).to_contain_text("not JSON")
