"""The sandbox with its pages and our webhook on real ports."""

from collections.abc import AsyncIterator

import pytest

from storage.postgres import Pool
from tests.contract.acquiring.sandbox import BehindSandbox, opened


@pytest.fixture
async def desk(pool: Pool) -> AsyncIterator[BehindSandbox]:
    async with opened(pool) as behind:
        yield behind
