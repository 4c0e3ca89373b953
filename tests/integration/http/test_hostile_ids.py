"""What stands in a path where an id should be: whatever it is, it is a thing that is not there, and no fault."""

import uuid
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import Redis
from yarl import URL

from server.http.routes import ROUTES
from tests.integration.authz.matrix import Cell, expected_of_route, may_enter, value
from tests.integration.authz.rows import ROWS
from tests.integration.authz.world import KINDS, World
from tests.served import LocalServer

HOSTILE = (
    "0", "-1", "+1", "1.0", "1e3", "0x1", "01", "%201", "1%20", "9007199254740992", "9" * 19, "9" * 5000, "null",
    "NaN", "true", "%00", "1%00", "1%0a", "%0d%0aX-Injected:%201", "%e2%80%ae1", "%d9%a1", "%ef%bc%91", "%ff%fe",
    "1'--", "1%20OR%201=1", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%5c..", "%7b%7b7*7%7d%7d", "$%7bjndi:ldap://x%7d",
    "%3Cscript%3E", "[1]", "1,2", "*", "x" * 2000, str(uuid.UUID(int=7)).upper(), str(uuid.UUID(int=7)) + "%0a",
)  # fmt: skip


@pytest.fixture
async def world(dsn: str, redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[World]:
    local = LocalServer(dsn, redis_url, tmp_path)
    await local.start()
    yield World(local)
    await local.stop()


async def test_a_path_with_anything_but_an_id_leads_nowhere(world: World) -> None:
    wrong: list[str] = []
    async with aiohttp.ClientSession(headers={"Accept-Language": "en"}) as http:
        for route in ROUTES:
            row = ROWS.get(f"{route.method} {route.path}")
            if row is None or not row.names:
                continue
            kind = next(kind for kind in KINDS if may_enter(expected_of_route(route, row, kind, "own")))
            person = await world.person(kind)
            if row.given is not None:
                await row.given(world, person)
            cell = Cell(world, person, "absent", dict.fromkeys(row.names, 1))
            for name, text in product(row.names, HOSTILE):
                path = row.path.format_map({**cell.ids, name: text})
                async with http.request(
                    route.method,
                    URL(world.server.url + path, encoded=True),
                    json=value(row.body, cell) if route.request else None,
                    headers={**person.headers, **value(row.headers, cell)},
                ) as answer:
                    told = await answer.text()
                    fine = answer.status in (404, 405) and "X-Injected" not in answer.headers
                    if not fine:
                        wrong.append(
                            f"{row.route} with {text[:40]!r} as {kind}: {answer.status} {told[:200]}"
                        )
    assert not wrong, "\n".join(wrong)
