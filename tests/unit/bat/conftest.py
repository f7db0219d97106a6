"""The double of BAT, and whoever runs it."""

from collections.abc import AsyncIterator

import pytest
from unit.bat.at_bat import Operator

from servers.bat.process import BatProcess


@pytest.fixture
async def operator(bat: BatProcess) -> AsyncIterator[Operator]:
    """A superuser who is signed in."""
    operator = Operator(bat.url)
    await operator.login()
    yield operator
    await operator.browser.aclose()
