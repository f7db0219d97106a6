"""The page of nodes in a real browser: what becomes of the speech that each records."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from browser.inspection import sign_in
from playwright.async_api import Browser, Page, expect
from unit.ingest.at_work import IngestAtWork, ingest_at_work


@pytest.fixture
async def ingest(catalog_url: str, tmp_path: Path) -> AsyncIterator[IngestAtWork]:
    async with ingest_at_work(catalog_url, tmp_path) as ingest:
        yield ingest


@pytest.fixture
async def page(ingest: IngestAtWork, browser: Browser) -> AsyncIterator[Page]:
    """The page, to a lead."""
    context = await browser.new_context()
    await sign_in(context, ingest.on, "lead")
    page = await context.new_page()
    await page.goto(f"{ingest.on.http_url}/nodes")
    yield page
    await context.close()


async def test_a_lead_chooses_by_keyboard_what_becomes_of_speech(ingest: IngestAtWork, page: Page) -> None:
    policy = page.get_by_label("Policy of quay-1")
    await expect(policy).to_have_value("keep")
    await policy.focus()
    await page.keyboard.type("Speech")
    await page.get_by_label("Threshold of quay-1").fill("0.25")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("quay-1: Speech is withheld.")).to_be_visible()
    row = await ingest.on.catalog.fetchrow("SELECT speech_policy, speech_threshold FROM audio.nodes")
    assert tuple(row) == ("withhold", 0.25)
    await page.reload()
    await expect(page.get_by_label("Policy of quay-1")).to_have_value("withhold")
    await expect(page.get_by_label("Threshold of quay-1")).to_have_value("0.25")


async def test_what_cannot_be_is_said_and_changes_nothing(ingest: IngestAtWork, page: Page) -> None:
    await page.get_by_label("Threshold of quay-1").fill("7")
    await page.get_by_role("button", name="Save").click()
    await expect(
        page.get_by_text("speech_threshold: Input should be less than or equal to 1")
    ).to_be_visible()
    assert await ingest.on.catalog.fetchval("SELECT speech_threshold < 1 FROM audio.nodes")
