"""Who is shown which properties of an order in each state: one golden file (control C16).

A property that appears for somebody new, or a state in which it appears, is a change of this file, to be read by a
person. Write it anew with DESK_WRITE_GOLDEN=1 and read the difference.
"""

import json
import os
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from dispatch.model import Actor, Party, Status, Stop, Window
from dispatch.visibility import GRACE_S
from geo.cells import cell_of
from geo.types import Fix, Position
from tests.integration.orders.market import ALMATY, ASTANA, Market
from tests.served import LocalServer

GOLDEN = Path(__file__).parents[2] / "golden" / "rights" / "orders.json"
SECRET = {"phone": "+77012223344", "street": "ул. Рыскулова, 57", "person": "Айгүл", "note": "ворота 3"}
STOPS = (
    Stop(
        "pickup", ALMATY, Window(None, 2_000_000_000.0), Position(43.2901, 76.8203), SECRET["street"],
        SECRET["person"], SECRET["phone"], SECRET["note"],
    ),
    Stop("drop", ASTANA),
)  # fmt: skip
OVER = (Status.DELIVERED, Status.CLOSED, Status.CANCELLED)
STAFF = ("support", "moderator", "finance", "superadmin")
# What nobody but a party of the haul (or staff with the right) may ever be shown.
PRIVATE = {
    f"order.stops[].{name}" for name in ("lat", "lon", "address", "contact_name", "contact_phone", "note")
} | {"contacts[].phone", "contacts[].name", "contacts[].user", "contacts[].role"}


@pytest.fixture
async def local(dsn: str, redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[LocalServer]:
    server = LocalServer(dsn, redis_url, tmp_path)
    await server.start()
    yield server
    await server.stop()


def paths(value: Any, at: str = "") -> Iterator[str]:
    """Every property that holds something, with its way from the top; those of lists together."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from paths(each, f"{at}.{name}" if at else name)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for each in value:
            yield from paths(each, f"{at}[]")
    elif value not in (None, [], ""):
        yield at


class Readers:
    """Everybody who might ask, with a token of their own."""

    def __init__(self, server: LocalServer, http: aiohttp.ClientSession) -> None:
        self._server, self._http = server, http

    async def get(self, path: str, user: int, role: str, grade: str | None = None) -> tuple[int, Any]:
        token, _ = self._server.services.tokens.mint(user, role, str(uuid.uuid4()), time.time(), grade=grade)
        async with self._http.get(path, headers={"Authorization": f"Bearer {token}"}) as answer:
            return answer.status, await answer.json(content_type=None)

    async def keys(self, path: str, user: int, role: str, grade: str | None = None) -> set[str] | str:
        status, told = await self.get(path, user, role, grade)
        return set(paths(told)) if status == 200 else str(told["code"])


async def test_each_reader_is_shown_what_the_golden_file_says_in_each_state(local: LocalServer) -> None:
    services = local.services
    market = Market(services.pool)
    table: dict[str, dict[str, set[str] | str]] = {}
    async with aiohttp.ClientSession(local.url) as http:
        readers = Readers(local, http)
        stranger, rival = await market.shipper(), await market.driver()
        await services.pool.execute("UPDATE users SET name = 'Кто-то'")
        for status in Status:
            order, shipper, driver = await market.haul(status, stops=STOPS)
            await services.pool.execute(
                "UPDATE users SET name = 'Кто-то' WHERE id = ANY($1)", [shipper, driver]
            )
            now = time.time()
            services.live.put(driver, Fix(now, ALMATY.lat, ALMATY.lon), cell_of(ALMATY.lat, ALMATY.lon), now)
            services.live.take_own(now)
            if status is Status.OPEN:
                found = await market.orders.visible(order, shipper, "shipper")
                await market.on_board(found)
                await market.offer(found, [driver])
            at = f"/api/v1/orders/{order}"
            for state, clock in (
                (status.value, 0.0),
                *(((f"{status} and over", GRACE_S + 60),) if status in OVER else ()),
            ):
                services.now = lambda clock=clock: time.time() + clock  # type: ignore[method-assign, misc]
                row = table[state] = {
                    "shipper": await readers.keys(at, shipper, "shipper"),
                    "another shipper": await readers.keys(at, stranger, "shipper"),
                    "driver": await readers.keys(at, driver, "driver"),
                    "another driver": await readers.keys(at, rival, "driver"),
                }
                for grade in STAFF:
                    row[grade] = await readers.keys(at, 1, "admin", grade)
            if status is Status.DRAFT:
                table["draft"]["shipper, as a draft"] = await readers.keys(
                    f"/api/v1/orders/drafts/{order}", shipper, "shipper"
                )
            if status is Status.OPEN:
                table["open"]["driver, as an offer"] = await readers.keys("/api/v1/offers", driver, "driver")
                table["open"]["another driver, on the board"] = await readers.keys(
                    "/api/v1/board", rival, "driver"
                )
                await market.orders.cancel(Party(shipper, Actor.SHIPPER), order)
            text = json.dumps((await readers.get(at, driver, "driver"))[1], ensure_ascii=False)
            if state.endswith("and over"):
                assert not [word for word in SECRET.values() if word in text]
    for state, row in table.items():
        for reader, keys in row.items():
            shown = keys & PRIVATE if isinstance(keys, set) else set()
            party = reader in ("shipper", "support", "superadmin") or (
                reader == "driver" and not state.endswith("and over") and state not in UNTAKEN
            )
            assert party or not shown, (state, reader, shown)
    compare(table)


UNTAKEN = {"draft", "moderation", "open", "expired"}


def compare(table: dict[str, dict[str, set[str] | str]]) -> None:
    """Against the golden file: what every reader is shown is written once, the rest cell by cell."""
    shown = [
        keys
        for row in table.values()
        for who, keys in row.items()
        if isinstance(keys, set) and "," not in who
    ]
    common = set.intersection(*shown)
    told = {
        "everybody who is shown an order": sorted(common),
        **{
            state: {
                who: " ".join(sorted(keys - common if "," not in who else keys))
                if isinstance(keys, set)
                else keys
                for who, keys in row.items()
            }
            for state, row in table.items()
        },
    }
    if os.environ.get("DESK_WRITE_GOLDEN") == "1":
        GOLDEN.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert told == json.loads(GOLDEN.read_text(encoding="utf-8"))
