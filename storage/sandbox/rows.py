"""What the sandbox's tables hold, as the rest reads it."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import asyncpg

from billing.acquiring import State
from billing.money import Currency, Money

CONFIRM_MIN = 30  # minutes for 3-D Secure; what is not confirmed by then was declined
NOT_CONFIRMED = 5206

# Transactions. One that nobody confirmed in time has been declined, whether or not somebody noticed.
PENDING = f"t.state = 'pending' AND t.created_at > now() - interval '{CONFIRM_MIN} minutes'"
DEAL = f"""
t.id, CASE WHEN t.state <> 'pending' OR {PENDING} THEN t.state ELSE 'declined' END AS state, t.amount, t.currency,
t.invoice, t.account, extract(epoch FROM t.created_at)::float8 AS at, t.refunds, t.description,
CASE WHEN t.state = 'pending' AND NOT ({PENDING}) THEN {NOT_CONFIRMED} ELSE t.reason END AS reason,
t.last_four, t.expires, t.token
"""
CHECKOUT = """
c.token, c.amount, c.currency, c.invoice, c.account, c.description, c.lang, c.back, c.failed, c.state,
c.transaction_id, c.declined, c.delivery, c.save_card
"""


class Delivery(StrEnum):
    """How a notification is brought."""

    ONCE = "once"
    TWICE = "twice"
    LATE = "late"  # after `late_s`
    SHUFFLED = "shuffled"  # behind the next one of the same invoice
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Checkout:
    """A page. `declined`: why the last try failed; `transaction`: what waits for 3-D Secure, or has paid."""

    token: str
    money: Money
    invoice: UUID
    account: str
    description: str
    lang: str
    back: str
    failed: str
    state: str
    transaction: int | None
    declined: int | None
    delivery: Delivery | None
    save_card: bool


@dataclass(frozen=True, slots=True)
class Deal:
    """A transaction of the sandbox; `reason` a code of CloudPayments, `at` in epoch seconds."""

    id: int
    state: State
    money: Money
    invoice: UUID
    account: str
    at: float
    refunds: int | None
    description: str
    reason: int | None
    last_four: str | None
    expires: str | None
    token: str | None


def checkout_of(row: asyncpg.Record) -> Checkout:
    """A page out of the columns CHECKOUT."""
    wish = row["delivery"]
    return Checkout(
        row["token"],
        Money(row["amount"], Currency(row["currency"])),
        row["invoice"],
        row["account"],
        row["description"],
        row["lang"],
        row["back"],
        row["failed"],
        row["state"],
        row["transaction_id"],
        row["declined"],
        None if wish is None else Delivery(wish),
        row["save_card"],
    )


def deal_of(row: asyncpg.Record) -> Deal:
    """A transaction out of the columns DEAL."""
    return Deal(
        row["id"],
        State(row["state"]),
        Money(row["amount"], Currency(row["currency"])),
        row["invoice"],
        row["account"],
        row["at"],
        row["refunds"],
        row["description"],
        row["reason"],
        row["last_four"],
        row["expires"],
        row["token"],
    )
