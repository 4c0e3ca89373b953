"""What acquirers say of payments: stored once, applied in the same transaction, answered after its COMMIT.

The order of locks: the payment (advisory 7110, so that a refund that names no invoice meets its payment), then the
invoice's row. Under them the facts are read, and what they want of the books and is missing there is added.
"""

import hashlib
import logging
from collections.abc import Mapping
from typing import Literal, NamedTuple
from uuid import UUID

from billing.acquiring import Answer, Kind, Notification, Transaction
from billing.ledger import Act, Booking
from billing.pan import blackened
from billing.payments import (
    FINE,
    Fact,
    Invoice,
    Standing,
    Verdict,
    answer_check,
    as_told,
    judge,
    payment_of,
    wanted,
)
from storage.postgres import Connection, Pool, whole
from storage.seal import Seal

from .cards import CardStore
from .consequences import Consequences
from .invoices import facts_of, invoice_of, settle
from .ledger import append

log = logging.getLogger("desk.inbox")

# Where a fact comes from: a signed notification, the answer to our own request, a look-up, the hourly list, or
# staff who saw the money.
Source = Literal["notice", "answer", "found", "listed", "staff"]

# uq_payment_inbox_provider_kind_key.
SEEN = """
SELECT verdict, answer, invoice_id FROM payment_inbox WHERE provider = $1 AND kind = $2 AND key = $3
"""
QUEUE = """
SELECT extract(epoch FROM clock_timestamp())::float8 FROM pg_advisory_xact_lock(7110, hashtext($1))
"""
# ix_payment_inbox_provider_payment_id: a payment belongs to the invoice that it first named.
HOME = """
SELECT invoice_id FROM payment_inbox WHERE provider = $1 AND payment = $2 AND invoice_id IS NOT NULL
ORDER BY id LIMIT 1
"""
HELD = """
SELECT EXISTS (SELECT FROM payment_inbox WHERE provider = $1 AND payment = $2 AND kind = 'pay' AND state = 'held')
"""
# Primary key.
LOCK = """
SELECT id, user_id, provider, amount, currency, extract(epoch FROM created_at)::float8 AS created_at,
    extract(epoch FROM expires_at)::float8 AS expires_at, purpose, plan, plan_version, region, period_s,
    description, lang
FROM invoices WHERE id = $1 AND provider = $2 FOR NO KEY UPDATE
"""
ADD = """
INSERT INTO payment_inbox (provider, kind, key, source, verdict, answer, invoice_id, transaction, payment, state,
    amount, currency, account, named_invoice, reason, headers, raw, happened_at, received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, to_timestamp($18::float8),
    clock_timestamp())
ON CONFLICT (provider, kind, key) DO NOTHING
RETURNING id, extract(epoch FROM received_at)::float8 AS at
"""
# ix_payment_attempts_invoice_id_created_at: whether the payer agreed to keep the card.
MAY_KEEP = "SELECT EXISTS (SELECT FROM payment_attempts WHERE invoice_id = $1 AND save_card)"
# ix_payment_attempts_invoice_id_created_at, the primary key.
CARD = """
SELECT a.card_id FROM payment_attempts a JOIN saved_cards c ON c.id = a.card_id AND c.removed_at IS NULL
WHERE a.invoice_id = $1 ORDER BY a.created_at DESC LIMIT 1
"""
# uq_refunds_double: a further payment goes back by itself, once.
GIVE_BACK = """
INSERT INTO refunds (id, invoice_id, provider, payment, amount, currency, cause, state, due_at)
VALUES (gen_random_uuid(), $1, $2, $3, $4, $5, 'double', 'approved', now())
ON CONFLICT (provider, payment) WHERE cause = 'double' AND state <> 'failed' DO NOTHING
"""


class Receipt(NamedTuple):
    """What became of a notification. `new` is False for one that was stored before; `booked` is what it added to
    the books; `standing` is the invoice's behind it."""

    answer: Answer
    verdict: Verdict
    new: bool
    invoice: UUID | None = None
    booked: tuple[Booking, ...] = ()
    standing: Standing | None = None


class Learnt(NamedTuple):
    """What a transaction that was found said, and what became of it."""

    kind: Kind
    receipt: Receipt


class _Message(NamedTuple):
    provider: str
    told: Notification
    source: Source
    raw: bytes | None
    headers: Mapping[str, str]


