"""A desk that takes money: the stores and loops of payments on a real database, one acquirer of the tests."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry

from billing.acquiring import Advice, Kind, Transaction
from billing.money import Currency, Money
from billing.payments import AttemptState, Invoice, InvoiceState
from server.paying import Paying
from server.paying.cashier import NOBODY, Bill, Charged
from storage.billing.inbox import Receipt
from storage.postgres import Connection, Pool

from .acquirer import CARD, FakeAcquirer, body_of, notice

PEPPER = "a pepper of the tests, long enough"
PRICE = Money(199_000, Currency.KZT)
MONTH_S = 30 * 86400.0


@dataclass
class Recording:
    """What payments meant for access, in place of access."""

    paid_for: list[UUID] = field(default_factory=list)
    cards: list[int | None] = field(default_factory=list)
    taken_back: list[tuple[UUID, int]] = field(default_factory=list)
    ended: list[tuple[UUID, AttemptState, Advice | None]] = field(default_factory=list)

    async def paid(self, connection: Connection, invoice: Invoice, card: int | None, at: float) -> None:
        assert connection.is_in_transaction() and abs(at - time.time()) < 60
        self.paid_for.append(invoice.id)
        self.cards.append(card)

    async def refunded(
        self, connection: Connection, invoice: Invoice, minor: int, total: int, at: float
    ) -> None:
        self.taken_back.append((invoice.id, minor))
        assert total == sum(each for number, each in self.taken_back if number == invoice.id)

    async def not_taken(
        self, connection: Connection, invoice: Invoice, state: AttemptState, advice: Advice | None, at: float
    ) -> None:
        assert connection.is_in_transaction()
        self.ended.append((invoice.id, state, advice))


@dataclass
class Till:
    """The desk's side and the acquirer's, with short words for what tests do."""

    pool: Pool
    paying: Paying
    acquirer: FakeAcquirer
    access: Recording
    registry: CollectorRegistry
    user: int
    staff: tuple[int, int]
    dsn: str = ""

    def bill(self, **said: object) -> Bill:
        bill = Bill(self.user, "fake", PRICE, "subscription", "driver", 1, "KZ", MONTH_S, "Подписка", "ru")
        return bill._replace(**said)

    async def checkout(self, *, save_card: bool = False, **said: object) -> Invoice:
        made = await self.paying.cashier.checkout(
            self.bill(**said),
            NOBODY,
            "https://desk.example/ok",
            "https://desk.example/no",
            save_card=save_card,
        )
        return made.invoice

    async def tell(self, kind: Kind, transaction: Transaction, key: str | None = None) -> Receipt:
        """The acquirer's notification, past HTTP."""
        told = notice(kind, transaction, key)
        return await self.paying.inbox.receive("fake", told, raw=body_of(told))

    async def paid(self, **said: object) -> tuple[Invoice, Transaction]:
        """An invoice, paid on the page."""
        invoice = await self.checkout(**said)  # type: ignore[arg-type]
        payment = self.acquirer.take(invoice)
        await self.tell(Kind.PAY, payment)
        return invoice, payment

    async def with_card(self) -> tuple[Invoice, int]:
        """A new invoice, and the user's saved card."""
        async with self.pool.acquire() as connection:
            card = await self.paying.cards.save(connection, self.user, "fake", CARD)
        return await self.paying.cashier.bill(self.bill()), card

    async def charge(self, invoice: Invoice, card: int) -> Charged:
        return await self.paying.cashier.charge_saved(invoice.id, card, merchant=True, payer=NOBODY)

    async def state(self, invoice: Invoice) -> InvoiceState:
        return (await self.paying.invoices.one(invoice.id)).state

    async def balances(self) -> dict[str, int]:
        rows = await self.paying.ledger.accounts("", 1000)
        return {row.account: row.money.minor for row in rows if row.money.minor}

    async def later(self, seconds: float) -> None:
        """So much time goes by for everything that is not over."""
        for statement in (
            "UPDATE payment_attempts SET due_at = due_at - make_interval(secs => $1),"
            " created_at = created_at - make_interval(secs => $1)",
            "UPDATE refunds SET due_at = due_at - make_interval(secs => $1),"
            " created_at = created_at - make_interval(secs => $1), sent_at = sent_at - make_interval(secs => $1)",
            "UPDATE invoices SET expires_at = expires_at - make_interval(secs => $1)",
            "UPDATE reconciliations SET due_at = due_at - make_interval(secs => $1)",
        ):
            await self.pool.execute(statement, seconds)
        for number, transaction in self.acquirer.transactions.items():
            self.acquirer.transactions[number] = replace(transaction, at=transaction.at - seconds)

    def alerts(self, what: str) -> float:
        return (
            self.registry.get_sample_value(
                "desk_payment_alerts_total", {"worker": "0", "provider": "fake", "what": what}
            )
            or 0.0
        )


async def till_on(pool: Pool, dsn: str = "") -> Till:
    """A desk on this database, with a payer and two of the finance staff."""
    users = [
        await pool.fetchval(
            "INSERT INTO users (phone, role, grade) VALUES ($1, $2, $3) RETURNING id", phone, role, grade
        )
        for phone, role, grade in (
            ("+77010000001", "driver", None),
            ("+77010000002", "admin", "finance"),
            ("+77010000003", "admin", "finance"),
        )
    ]
    registry = CollectorRegistry()
    acquirer, access = FakeAcquirer(), Recording()
    paying = Paying(pool, {"fake": acquirer}, access, registry, pepper=PEPPER, worker=0, test_allowed=True)
    return Till(pool, paying, acquirer, access, registry, users[0], (users[1], users[2]), dsn)


@pytest.fixture
async def till(pool: Pool, dsn: str) -> AsyncIterator[Till]:
    yield await till_on(pool, dsn)
