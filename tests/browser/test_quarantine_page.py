"""The quarantine page in a real browser."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from browser.inspection import sign_in
from playwright.async_api import Browser, Page, expect
from unit.ingest.at_work import IngestAtWork, ingest_at_work

from escolta.events import AudioHeld, NodeStatus, SoundLeftOut

HOSTILE = "<img src=x onerror=alert(1)>.wav"


@pytest.fixture
async def ingest(catalog_url: str, tmp_path: Path) -> AsyncIterator[IngestAtWork]:
    async with ingest_at_work(catalog_url, tmp_path) as ingest:
        yield ingest


@pytest.fixture
async def page(ingest: IngestAtWork, browser: Browser) -> AsyncIterator[Page]:
    """A page of a browser in which a lead is signed in."""
    context = await browser.new_context()
    await sign_in(context, ingest.on, "lead")
    yield await context.new_page()
    await context.close()


async def test_a_lead_reads_by_keyboard_what_happened_to_which_file(ingest: IngestAtWork, page: Page) -> None:
    event = await ingest.upload(b"words", file_name=HOSTILE, sha256="0" * 64)
    await ingest.publish(event)
    await ingest.quarantined(1)
    await page.goto(f"{ingest.on.http_url}/quarantine")
    card = page.get_by_role("article")
    await expect(card.get_by_role("heading")).to_contain_text(
        f"{HOSTILE} of node quay-1 is not what the node sent"
    )
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
    await expect(page.get_by_role("status")).to_have_text("1 of 1 shown: 1 refused.")
    await expect(page.get_by_role("article")).to_contain_text("not JSON")


async def test_what_waits_at_a_node_is_shown_with_what_to_do_until_it_is_mended(
    ingest: IngestAtWork, page: Page
) -> None:
    strange = ingest.event(b"sound", node="raft-9")
    await ingest.publish(strange)
    await ingest.until_said(AudioHeld, strange)

    async def listed() -> bool:
        return bool(await ingest.held())

    await ingest.until(listed)
    await page.goto(f"{ingest.on.http_url}/quarantine")
    waiting = page.get_by_role("region", name="Waiting at the nodes")
    await expect(waiting.get_by_role("listitem")).to_contain_text("raft-9: at least 1 audio, since")
    await expect(waiting).to_contain_text("No node is called raft-9: register it")
    async with ingest.client() as client:
        await client.post("/api/nodes", json={"name": "raft-9"})
    await page.get_by_role("button", name="Refresh").click()
    await expect(waiting).to_be_hidden()


async def test_refused_left_out_and_doubtful_are_told_apart(ingest: IngestAtWork, page: Page) -> None:
    told = {"node": "quay-1", "file_name": f"card/{HOSTILE}", "at": datetime.now(UTC)}
    await ingest.publish(
        b"not JSON",
        SoundLeftOut(left_out_id=uuid4(), reason="Permission denied", **told),
        SoundLeftOut(left_out_id=uuid4(), reason="is damaged there", from_s=10, to_s=20.5, **told),
        SoundLeftOut(left_out_id=uuid4(), reason="is shorter than it says", doubtful=True, **told),
    )
    await ingest.quarantined(4)
    await page.goto(f"{ingest.on.http_url}/quarantine")
    state = page.get_by_role("status")
    await expect(state).to_have_text("4 of 4 shown: 1 refused, 2 left out, 1 doubtful.")
    part = page.get_by_role("article").filter(has_text="is damaged there")
    await expect(part).to_contain_text("Left out")
    await expect(part).to_contain_text(f"card/{HOSTILE}, from 10 s to 20.5 s")
    doubt = page.get_by_role("article").filter(has_text="is shorter than it says")
    await expect(doubt).to_contain_text("Doubtful, but taken")
    await expect(page.get_by_role("article").filter(has_text="Permission denied")).not_to_contain_text(
        "not known", use_inner_text=True
    )


async def test_what_a_nodes_source_holds_is_told_above_the_list(ingest: IngestAtWork, page: Page) -> None:
    now = datetime.now(UTC)
    await ingest.publish(
        NodeStatus(node="quay-1", at=now, spooled=0, free_bytes=1, version="1", source="3 other files")
    )

    async def kept() -> bool:
        return bool(await ingest.on.catalog.fetchval("SELECT count(*) FROM audio.node_status"))

    await ingest.until(kept)
    await page.goto(f"{ingest.on.http_url}/quarantine")
    await expect(page.get_by_role("listitem").filter(has_text="quay-1")).to_have_text("quay-1: 3 other files")
