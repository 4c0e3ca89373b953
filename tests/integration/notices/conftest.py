"""A server, and people who ask it over HTTP."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.integration.admin.people import People
from tests.served import LocalServer


@pytest.fixture
async def people(server: LocalServer) -> AsyncIterator[People]:
    """Everybody of the server."""
    async with aiohttp.ClientSession(server.url) as http:
        yield People(server, http)
