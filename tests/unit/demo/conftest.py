"""label-gateway at work, for simulated labelers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from unit.label_gateway.at_work import GatewayAtWork, gateway_at_work


@pytest.fixture
async def gateway(catalog_url: str, tmp_path: Path) -> AsyncIterator[GatewayAtWork]:
    async with gateway_at_work(catalog_url, tmp_path) as gateway:
        yield gateway
