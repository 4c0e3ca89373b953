"""The server is killed again and again while it applies payments: none is lost, none counts twice (I6, I7)."""

import asyncio
import hashlib
import hmac
import json
import signal
import time
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import pytest

from billing.acquiring import Kind, State, Transaction
from billing.money import Currency, Money
from server.gateways.acquiring import notices
from storage.billing.verify import verify
from storage.postgres import connect_pool
from tests.served import Server

pytestmark = pytest.mark.faults

PAYMENTS, KILLS = 400, 4
PRICE = Money(199_000, Currency.KZT)
INVOICE = """
INSERT INTO invoices (id, user_id, plan, region, period_s, purpose, amount, currency, provider, lang, expires_at)
VALUES ($1, $2, 'driver-month', 'KZ', 2592000, 'subscription', 199000, 'KZT', 'sandbox', 'ru',
    now() + interval '1 hour')
"""


def pay(secret: bytes, number: int, invoice: UUID, account: int) -> tuple[bytes, dict[str, str]]:
    """A notification of the sandbox, as it is on the wire."""
    paid = Transaction(str(number), State.PAID, PRICE, str(invoice), str(account), time.time(), test=True)
    raw = notices.write(Kind.PAY, paid)
    return raw, {**notices.sign(secret, raw), "Content-Type": "application/x-www-form-urlencoded"}


async def test_payments_that_were_being_applied_when_the_server_died_are_applied_once(
    process: Server,
) -> None:
    secret = hmac.digest(process.secrets["DESK_PEPPER"].encode(), b"sandbox acquirer", hashlib.sha256)
    user = process.accounts["drivers"][0]["user"]
    connection = await asyncpg.connect(process.dsn)
    invoices = [uuid4() for _ in range(PAYMENTS)]
    await connection.executemany(INVOICE, [(invoice, user) for invoice in invoices])
    acknowledged: set[int] = set()
    stop = asyncio.Event()

    async def tell(http: aiohttp.ClientSession, number: int) -> None:
        """As an acquirer: again and again until it is told code 0."""
        raw, headers = pay(secret, 500_000 + number, invoices[number], user)
        url = f"{process.url}/hooks/acquirers/sandbox/pay"
        while not stop.is_set():
            try:
                async with http.post(url, data=raw, headers=headers) as answer:
                    if answer.status == 200 and json.loads(await answer.read()) == {"code": 0}:
                        acknowledged.add(number)
                        return
            except (aiohttp.ClientError, OSError):
                pass
            await asyncio.sleep(0.05)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=30)) as http:
        telling = asyncio.gather(*(tell(http, number) for number in range(PAYMENTS)))
        for kill in range(KILLS):
            goal = PAYMENTS * (kill + 1) // (KILLS + 2)
            async with asyncio.timeout(60):
                while len(acknowledged) < goal:  # noqa: ASYNC110 - of another task
                    await asyncio.sleep(0.002)
            await process.stop(signal.SIGKILL)
            # What was acknowledged is there, at once and whole.
            booked = await connection.fetchval(
                "SELECT count(*) FROM ledger_transactions WHERE act = 'granted'"
            )
            assert booked >= len(acknowledged)
            await process.start()
        async with asyncio.timeout(60):
            await telling
    assert len(acknowledged) == PAYMENTS
    assert await connection.fetchval("SELECT count(*) FROM payment_inbox") == PAYMENTS
    assert await connection.fetchval("SELECT count(*) FROM ledger_transactions") == 2 * PAYMENTS
    await connection.close()
    pool = await connect_pool(process.dsn, name="test", size=1)
    report = await verify(pool)
    await pool.close()
    assert (report.faults, report.invoices) == ([], PAYMENTS)
