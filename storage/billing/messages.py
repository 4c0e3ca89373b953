"""Rows of the inbox: one message of an acquirer, stored once; whose invoice it is about."""

from collections.abc import Mapping
from typing import Literal, NamedTuple
from uuid import UUID

from asyncpg import Record

from billing.acquiring import Answer, Notification, Transaction
from billing.payments import Fact, Invoice, Verdict, payment_of
from storage.postgres import Connection, Pool

from .invoices import invoice_of

# Where a fact comes from: a signed notification, the answer to our own request, a look-up, the hourly list, or
# staff who saw the money.
Source = Literal["notice", "answer", "found", "listed", "staff"]

# uq_payment_inbox_provider_kind_key.
SEEN = """
SELECT verdict, answer, invoice_id FROM payment_inbox WHERE provider = $1 AND kind = $2 AND key = $3
"""
# ix_payment_inbox_provider_payment_id: a payment belongs to the invoice that it first named.
HOME = """
SELECT invoice_id FROM payment_inbox WHERE provider = $1 AND payment = $2 AND invoice_id IS NOT NULL
ORDER BY id LIMIT 1
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
RETURNING id, extract(epoch FROM received_at)::float8 AS at
"""
NOTHING_SAID: tuple[object, ...] = (None,) * 8  # for what is about no transaction
MOST_NAME = 64  # characters kept of a name that is not ours


class Message(NamedTuple):
    """One message on its way in; `raw` and `headers` as they came, where it came over HTTP."""

    provider: str
    told: Notification
    source: Source
    raw: bytes | None
    headers: Mapping[str, str]


async def seen(connection: Connection | Pool, message: Message) -> Record | None:
    """What was found of this very message before: verdict, answer, invoice_id."""
    found: Record | None = await connection.fetchrow(
        SEEN, message.provider, message.told.kind, message.told.key
    )
    return found


async def home(connection: Connection, provider: str, transaction: Transaction) -> Invoice | None:
    """The invoice of a transaction, locked. A payment that was of another one before is of none."""
    belongs = await connection.fetchval(HOME, provider, payment_of(transaction))
    names = named(transaction)
    if transaction.invoice is not None and (names is None or belongs not in (None, names)):
        return None
    row = await connection.fetchrow(LOCK, belongs or names, provider)
    return None if row is None else invoice_of(row)


def named(transaction: Transaction) -> UUID | None:
    """The invoice that it names, if that can be one of ours."""
    try:
        return None if transaction.invoice is None else UUID(transaction.invoice)
    except ValueError:
        return None


async def add(
    connection: Connection,
    message: Message,
    invoice: Invoice | None,
    verdict: Verdict,
    answer: Answer,
    sealed: bytes | None,
) -> tuple[int, float]:
    """Stores it: number and time (epoch seconds) of the row. The caller holds the lock under which it was not
    there yet."""
    told = message.told
    transaction = told.transaction
    said = NOTHING_SAID
    if transaction is not None:
        said = (
            None if invoice is None else invoice.id,
            transaction.id,
            payment_of(transaction),
            transaction.state,
            transaction.money.minor,
            transaction.money.currency,
            transaction.account and transaction.account[:MOST_NAME],
            transaction.invoice and transaction.invoice[:MOST_NAME],
        )
    row = await connection.fetchrow(
        ADD,
        message.provider,
        told.kind,
        told.key,
        message.source,
        verdict,
        answer,
        *said,
        "" if transaction is None else (transaction.reason or "")[:200],
        dict(message.headers),
        sealed,
        None if transaction is None else transaction.at,
    )
    return row["id"], row["at"]


def fact_of_message(
    stored: tuple[int, float], message: Message, transaction: Transaction, verdict: Verdict, answer: Answer
) -> Fact:
    """A row that was just stored, as a fact."""
    return Fact(
        stored[0],
        message.provider,
        message.told.kind,
        transaction.id,
        payment_of(transaction),
        transaction.state,
        transaction.money,
        stored[1],
        verdict,
        answer is Answer.ACCEPTED,
    )
