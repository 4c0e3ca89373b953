"""The sandbox, its pages and our webhook on real ports, for the contract and for its own tests."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from urllib.parse import parse_qs
from uuid import UUID, uuid4

import aiohttp

from billing.acquiring import Kind, Notification, Redirect, State
from billing.money import Currency, Money
from server.gateways.acquiring import notices
from server.gateways.acquiring.sandbox.acquirer import Sandbox
from server.gateways.acquiring.sandbox.pages import add_pages
from storage.postgres import Pool
from tests.served import free_port

from .contract import BACK, FAILED, Saved, Signed, an_order
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

    async def page(self, *, save_card: bool = True, **changed: object) -> Redirect:
        """A page of a fresh order; `changed` are fields of the order."""
        order = replace(an_order(), **changed)  # type: ignore[arg-type]  # fields by their names
        return await self.sandbox.checkout(order, BACK, FAILED, save_card=save_card, attempt=uuid4())

    async def states(self, where: Redirect) -> tuple[State, ...]:
        """The states of all that was tried on a page."""
        invoice = await self.pool.fetchval(
            "SELECT invoice FROM sandbox_checkouts WHERE token = $1", where.reference
        )
        return tuple(one.state for one in await self.sandbox.find(invoice))

    def read(self, signed: Signed) -> Notification:
        """What our adapter makes of it."""
        (one,) = self.sandbox.read(signed.kind, signed.headers, signed.raw)
        return one

    async def make_due(self) -> None:
        """The time of everything that waits has come, and it has been brought."""
        await self.pool.execute("UPDATE sandbox_deliveries SET due_at = now() WHERE state = 'due'")
        await self.brought()

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
