"""A fake desk for each test, and clients that come back within milliseconds instead of seconds."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fake_desk import FakeDesk

from tracking_desk_client import backoff


@pytest.fixture
async def desk() -> AsyncIterator[FakeDesk]:
    async with FakeDesk() as fake:
        yield fake


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Delays of 5 ms: what is tested is what happens after them. Their bounds have tests of their own."""
    monkeypatch.setattr(backoff, "FIRST_S", 0.005)
    monkeypatch.setattr(backoff, "CAP_S", 0.005)
