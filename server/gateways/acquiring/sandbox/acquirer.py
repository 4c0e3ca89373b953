"""The sandbox as an acquirer: what is asked of it is answered out of its books, at once."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from billing.acquiring import Answer, Notification, Order, Redirect, Rejected, Transaction, Unavailable
from billing.money import Currency, Money
from storage.postgres import Pool, Unreachable
from storage.sandbox.books import NoSuchCard, NotRefundable, SandboxBooks
from storage.sandbox.deliveries import SandboxDeliveries
from storage.sandbox.rows import Delivery

from .. import notices
from .courier import Courier, transaction_of

PREFIX = "/sandbox-pay"
HOOKS = "/hooks/acquirers/sandbox"
# Where a page may lead back to: web pages, and the shells of the phone apps.
SCHEMES = frozenset({"http", "https", "capacitor"})
T = TypeVar("T")


class Sandbox:
    """`public_url`: where payers find its pages; `own_url`: where this process listens and gets its notifications;
    `secret` signs them."""

    name = "sandbox"
    currencies = frozenset(Currency)

    def __init__(self, pool: Pool, secret: bytes, *, public_url: str, own_url: str) -> None:
        self.books = SandboxBooks(pool)
        self.queue = SandboxDeliveries(pool)
        self.courier = Courier(self.queue, secret, own_url + HOOKS)
        self._secret = secret
        self._public_url = public_url

    async def checkout(
        self, order: Order, back: str, failed: str, *, save_card: bool, attempt: UUID
    ) -> Redirect:
        """A page of ours that plays theirs."""
        if any(urlsplit(url).scheme not in SCHEMES for url in (back, failed)):
            raise Rejected("a page leads back to an http or https address")
        token = await _apart(self.books.open(order, back, failed, save_card=save_card, attempt=attempt))
        return Redirect(f"{self._public_url}{PREFIX}/p/{token}", token)

    async def charge(self, order: Order, token: str, *, merchant: bool, attempt: UUID) -> Transaction:
        """A payment by a kept card. Who asked for it makes no difference here."""
        try:
            deal = await _apart(self.books.charge(order, token, attempt))
        except NoSuchCard:
            raise Rejected("no card of this payer has this token") from None
        self.courier.wake()
        return transaction_of(deal)

    async def refund(self, transaction: str, money: Money, *, attempt: UUID) -> Transaction:
        """Gives back."""
        try:
            deal = await _apart(self.books.refund(_id(transaction), money, attempt))
        except NotRefundable:
            raise Rejected("no payment that so much of could be given back") from None
        self.courier.wake()
        return transaction_of(deal)

    async def find(self, invoice: UUID) -> Sequence[Transaction]:
        """All of an invoice."""
        return [transaction_of(deal) for deal in await _apart(self.books.find(invoice))]

    async def listed(self, since: float, until: float) -> Sequence[Transaction]:
        """All of a time."""
        return [transaction_of(deal) for deal in await _apart(self.books.listed(since, until))]

    def read(self, kind: str, headers: Mapping[str, str], raw: bytes) -> Sequence[Notification]:
        """What it posted to us: in the form of CloudPayments, with its own secret."""
        notices.verify(self._secret, headers, raw)
        return self.again(kind, headers, raw)

    def again(self, kind: str, headers: Mapping[str, str], raw: bytes) -> Sequence[Notification]:
        """The same of what was verified when it came."""
        return notices.read(kind, headers, raw, Currency.KZT)

    def reply(self, answer: Answer) -> tuple[int, str, bytes]:
        """As to CloudPayments."""
        return notices.reply(answer)

    async def deliver(self, delivery: Delivery, *, late_s: int = 60, page: str | None = None) -> None:
        """How notifications are delivered from now on: those of one page, by its reference, else all that no page
        says otherwise of."""
        if page is None:
            await self.books.rule(delivery, late_s)
        else:
            await self.books.wish(page, delivery)

    async def close(self) -> None:
        """Lets connections go."""
        await self.courier.close()


async def _apart(work: Coroutine[Any, Any, T]) -> T:
    """In a task of its own, and so outside the transaction of whoever asks: another company's books do not roll
    back with ours."""
    try:
        return await asyncio.create_task(work, name="sandbox")
    except Unreachable as error:
        raise Unavailable(type(error).__name__) from None


def _id(transaction: str) -> int:
    if not (transaction.isascii() and transaction.isdigit() and len(transaction) < 19):
        raise Rejected("not a transaction of the sandbox")
    return int(transaction)
