"""A desk with people of every role, spoken to over HTTP. No loop runs: a test says when a chore is done."""

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from redis.asyncio import Redis

from dispatch.rights import Grade
from geo.gazetteer import Gazetteer
from geo.roads import RoadGraph
from server.app import build_app
from server.config import Config
from server.provision import Wanted, accounts
from server.services import Services
from storage.postgres import Pool

PEM = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
GAZETTEER = Gazetteer.load()
ROADS = RoadGraph.load(GAZETTEER)
Client = TestClient[web.Request, web.Application]
BIN = "990340005977"
COMPANY = {"legal_name": "ТОО «Степной путь»", "bin": BIN}
TRUCK = {"body": "tent", "capacity_kg": 20_000.0, "volume_m3": 82.0, "plate": "123 ABC 02"}


async def until(condition: Callable[[], object]) -> None:
    """Waits, five seconds at most."""
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come true")


class Answer:
    """Status, headers and what the body says."""

    def __init__(self, response: ClientResponse, content: bytes) -> None:
        self.status = response.status
        self.headers = response.headers
        self.content = content

    @property
    def body(self) -> Any:
        return json.loads(self.content)

    @property
    def code(self) -> str:
        """The error's code; of a success its status, so that an assertion shows what came instead."""
        if self.status < 400:
            return f"{self.status}: {self.content[:200]!r}"
        assert self.headers["Content-Type"] == "application/problem+json; charset=utf-8" or self.headers[
            "Content-Type"
        ].startswith("application/problem+json")
        assert self.body["status"] == self.status
        return str(self.body["code"])

    @property
    def version(self) -> dict[str, str]:
        """The header of an edit that is made from this answer."""
        return {"If-Match": self.headers["ETag"]}


@dataclass
class Person:
    """Somebody signed in."""

    client: Client
    account: dict[str, Any]

    @property
    def id(self) -> int:
        return int(self.account["user"])

    @property
    def phone(self) -> str:
        return str(self.account["phone"])

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
        data: Any = None,
    ) -> Answer:
        sent = {"Authorization": f"Bearer {self.account['access']}", **(headers or {})}
        async with self.client.request(
            method, f"/api/v1{path}", json=body, data=data, headers=sent
        ) as response:
            return Answer(response, await response.read())

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.call("GET", path, headers=headers)

    async def post(self, path: str, body: object = None, headers: dict[str, str] | None = None) -> Answer:
        return await self.call("POST", path, {} if body is None else body, headers)

    async def put(self, path: str, body: object, headers: dict[str, str] | None = None) -> Answer:
        return await self.call("PUT", path, body, headers)

    async def patch(self, path: str, body: object, headers: dict[str, str] | None = None) -> Answer:
        return await self.call("PATCH", path, body, headers)

    async def delete(self, path: str) -> Answer:
        return await self.call("DELETE", path)

    async def upload(self, content: bytes, kind: str = "application/octet-stream") -> Answer:
        return await self.call("POST", "/files", data=io.BytesIO(content), headers={"Content-Type": kind})


@dataclass
class Desk:
    """The whole, and who is there."""

    services: Services
    pool: Pool
    files: Path
    drivers: list[Person]
    shippers: list[Person]
    logisticians: list[Person]
    superadmin: Person
    staff: dict[str, Person]

    @property
    def driver(self) -> Person:
        return self.drivers[0]

    @property
    def shipper(self) -> Person:
        return self.shippers[0]

    @property
    def logistician(self) -> Person:
        return self.logisticians[0]

    def on_disk(self) -> list[Path]:
        """Every file that lies under the folder of uploads, but for the erasure ledger."""
        return [path for path in self.files.rglob("*") if path.is_file() and path.suffix != ".jsonl"]

    async def assign(self, driver: Person) -> int:
        """Puts a load on the truck that the driver drives; the order."""
        order: int = await self.pool.fetchval(
            """
            WITH o AS (
                INSERT INTO orders (shipper_id, status, pickup_city, pickup_name, pickup_point, drop_city,
                    drop_name, drop_point, cargo, weight_kg, volume_m3, body, distance_m, duration_s,
                    distance_origin, price_amount, price_currency, expires_at)
                VALUES ($1, 'assigned', 1, 'Алматы', ST_SetSRID(ST_MakePoint(76.95, 43.25), 4326), 2, 'Астана',
                    ST_SetSRID(ST_MakePoint(71.4, 51.2), 4326), 'мука', 20000, 40, 'tent', 1200000, 60000,
                    'embedded', 40000000, 'KZT', now() + interval '1 day') RETURNING id
            ), f AS (
                INSERT INTO offers (order_id, driver_id, status, wave, deadhead_m, score, reasons, expires_at)
                SELECT id, $2, 'accepted', 1, 0, 0, '{}', now() FROM o RETURNING id, order_id
            )
            INSERT INTO assignments (order_id, driver_id, vehicle_id, offer_id)
            SELECT f.order_id, $2, v.id, f.id FROM f, vehicles v WHERE v.driver_id = $2 RETURNING order_id
            """,
            self.shippers[1].id,
            driver.id,
        )
        return order

    async def finish(self, order: int) -> None:
        """The haul is over."""
        await self.pool.execute("UPDATE assignments SET ended_at = now() WHERE order_id = $1", order)
        await self.pool.execute(
            "UPDATE orders SET status = 'delivered', ended_at = now() WHERE id = $1", order
        )

    async def rows(self, table: str) -> list[tuple[object, ...]]:
        """A table, to see that nothing changed."""
        return [tuple(row) for row in await self.pool.fetch(f"SELECT * FROM {table} ORDER BY 1")]

    async def fleet(self, driver: Person | None = None, *, shares: bool = False) -> int:
        """The logistician's company with this driver in its fleet; the company."""
        made = await self.logistician.post("/company", COMPANY)
        if driver is not None:
            await self.hire(driver, shares=shares)
        return int(made.body["company"])

    async def hire(self, driver: Person, *, shares: bool = False) -> None:
        """Invites and accepts."""
        asked = await self.logistician.post(
            "/company/invitations", {"phone": driver.phone, "joins": "driver"}
        )
        path = f"/invitations/{asked.body['invitation']}/accept"
        accepted = await driver.post(path, {"share_position": shares})
        assert accepted.status == 204, accepted.content


@pytest.fixture
async def desk(
    dsn: str,
    pool: Pool,
    redis: Redis,
    tmp_path: Path,
    aiohttp_client: Callable[..., Awaitable[Client]],
) -> AsyncIterator[Desk]:
    config = Config(postgres=dsn, redis="", signing_key=PEM, pepper="p" * 40, files=tmp_path / "files")
    services = Services(
        config,
        worker="a" * 16,
        pool=pool,
        redis=redis,
        subscriber=redis,
        gazetteer=GAZETTEER,
        roads=ROADS,
        epoch="test",
    )
    wanted = Wanted(
        drivers=3,
        shippers=3,
        logisticians=2,
        admins=1,
        staff=(Grade.SUPPORT, Grade.MODERATOR, Grade.FINANCE),
        access_hours=1,
    )
    made = await accounts(pool, services.tokens, wanted, time.time())
    client = await aiohttp_client(build_app(services))

    def people(role: str) -> list[Person]:
        return [Person(client, account) for account in made[role]]

    superadmin, support, moderator, finance = people("admins")
    yield Desk(
        services,
        pool,
        config.files,
        people("drivers"),
        people("shippers"),
        people("logisticians"),
        superadmin,
        {"support": support, "moderator": moderator, "finance": finance},
    )
