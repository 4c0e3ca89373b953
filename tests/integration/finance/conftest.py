"""A served desk with two people of finance, a driver who pays by transfer, and short words for what tests do."""

import itertools
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest
from redis.asyncio import Redis

from billing.access import DAY_S
from billing.ledger import TRANSFER
from billing.money import Currency, Money
from server.services import Services
from storage.billing.invoices import NewInvoice
from tests.integration.board.test_board_http import Caller
from tests.papers import jpeg
from tests.served import LocalServer

MONEY = "/api/v1/admin/money"
PRICE = 499_000  # of driver-month, tiyn
_entries = itertools.count(1)


def entry() -> str:
    """A number that the bank has not given before."""
    return f"BNK-{next(_entries):06d}"


@dataclass
class Desk:
    """People, and what they do."""

    server: LocalServer
    driver: Caller
    other: Caller
    finance: Caller
    second: Caller
    support: Caller

    @property
    def services(self) -> Services:
        return self.server.services

    async def invoice(self, minor: int = PRICE, user: int | None = None) -> str:
        """An invoice of the driver's that is paid by transfer."""
        new = NewInvoice(
            uuid4(), user or self.driver.user, TRANSFER, Money(minor, Currency.KZT), 7 * DAY_S, "subscription",
            "driver-month", 0, "KZ", 30 * DAY_S, "Водитель, месяц", "ru",
        )  # fmt: skip
        return str((await self.services.paying.invoices.add(new)).id)

    async def paid(self, minor: int = PRICE, user: int | None = None) -> tuple[str, str]:
        """One that was paid, and the bank's entry of it."""
        invoice, number = await self.invoice(minor, user), entry()
        await self.services.finance.slips.received(self.finance.user, UUID(invoice), number, "", again=False)
        return invoice, number

    async def upload(self, by: Caller, body: bytes | None = None) -> tuple[int, dict[str, Any]]:
        """Sends a file; the status, and what was answered."""
        async with by._http.post("/api/v1/files", data=body or jpeg(), headers=by._headers) as answer:
            return answer.status, await answer.json()

    async def actions(self, action: str) -> list[dict[str, Any]]:
        """What staff did of this kind, oldest first."""
        rows = await self.services.pool.fetch(
            "SELECT staff_id, user_id, reason, detail FROM staff_actions WHERE action = $1 ORDER BY id",
            action,
        )
        return [dict(row) for row in rows]

    def without_factor(self, who: Caller) -> Caller:
        """The same person, whose second factor was shown long ago."""
        token = who._headers["Authorization"].removeprefix("Bearer ")
        known = self.services.tokens.verify(token)
        old, _ = self.services.tokens.mint(
            known.user, known.role, known.session, time.time(), grade=known.grade, factor_at=time.time() - 301
        )
        return Caller(who._http, {"user": known.user, "access": old})


@pytest.fixture
async def desk(dsn: str, redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    local = LocalServer(dsn, redis_url, tmp_path)
    await local.start()
    local.provision(drivers=2, shippers=1, admins=1, staff="support,finance,finance")
    _, support, finance, second = local.accounts["admins"]
    driver, other = local.accounts["drivers"][:2]
    async with aiohttp.ClientSession(local.url) as http:
        people = (Caller(http, account) for account in (driver, other, finance, second, support))
        yield Desk(local, *people)
    await local.stop()
