"""The sandbox, its pages and our webhook on real ports, for the contract and for its own tests."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs
from uuid import UUID

import aiohttp

from billing.acquiring import Kind, Redirect
from billing.money import Currency, Money
from server.gateways.acquiring import notices
from server.gateways.acquiring.sandbox.acquirer import Sandbox
from server.gateways.acquiring.sandbox.pages import add_pages
from storage.postgres import Pool
from tests.served import free_port

from .contract import Saved, Signed
from .receiver import Receiver, receiving

SECRET = b"the sandbox's own"
CODES = {Saved.GOOD: None, Saved.POOR: 5051, Saved.STOLEN: 5043}
GOOD, WITH_3DS, POOR_LATER, REFUSED_BY_3DS, DECLINED = (
    "4000000000003055",
    "4242424242424242",
    "4111111111111111",
    "4012888888881881",
    "4000056655665556",
)


@dataclass
class BehindSandbox:
    """What the contract asks of a fake, answered by the sandbox itself."""

    sandbox: Sandbox
    receiver: Receiver
    pool: Pool
    http: aiohttp.ClientSession
    url: str

    def script(self, *faults: object) -> None:
        raise NotImplementedError  # the sandbox has no faults to order

    async def saved_card(self, account: str, like: Saved) -> str:
        token = f"tk_{secrets.token_hex(16)}"
        await self.pool.execute(
            "INSERT INTO sandbox_cards (token, account, last_four, expires, declines)"
            " VALUES ($1, $2, '3055', '12/30', $3)",
            token,
            account,
            CODES[like],
        )
        return token

    async def pay(self, redirect: Redirect) -> Sequence[Signed]:
        before = len(self.receiver.posted)
        await self.act(redirect, do="pay", number=GOOD)
        await self.brought()
        return self.receiver.posted[before:]

    async def act(self, redirect: Redirect, **form: str) -> tuple[int, str]:
        """(status, page) of one press of a button, redirects followed."""
        async with self.http.post(redirect.url, data=form) as answer:
            return answer.status, await answer.text()

    async def brought(self) -> None:
        """Everything that is due has been brought."""
        while await self.sandbox.courier.drain():
            pass

    async def told(self, kind: Kind, transaction: str) -> Signed:
        await self.brought()
        for signed in self.receiver.posted:
            if signed.kind == kind and parse_qs(signed.raw.decode())["TransactionId"] == [transaction]:
                return signed
        raise AssertionError(f"no {kind} of {transaction} among {self.receiver.kinds()}")

    def forged(self, one: Signed) -> Signed:
        return Signed(one.kind, one.headers | notices.sign(b"another secret", one.raw), one.raw)

    def garbled(self, one: Signed) -> Signed:
        raw = b"TransactionId=none&Amount=much"
        return Signed(one.kind, one.headers | notices.sign(SECRET, raw), raw)

    async def taken(self, invoice: UUID) -> Sequence[Money]:
        return await self._sums(invoice, "paid")

    async def given_back(self, invoice: UUID) -> Sequence[Money]:
        return await self._sums(invoice, "refunded")

    async def _sums(self, invoice: UUID, state: str) -> list[Money]:
        rows = await self.pool.fetch(
            "SELECT amount, currency FROM sandbox_transactions WHERE invoice = $1 AND state = $2 ORDER BY id",
            invoice,
            state,
        )
        return [Money(amount, Currency(currency)) for amount, currency in rows]


@asynccontextmanager
async def opened(pool: Pool, *, own_url: str | None = None) -> AsyncIterator[BehindSandbox]:
    """The sandbox with its pages on the receiver's port, which is where it posts if not to `own_url`. Its courier
    goes when the test says so."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    sandbox = Sandbox(pool, SECRET, public_url=url, own_url=own_url or url)
    async with receiving(port, lambda app: add_pages(app, sandbox)) as receiver:
        async with aiohttp.ClientSession() as http:
            try:
                yield BehindSandbox(sandbox, receiver, pool, http, url)
            finally:
                await sandbox.close()
