"""What every test of conversations begins with."""

import pytest

from storage.postgres import Pool
from tests.integration.chat.people import Talk


@pytest.fixture
async def talk(pool: Pool) -> Talk:
    return await Talk(pool).begin()
