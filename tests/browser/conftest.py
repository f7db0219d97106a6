"""A real browser on the pages of a real label-gateway."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from browser.at_work import PATIENCE_MS, GatewayInBrowser
from browser.inspection import sign_in
from playwright.async_api import Browser, Page, async_playwright, expect
from pydantic import SecretStr

from al_engine.service import build as build_al_engine
from escolta.runtime import running
from escolta.service import Platform
from escolta.settings import Settings
from label_gateway.service import build

expect.set_options(timeout=PATIENCE_MS)

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --autoplay-policy=no-user-gesture-required"
)
"""Sound is allowed from the start: else it would hang on when a test first asks the page something."""
SOMEWHERE = """
    INSERT INTO audio.projects (name) VALUES ('port');
    INSERT INTO audio.sources (name) VALUES ('replay');
    INSERT INTO audio.node_types (name) VALUES ('test');
    INSERT INTO audio.nodes (name, project_id, source_id, node_type_id) VALUES ('quay-1', 1, 1, 1);
    INSERT INTO audio.paths (path) VALUES ('audio/');
    SELECT audio.ensure_month('2024-05-01T00:00:00Z')
"""


@pytest.fixture(scope="session")
async def browser(chromium_path: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path, args=FLAGS.split())
        yield browser
        await browser.close()


@pytest.fixture
async def gateway(catalog_url: str, tmp_path: Path, browser: Browser) -> AsyncIterator[GatewayInBrowser]:
    """label-gateway with nothing to label yet. A page that broke a rule of its own fails the test."""
    settings = Settings(
        bus_url="memory://",
        catalog_url=catalog_url,
        objects_url=f"file://{tmp_path}/objects",
        state_dir=tmp_path,
        secret=SecretStr("a secret for signing sessions in tests"),
    )
    async with running(settings, [build]) as (on, _):
        await on.catalog.execute(SOMEWHERE)
        gateway = GatewayInBrowser(on, browser)
        yield gateway
        for context in gateway.contexts:
            await context.close()
    assert gateway.faults == []


@pytest.fixture
async def on(catalog_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    """al-engine and label-gateway without an audio."""
    settings = Settings(
        bus_url="memory://",
        catalog_url=catalog_url,
        objects_url=f"file://{tmp_path}/objects",
        state_dir=tmp_path,
        secret=SecretStr("a secret for signing sessions in tests"),
    )
    async with running(settings, [build_al_engine, build]) as (on, _):
        await on.catalog.execute(SOMEWHERE)
        yield on


@pytest.fixture
async def lead_page(on: Platform, browser: Browser) -> AsyncIterator[Page]:
    """A page of a browser in which a lead is signed in; one that broke a rule of its own fails the test."""
    faults: list[str] = []
    context = await browser.new_context(viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(PATIENCE_MS)
    await sign_in(context, on, "lead")
    page = await context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    yield page
    await context.close()
    assert faults == []
