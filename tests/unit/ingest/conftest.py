"""A house for each test."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from unit.ingest.house import NODE, House

from escolta.bus import Message, Subscription
from escolta.events import AudioAccepted, AudioCataloged, AudioRefused, Event
from escolta.runtime import running
from escolta.service import Platform, Service
from escolta.settings import Settings
from ingest.service import build


@pytest.fixture
async def house(catalog_url: str, tmp_path: Path) -> AsyncIterator[House]:
    chosen: dict[str, Any] = {
        "catalog_url": catalog_url,
        "objects_url": f"file://{tmp_path}/objects",
        "state_dir": tmp_path,
        "secret": SecretStr("a secret of the tests alone"),
        "nodes": NODE,
    }
    heard: list[Event] = []

    async def listen(messages: Sequence[Message]) -> None:
        heard.extend(message.event for message in messages)

    def listener(on: Platform) -> Service:
        answers = (AudioAccepted, AudioRefused, AudioCataloged)
        return Service("listener", [Subscription(answer, listen) for answer in answers])

    async with running(Settings(**chosen), [build, listener]) as (on, _):
        yield House(on, heard)
