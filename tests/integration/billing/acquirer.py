"""An acquirer of the tests: the whole interface, books of its own, a signed wire, and orders how to misbehave.

It says what it likes; what it has taken and given back stands in `transactions`, so that a test can hold our side
against it. Requests with an id that it has seen get the answer of the first one.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from billing.acquiring import (
    Advice,
    Answer,
    Card,
    Forged,
    Kind,
    Malformed,
    Notification,
    Order,
    Redirect,
    Rejected,
    State,
    Transaction,
    Unavailable,
    Unknown,
)
from billing.money import Currency, Money
from billing.payments import Invoice

SECRET = b"tests only"
CARD = Card("tok_9f8a7b", "4242", "Visa", "12/30")
CODES = {
    Answer.ACCEPTED: 0,
    Answer.UNKNOWN_INVOICE: 10,
    Answer.WRONG_ACCOUNT: 11,
    Answer.WRONG_AMOUNT: 12,
    Answer.NOT_NOW: 13,
    Answer.EXPIRED: 20,
}
ENDS = {
    Kind.CHECK: State.PENDING,
    Kind.PAY: State.PAID,
    Kind.FAIL: State.DECLINED,
    Kind.CONFIRM: State.PAID,
    Kind.CANCEL: State.CANCELLED,
    Kind.REFUND: State.REFUNDED,
}


@dataclass
class FakeAcquirer:
    """`misbehave` are orders for the next calls, one each: `unavailable`, `lost_before` (never arrives),
    `lost_after` (done, and the answer is lost), `hang`, `rejected`, `declined`, `pending`."""

    name: str = "fake"
    currencies: frozenset[Currency] = frozenset({Currency.KZT, Currency.RUB})
    misbehave: list[str] = field(default_factory=list)
    transactions: dict[str, Transaction] = field(default_factory=dict)
    asked: list[tuple[str, UUID]] = field(default_factory=list)
    answered: dict[UUID, Transaction | Redirect] = field(default_factory=dict)
    unlisted: set[str] = field(default_factory=set)
    number: int = 900_000_000

    async def checkout(
        self, order: Order, back: str, failed: str, *, save_card: bool, attempt: UUID
    ) -> Redirect:
        page = Redirect(f"https://pay.example/{attempt}", f"page-{attempt}")
        return await self._answer("checkout", attempt, page)  # type: ignore[return-value]  # as it was asked

    async def charge(self, order: Order, token: str, *, merchant: bool, attempt: UUID) -> Transaction:
        state = self._ordered({"declined": State.DECLINED, "pending": State.PENDING}, State.PAID)
        made = Transaction(
            self._next(), state, order.money, str(order.invoice), order.account, time.time(),
            reason="5051" if state is State.DECLINED else None,
            advice=Advice.LATER if state is State.DECLINED else None,
        )  # fmt: skip
        return await self._answer("charge", attempt, made)  # type: ignore[return-value]

    async def refund(self, transaction: str, money: Money, *, attempt: UUID) -> Transaction:
        of = self.transactions[transaction]
        made = Transaction(
            self._next(), State.REFUNDED, money, of.invoice, of.account, time.time(), refunds=transaction
        )
        return await self._answer("refund", attempt, made)  # type: ignore[return-value]

    async def find(self, invoice: UUID) -> Sequence[Transaction]:
        self._fail_if_told()
        return [each for each in self.transactions.values() if each.invoice == str(invoice)]

    async def listed(self, since: float, until: float) -> Sequence[Transaction]:
        self._fail_if_told()
        return [
            each
            for each in self.transactions.values()
            if since <= each.at < until and each.id not in self.unlisted
        ]

    def read(self, kind: str, headers: Mapping[str, str], raw: bytes) -> Sequence[Notification]:
        if not hmac.compare_digest(signature(raw), headers.get("x-signature", "")):
            raise Forged
        return self.again(kind, headers, raw)

    def again(self, kind: str, headers: Mapping[str, str], raw: bytes) -> Sequence[Notification]:
        try:
            told = json.loads(raw)
            said = told.get("transaction")
            if said is None:
                return [Notification(Kind(kind), told["key"], None)]
            card = said.get("card")
            money = Money(said["minor"], Currency(said["currency"]))
            transaction = Transaction(
                said["id"], State(said["state"]), money, said["invoice"], said["account"], said["at"],
                refunds=said["refunds"], card=None if card is None else Card(*card),
                test=said.get("test", False),
            )  # fmt: skip
            return [Notification(Kind(kind), told["key"], transaction)]
        except (ValueError, KeyError, TypeError) as error:
            raise Malformed(str(error)) from error

    def reply(self, answer: Answer) -> tuple[int, str, bytes]:
        return 200, "application/json", json.dumps({"code": CODES[answer]}).encode()

    async def close(self) -> None:
        """Nothing is open."""

    def take(self, invoice: Invoice, /, **said: object) -> Transaction:
        """A payer has paid on the page."""
        paid = Transaction(
            self._next(), State.PAID, invoice.money, str(invoice.id), invoice.account, time.time(), card=CARD
        )
        paid = replace(paid, **said)  # type: ignore[arg-type]  # fields of it
        self.transactions[paid.id] = paid
        return paid

    def give_back(self, payment: Transaction, minor: int | None = None) -> Transaction:
        """Somebody has clicked refund at the acquirer's."""
        money = replace(payment.money, minor=minor or payment.money.minor)
        made = replace(
            payment, id=self._next(), state=State.REFUNDED, money=money, refunds=payment.id, card=None
        )
        self.transactions[made.id] = made
        return made

    def _next(self) -> str:
        self.number += 1
        return str(self.number)

    def _ordered(self, states: Mapping[str, State], usual: State) -> State:
        return states[self.misbehave.pop(0)] if self.misbehave and self.misbehave[0] in states else usual

    def _fail_if_told(self) -> str:
        order = self.misbehave.pop(0) if self.misbehave else ""
        if order == "unavailable":
            raise Unavailable("connection refused")
        if order == "rejected":
            raise Rejected("bad terminal")
        if order == "lost_before":
            raise Unknown("no answer")
        return order

    async def _answer(self, what: str, attempt: UUID, made: Transaction | Redirect) -> Transaction | Redirect:
        self.asked.append((what, attempt))
        order = self._fail_if_told()
        answer = self.answered.setdefault(attempt, made)
        if isinstance(answer, Transaction):
            self.transactions[answer.id] = answer
        if order == "lost_after":
            raise Unknown("the answer was cut")
        if order == "hang":
            await asyncio.sleep(3600)
        return answer


def signature(raw: bytes) -> str:
    """As this acquirer signs: over the raw body."""
    return base64.b64encode(hmac.digest(SECRET, raw, hashlib.sha256)).decode()


def body_of(told: Notification) -> bytes:
    """A notification on the wire."""
    said = told.transaction
    if said is None:
        return json.dumps({"key": told.key}).encode()
    card = said.card
    return json.dumps(
        {
            "key": told.key,
            "name": "ИВАН ПЕТРОВ",
            "transaction": {
                "id": said.id, "state": said.state, "minor": said.money.minor, "currency": said.money.currency,
                "invoice": said.invoice, "account": said.account, "at": said.at, "refunds": said.refunds,
                "test": said.test,
                "card": None if card is None else [card.token, card.last_four, card.brand, card.expires],
            },
        }
    ).encode()  # fmt: skip


def notice(kind: Kind, transaction: Transaction, key: str | None = None) -> Notification:
    """What this acquirer tells of a transaction in a kind of notification."""
    state = transaction.state if kind is Kind.PAY else ENDS[kind]
    return Notification(kind, key or transaction.id, replace(transaction, state=state))
