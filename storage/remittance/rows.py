"""Accounts of hauls as rows and values, and what is written of them inside the order's own transactions."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import asyncpg

from dispatch.model import Order, Status
from dispatch.payment_terms import due_at, open_until, remind_at
from dispatch.remittance import Account, Mark, MarkState, RemittanceKind

from ..order_rows import moment, seconds
from ..postgres import Connection, Pool
from .record import count

# Primary keys.
REMITTANCE = "SELECT due_at, unpaid_at, unpaid_note, reminded FROM remittances WHERE order_id = $1"
# ix_remittance_marks_order_id_id.
MARKS = """
SELECT id, kind, amount, method, paid_at, reference, state, shipper_at, driver_at, reason, note
FROM remittance_marks WHERE order_id = $1 ORDER BY id
"""
# Primary keys.
SAVE = """
UPDATE remittances SET due_at = $2, unpaid_at = $3, state = $4, paid_at = $5, spoken_of = $6, reminded = $7,
    remind_at = $8, unpaid_note = $9
WHERE order_id = $1
"""
SETTLE_AT = "UPDATE orders SET settle_at = $2 WHERE id = $1 AND settle_at IS DISTINCT FROM $2"
ADD_MARK = """
INSERT INTO remittance_marks (order_id, kind, amount, method, paid_at, reference, state, shipper_at, driver_at,
    shipper_by, driver_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id
"""
# Who says it is noted when the side's word is a new one.
SAVE_MARK = """
UPDATE remittance_marks SET reference = $2, state = $3, reason = $4, note = $5,
    shipper_by = CASE WHEN shipper_at IS DISTINCT FROM $6 THEN $8 ELSE shipper_by END, shipper_at = $6,
    driver_by = CASE WHEN driver_at IS DISTINCT FROM $7 THEN $8 ELSE driver_by END, driver_at = $7
WHERE id = $1
"""
STATE = "SELECT state FROM remittances WHERE order_id = $1"
NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"


class Kept(NamedTuple):
    """An account and how many reminders have gone out."""

    account: Account
    reminded: int = 0


async def kept(connection: Connection | Pool, order: Order) -> Kept:
    """The account of an order that has its driver."""
    row = await connection.fetchrow(REMITTANCE, order.id)
    account = Account(
        price=order.price.amount,
        prepay_percent=order.terms.prepay_percent,
        void=order.status is Status.CANCELLED,
        due_at=seconds(row["due_at"]),
        unpaid_at=seconds(row["unpaid_at"]),
        unpaid_note=row["unpaid_note"],
        marks=_marks(await connection.fetch(MARKS, order.id)),
    )
    return Kept(account, row["reminded"])


async def keep(
    connection: Connection, order: Order, before: Account, after: Kept, by: int | None, now: float
) -> None:
    """Writes what has become of a locked order's account, the shipper's record too; `by` is who has spoken."""
    account = after.account
    known = {mark.id: mark for mark in before.marks}
    for mark in account.marks:
        if not mark.id:
            await _add(connection, order.id, mark, by)
        elif mark != known[mark.id]:
            await connection.execute(
                SAVE_MARK, mark.id, mark.reference, mark.state, mark.reason, mark.note,
                moment(mark.shipper_at), moment(mark.driver_at), by,
            )  # fmt: skip
    await connection.execute(
        SAVE, order.id, moment(account.due_at), moment(account.unpaid_at), account.state, moment(account.paid_at),
        account.spoken_of, after.reminded, moment(remind_at(account, after.reminded)),
        account.unpaid_note,
    )  # fmt: skip
    await connection.execute(SETTLE_AT, order.id, moment(open_until(account, order.terms, now)))
    if account.due_at is not None and (account.spoken_of or before.spoken_of):
        await count(connection, order.shipper)


async def follow(connection: Connection, order: Order, at: float) -> None:
    """A locked order with a driver has come to its state `at`: the payment may be due now, or there is none."""
    due = due_at(order.terms, order.status, at)
    if due is None and order.status is not Status.CANCELLED:
        return
    before = await kept(connection, order)
    known = before.account.due_at
    after = replace(before.account, due_at=due if known is None else known)
    await keep(connection, order, before.account, Kept(after, before.reminded), None, at)


async def _add(connection: Connection, order: int, mark: Mark, by: int | None) -> None:
    await connection.execute(
        ADD_MARK,
        order,
        mark.kind,
        mark.amount,
        mark.method,
        moment(mark.paid_at),
        mark.reference,
        mark.state,
        moment(mark.shipper_at),
        moment(mark.driver_at),
        by if mark.shipper_at is not None else None,
        by if mark.driver_at is not None else None,
    )


def _marks(rows: Sequence[asyncpg.Record]) -> tuple[Mark, ...]:
    return tuple(
        Mark(
            row["id"],
            RemittanceKind(row["kind"]),
            row["amount"],
            row["method"],
            row["paid_at"].timestamp(),
            row["reference"],
            MarkState(row["state"]),
            seconds(row["shipper_at"]),
            seconds(row["driver_at"]),
            row["reason"],
            row["note"],
        )
        for row in rows
    )
