"""On a phone every page goes on downwards and never sideways, however long the names on it are."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from browser.at_work import GatewayInBrowser
from browser.inspection import opened, show, sign_in
from playwright.async_api import Browser, Page, ViewportSize
from unit.ingest.at_work import ingest_at_work

from escolta.events import NodeStatus, SoundLeftOut
from escolta.service import Platform

PHONE: ViewportSize = {"width": 390, "height": 844}
NAME, GROUP, FILE = "W" * 80, "M" * 80, "x" * 900 + ".wav"


async def fits(page: Page) -> bool:
    """Whether nothing lies to the right of the screen."""
    return await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_the_pages_of_people_and_batches_fit(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    link = await gateway.labeler(NAME, GROUP)
    await gateway.on.catalog.execute("UPDATE audio.labelers SET role = 'lead' WHERE name = $1", NAME)
    await gateway.propose(2)
    page = (await gateway.labeling_page(link, viewport=PHONE)).page
    assert await fits(page)
    await page.goto(gateway.on.http_url + "/batches")
    await page.get_by_text(f"{NAME} (1)").wait_for()
    assert await fits(page)
    await page.goto(gateway.on.http_url + "/account")
    await page.get_by_role("button", name="Make a token").click()
    await page.get_by_label("Token", exact=True).wait_for()
    assert await fits(page)


async def test_the_quarantine_fits(catalog_url: str, tmp_path: Path, browser: Browser) -> None:
    async with ingest_at_work(catalog_url, tmp_path) as ingest:
        told = {"node": "quay-1", "at": datetime.now(UTC)}
        await ingest.publish(
            NodeStatus(**told, spooled=0, free_bytes=1, version="1", source=FILE),
            SoundLeftOut(**told, left_out_id=uuid4(), file_name=FILE, reason=f"{FILE} is empty."),
        )
        await ingest.quarantined(1)
        context = await browser.new_context(viewport=PHONE)
        await sign_in(context, ingest.on, "lead")
        page = await context.new_page()
        await page.goto(f"{ingest.on.http_url}/quarantine")
        await page.get_by_role("article").wait_for()
        await page.get_by_role("listitem").filter(has_text="quay-1").wait_for()
        await page.get_by_text("The message as it came").click()
        assert await fits(page)
        await context.close()


async def test_the_pages_of_iterations_fit(on: Platform, lead_page: Page) -> None:
    await lead_page.set_viewport_size(PHONE)
    shown = await show(on, 200)
    await on.catalog.execute("UPDATE audio.audios SET file_name = $1", FILE[-255:])
    await on.catalog.execute("UPDATE al.wavs_proposed SET label = $1 WHERE label IS NOT NULL", NAME)
    await on.catalog.execute("UPDATE audio.models SET class_names[1] = $1", NAME)
    await opened(on, lead_page, shown)
    await lead_page.locator("#rows tr").nth(3).click()
    await lead_page.locator("#audio-name").get_by_text(FILE[-255:]).wait_for()
    assert await fits(lead_page)
    await lead_page.goto(on.http_url + "/iterations")
    await lead_page.locator("#iterations tbody tr").first.wait_for()
    assert await fits(lead_page)
