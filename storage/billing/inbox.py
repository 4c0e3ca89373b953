"""What acquirers say of payments: stored once, applied in the same transaction, answered after its COMMIT.

The order of locks: the payment (advisory 7110, so that a refund that names no invoice meets its payment), then the
invoice's row. Under them the facts are read, and what they want of the books and is missing there is added.
"""

import hashlib
import logging
from collections.abc import Mapping
from typing import NamedTuple
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
    other_under_way,
    payment_of,
    wanted,
)
from storage.postgres import Connection, Pool, whole
from storage.seal import Seal

from .attempts import Ending, end, end_locked
from .cards import CardStore
from .consequences import Consequences
from .invoices import facts_of, settle
from .ledger import append
from .messages import ADD, NOTHING_SAID, SEEN, Message, Source, add, fact_of_message, home, named, seen

log = logging.getLogger("desk.inbox")

NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"
QUEUE = """
SELECT extract(epoch FROM clock_timestamp())::float8 FROM pg_advisory_xact_lock(7110, hashtext($1))
"""
# ix_payment_inbox_provider_payment_id.
HELD = """
SELECT EXISTS (SELECT FROM payment_inbox WHERE provider = $1 AND payment = $2 AND kind = 'pay' AND state = 'held')
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
        message = Message(provider, told, source, raw, headers or {})
        # Redeliveries come in crowds, and every answer of our own is told once more: what is stored is answered
        # without a transaction, and without waiting in the queue of its payment.
        before = await _before(self._pool, message)
        if before is not None:
            return before
        async with whole(self._pool) as connection:
            payment = None if told.transaction is None else payment_of(told.transaction)
            now = await connection.fetchval(QUEUE, f"{provider} {payment or told.key}")
            return await self._take(connection, message, now)

    async def learn(
        self, provider: str, transaction: Transaction, source: Source, ending: Ending | None = None
    ) -> Learnt | None:
        """Applies a transaction that was found at the acquirer, as the notification that should have come; None
        while it says nothing. With it, whatever it says, an attempt ends whose answer it is."""
        async with whole(self._pool) as connection:
            now = await connection.fetchval(QUEUE, f"{provider} {payment_of(transaction)}")
            told = as_told(transaction, held=await connection.fetchval(HELD, provider, transaction.id))
            if told is None:
                if ending is not None:
                    await end(connection, ending, self.consequences)
                return None
            message = Message(provider, told, source, None, {})
            return Learnt(told.kind, await self._take(connection, message, now, ending))

    async def in_doubt(self, told: Notification) -> UUID | None:
        """The invoice of a check, when another payment of it was begun and its end was not told: the acquirer
        should be asked before the check is refused."""
        transaction = told.transaction
        invoice = None if transaction is None else named(transaction)
        if transaction is None or invoice is None:
            return None
        async with self._pool.acquire() as connection:
            facts = await facts_of(connection, invoice)
            now = await connection.fetchval(NOW) if facts else 0.0
        return invoice if other_under_way(facts, transaction.id, now) else None

    async def apply_again(self, provider: str, transaction: Transaction) -> list[Booking]:
        """Adds to the books whatever the stored facts of this payment want and is missing there: nothing, as long
        as all was applied when it came."""
        async with whole(self._pool) as connection:
            now = await connection.fetchval(QUEUE, f"{provider} {payment_of(transaction)}")
            invoice = await home(connection, provider, transaction)
            number = None if invoice is None else invoice.id
            facts = await facts_of(connection, number, provider, payment_of(transaction))
            booked = await self._apply(connection, invoice, facts, now)
            if invoice is not None:
                await settle(connection, invoice, facts, now)
        return booked

    async def unreadable(self, provider: str, kind: str, raw: bytes, headers: Mapping[str, str]) -> Answer:
        """Keeps what was signed and cannot be read; a person must look. A check that cannot be read is refused."""
        answer = Answer.NOT_NOW if kind == Kind.CHECK else Answer.ACCEPTED
        key = hashlib.sha256(raw).hexdigest()
        kind = kind[:12]
        async with whole(self._pool) as connection:
            await connection.fetchval(QUEUE, f"{provider} {key}")
            if await connection.fetchval(SEEN, provider, kind, key) is not None:
                return answer
            await connection.fetchrow(
                ADD,
                provider,
                kind,
                key,
                "notice",
                Verdict.MALFORMED,
                answer,
                *NOTHING_SAID,
                "",
                dict(headers),
                self._sealed(provider, kind, key, raw),
                None,
            )
        return answer

    def opened(self, provider: str, kind: str, key: str, sealed: bytes) -> bytes:
        """A body as it came, but for card numbers. Unsealable under another pepper."""
        return self._seal.open(sealed, _context(provider, kind, key))

    async def _take(
        self, connection: Connection, message: Message, now: float, ending: Ending | None = None
    ) -> Receipt:
        """Takes a message in, under the lock of its payment."""
        before = await _before(connection, message)
        if before is not None:
            if ending is not None:
                await end(connection, ending, self.consequences)
            return before
        provider, told = message.provider, message.told
        sealed = None if message.raw is None else self._sealed(provider, told.kind, told.key, message.raw)
        transaction = told.transaction
        if transaction is None:
            await add(connection, message, None, Verdict.APPLIED, Answer.ACCEPTED, sealed)
            return Receipt(Answer.ACCEPTED, Verdict.APPLIED, True)
        invoice = await home(connection, provider, transaction)
        number = None if invoice is None else invoice.id
        facts = await facts_of(connection, number, provider, payment_of(transaction))
        verdict = judge(invoice, provider, told, test_allowed=self.test_allowed)
        if verdict is Verdict.APPLIED and any(
            fact.kind is told.kind and fact.transaction == transaction.id for fact in facts
        ):
            verdict = Verdict.DUPLICATE
        answer = Answer.ACCEPTED
        if told.kind is Kind.CHECK:
            answer = answer_check(invoice, verdict, facts, transaction.id, now)
        stored = await add(connection, message, invoice, verdict, answer, sealed)
        facts.append(fact_of_message(stored, message, transaction, verdict, answer))
        if invoice is not None and transaction.card is not None and verdict in FINE and told.kind is Kind.PAY:
            if await connection.fetchval(MAY_KEEP, invoice.id):
                await self._cards.save(connection, invoice.user, provider, transaction.card, invoice.id)
        booked = tuple(await self._apply(connection, invoice, facts, now))
        standing = None
        if ending is not None:
            standing = await self._end(connection, ending, invoice, facts, now)
        if invoice is not None and standing is None:
            standing = await settle(connection, invoice, facts, now)
        return Receipt(answer, verdict, True, number, booked, standing)

    async def _end(
        self, connection: Connection, ending: Ending, invoice: Invoice | None, facts: list[Fact], now: float
    ) -> Standing | None:
        if invoice is not None:
            return await end_locked(connection, ending, invoice, facts, now, self.consequences)
        await end(connection, ending, self.consequences)  # the payment is another invoice's
        return None

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


async def _before(connection: Connection | Pool, message: Message) -> Receipt | None:
    """What became of this very message when it came for the first time."""
    row = await seen(connection, message)
    if row is None:
        return None
    return Receipt(Answer(row["answer"]), Verdict(row["verdict"]), False, row["invoice_id"])


def _context(provider: str, kind: str, key: str) -> str:
    """A sealed body opens as that of its own message only."""
    return f"{provider} {kind} {key}"