class Inbox:
    """The table of facts and the way in. `test_allowed`: play money counts as money."""

    def __init__(
        self,
        pool: Pool,
        pepper: str,
        cards: CardStore,
        consequences: Consequences,
        *,
        test_allowed: bool,
    ) -> None:
        self._pool = pool
        self._seal = Seal(pepper, "payment notifications")
        self._cards = cards
        self.consequences = consequences
        self.test_allowed = test_allowed

    async def receive(
        self,
        provider: str,
        told: Notification,
        *,
        source: Source = "notice",
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Receipt:
        """Stores and applies one verified message. When it returns, everything is committed (or joins the
        caller's unit)."""
        message = _Message(provider, told, source, raw, headers or {})
        async with whole(self._pool) as connection:
            # Redeliveries come in crowds: what is stored is answered without waiting in the queue of its payment.
            seen = await self._seen(connection, message)
            if seen is not None:
                return seen
            payment = None if told.transaction is None else payment_of(told.transaction)
            now = await connection.fetchval(QUEUE, f"{provider} {payment or told.key}")
            return await self._take(connection, message, now)

    async def learn(self, provider: str, transaction: Transaction, source: Source) -> Learnt | None:
        """Applies a transaction that was found at the acquirer, as the notification that should have come; None
        while it says nothing."""
        async with whole(self._pool) as connection:
            now = await connection.fetchval(QUEUE, f"{provider} {payment_of(transaction)}")
            told = as_told(transaction, held=await connection.fetchval(HELD, provider, transaction.id))
            if told is None:
                return None
            message = _Message(provider, told, source, None, {})
            return Learnt(told.kind, await self._take(connection, message, now))

    async def apply_again(self, provider: str, transaction: Transaction) -> list[Booking]:
        """Adds to the books whatever the stored facts of this payment want and is missing there: nothing, as long
        as all was applied when it came."""
        async with whole(self._pool) as connection:
            now = await connection.fetchval(QUEUE, f"{provider} {payment_of(transaction)}")
            invoice = await _home(connection, provider, transaction)
            facts = await _facts(connection, invoice, provider, transaction)
            booked = await self._apply(connection, invoice, facts, now)
            if invoice is not None:
                await settle(connection, invoice, facts, now)
        return booked

    async def unreadable(self, provider: str, kind: str, raw: bytes, headers: Mapping[str, str]) -> Answer:
        """Keeps what was signed and cannot be read; a person must look. A check that cannot be read is refused."""
        answer = Answer.NOT_NOW if kind == Kind.CHECK else Answer.ACCEPTED
        key = hashlib.sha256(raw).hexdigest()
        async with whole(self._pool) as connection:
            nothing = (None,) * 8
            await connection.fetchrow(
                ADD,
                provider,
                kind[:12],
                key,
                "notice",
                Verdict.MALFORMED,
                answer,
                *nothing,
                "",
                dict(headers),
                self._sealed(provider, kind[:12], key, raw),
                None,
            )
        return answer

    def opened(self, provider: str, kind: str, key: str, sealed: bytes) -> bytes:
        """A body as it came, but for card numbers. Unsealable under another pepper."""
        return self._seal.open(sealed, _context(provider, kind, key))

    async def _seen(self, connection: Connection, message: _Message) -> Receipt | None:
        row = await connection.fetchrow(SEEN, message.provider, message.told.kind, message.told.key)
        return (
            None
            if row is None
            else Receipt(Answer(row["answer"]), Verdict(row["verdict"]), False, row["invoice_id"])
        )

    async def _take(self, connection: Connection, message: _Message, now: float) -> Receipt:
        """Takes a message in, under the lock of its payment."""
        provider, told = message.provider, message.told
        transaction = told.transaction
        seen = await self._seen(connection, message)
        if seen is not None:
            return seen
        invoice = None if transaction is None else await _home(connection, provider, transaction)
        facts = [] if transaction is None else await _facts(connection, invoice, provider, transaction)
        verdict = judge(invoice, provider, told, test_allowed=self.test_allowed)
        if verdict is Verdict.APPLIED and transaction is not None and _known(facts, told.kind, transaction):
            verdict = Verdict.DUPLICATE
        answer = Answer.ACCEPTED
        if told.kind is Kind.CHECK and transaction is not None:
            answer = answer_check(invoice, verdict, facts, transaction.id, now)
        stored = await self._add(connection, message, invoice, verdict, answer)
        if stored is None:  # of a message without a payment: another worker was first
            return Receipt(answer, verdict, False)
        if transaction is None:
            return Receipt(answer, verdict, True)
        facts.append(_fact(stored[0], stored[1], provider, told.kind, transaction, verdict))
        if invoice is not None and transaction.card is not None and verdict in FINE and told.kind is Kind.PAY:
            if await connection.fetchval(MAY_KEEP, invoice.id):
                await self._cards.save(connection, invoice.user, provider, transaction.card, invoice.id)
        booked = await self._apply(connection, invoice, facts, now)
        if invoice is None:
            return Receipt(answer, verdict, True, None, tuple(booked))
        standing = await settle(connection, invoice, facts, now)
        return Receipt(answer, verdict, True, invoice.id, tuple(booked), standing)

    async def _add(
        self,
        connection: Connection,
        message: _Message,
        invoice: Invoice | None,
        verdict: Verdict,
        answer: Answer,
    ) -> tuple[int, float] | None:
        provider, told, source, raw, headers = message
        transaction = told.transaction
        parsed: tuple[object, ...] = (None,) * 8
        if transaction is not None:
            parsed = (
                None if invoice is None else invoice.id,
                transaction.id,
                payment_of(transaction),
                transaction.state,
                transaction.money.minor,
                transaction.money.currency,
                _short(transaction.account),
                _short(transaction.invoice),
            )
        sealed = None if raw is None else self._sealed(provider, told.kind, told.key, raw)
        row = await connection.fetchrow(
            ADD,
            provider,
            told.kind,
            told.key,
            source,
            verdict,
            answer,
            *parsed,
            "" if transaction is None else (transaction.reason or "")[:200],
            dict(headers),
            sealed,
            None if transaction is None else transaction.at,
        )
        return None if row is None else (row["id"], row["at"])

    async def _apply(
        self, connection: Connection, invoice: Invoice | None, facts: list[Fact], now: float
    ) -> list[Booking]:
        """Adds to the books what is missing there, with what follows from each."""
        bookings = wanted(invoice, facts)
        booked = await append(connection, bookings)
        back = sum(each.money.minor for each in bookings if each.act is Act.REFUNDED and each not in booked)
        for booking in booked:
            if invoice is None:
                continue
            if booking.act is Act.GRANTED:
                card = await connection.fetchval(CARD, invoice.id)
                await self.consequences.paid(connection, invoice, card, now)
            elif booking.act is Act.REFUNDED:
                back += booking.money.minor
                await self.consequences.refunded(connection, invoice, booking.money.minor, back, now)
            elif booking.act is Act.DOUBLE_RECEIVED:
                money = booking.money
                await connection.execute(
                    GIVE_BACK, invoice.id, booking.provider, booking.transaction, money.minor, money.currency
                )
        return booked

    def _sealed(self, provider: str, kind: str, key: str, raw: bytes) -> bytes:
        clean = blackened(raw)
        if clean != raw:  # an acquirer of cards sends none: a mistake of its settings, or not a card number
            log.error("payments.card_number", extra={"provider": provider, "kind": kind})
        return self._seal.seal(clean, _context(provider, kind, key))


def _context(provider: str, kind: str, key: str) -> str:
    return f"{provider} {kind} {key}"


def _short(text: str | None) -> str | None:
    return None if text is None else text[:64]


async def _home(connection: Connection, provider: str, transaction: Transaction) -> Invoice | None:
    """The invoice of a transaction, locked. A payment that was of another one before is of none."""
    belongs = await connection.fetchval(HOME, provider, payment_of(transaction))
    try:
        named = None if transaction.invoice is None else UUID(transaction.invoice)
    except ValueError:
        return None
    if belongs is not None and named is not None and belongs != named:
        return None
    row = await connection.fetchrow(LOCK, belongs or named, provider)
    return None if row is None else invoice_of(row)


async def _facts(
    connection: Connection, invoice: Invoice | None, provider: str, transaction: Transaction
) -> list[Fact]:
    number = None if invoice is None else invoice.id
    return await facts_of(connection, number, provider, payment_of(transaction))


def _known(facts: list[Fact], kind: Kind, transaction: Transaction) -> bool:
    return any(fact.kind is kind and fact.transaction == transaction.id for fact in facts)


def _fact(seq: int, at: float, provider: str, kind: Kind, transaction: Transaction, verdict: Verdict) -> Fact:
    return Fact(
        seq,
        provider,
        kind,
        transaction.id,
        payment_of(transaction),
        transaction.state,
        transaction.money,
        at,
        verdict,
    )
