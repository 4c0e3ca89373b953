"""A server, and people who ask it over HTTP."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.served import LocalServer

from .people import People


@pytest.fixture
async def people(server: LocalServer) -> AsyncIterator[People]:
    """Everybody of the server."""
    async with aiohttp.ClientSession(server.url) as http:
        yield People(server, http)
