"""Over the wire: a request that would succeed, with one more field that names a power, is refused and changes
nothing (control C17). That no column at all gets in is shown in tests/unit/protocol/test_allow_list.py."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from server.http.routes import ROUTES
from storage.postgres import Pool
from tests.integration.authz.matrix import Cell, expected_of_route, ids_of, may_enter, value
from tests.integration.authz.rows import ROWS
from tests.integration.authz.world import KINDS, World
from tests.served import LocalServer
from tests.unit.protocol.test_allow_list import POWERS, name, shape, structs

# Where powers are kept. The loops of the order path write to other tables.
TABLES = (
    "users", "companies", "company_members", "fleet_drivers", "subscriptions", "access_entries",
    "plan_versions", "loyalty_entries", "vehicles", "driver_states", "sessions", "second_factors",
    "api_keys", "webhooks", "documents", "files", "staff_actions",
)  # fmt: skip


@pytest.fixture
async def world(dsn: str, redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[World]:
    local = LocalServer(dsn, redis_url, tmp_path)
    await local.start()
    yield World(local)
    await local.stop()


async def digest(pool: Pool) -> dict[str, str]:
    """What is in each of these tables."""
    each = (f"(SELECT '{table}' AS name, md5(string_agg(t::text, ',' ORDER BY t::text)) AS sum FROM {table} t)"
            for table in TABLES)  # fmt: skip
    return {row["name"]: row["sum"] for row in await pool.fetch(" UNION ALL ".join(each))}


async def test_a_power_as_one_more_field_is_refused_and_changes_nothing(world: World) -> None:
    wrong: list[str] = []
    async with aiohttp.ClientSession(world.server.url, headers={"Accept-Language": "en"}) as http:
        for route in ROUTES:
            row = ROWS.get(name(route))
            if route.request is None or row is None:
                continue
            kind = next(kind for kind in KINDS if may_enter(expected_of_route(route, row, kind, "own")))
            person = await world.person(kind)
            cell = Cell(world, person, "own", await ids_of(row, world, person, "own", True))
            path = row.path.format_map(cell.ids)
            headers = {**person.headers, **value(row.headers, cell)}
            good: dict[str, Any] = value(row.body, cell)
            before = await digest(world.pool)
            named = {field.encode_name for each in structs(shape(route)) for field in each.fields}
            for power in sorted(POWERS - named):
                body = {**good, power: True}
                async with http.request(route.method, path, json=body, headers=headers) as answer:
                    told = await answer.json()
                    if (answer.status, told["code"]) != (400, "bad_request") or power not in told["detail"]:
                        wrong.append(f"{name(route)} with {power} as {kind}: {answer.status} {told}")
            after = await digest(world.pool)
            if after != before:
                changed = [table for table in TABLES if after[table] != before[table]]
                wrong.append(f"{name(route)} as {kind} changed {changed}")
    assert not wrong, "\n".join(wrong)
