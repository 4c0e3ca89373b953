"""Disputes as rows and values, and what is written of them inside the order's own transactions."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from dispatch.disputes import (
    MOST_AN_ORDER,
    MOST_MESSAGES,
    Complaint,
    DisputeOutcome,
    DisputeState,
    speaks_for,
)
from dispatch.errors import Refusal
from dispatch.model import Order, Party, Status

from ..order_rows import seconds
from ..postgres import Connection

# ix_disputes_order_id_id.
COUNT = "SELECT count(*) FROM disputes WHERE order_id = $1"
NEWEST = "SELECT * FROM disputes WHERE order_id = $1 ORDER BY id DESC LIMIT 1"
# uq_disputes_open is the last line: one that is open an order.
OPEN = """
INSERT INTO disputes (order_id, opened_by, side, code, amount, was) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id
"""
# uq_disputes_open. The order has left its dispute without a decision on it.
DROP = """
UPDATE disputes SET state = 'dropped', ended_at = clock_timestamp() WHERE order_id = $1 AND state = 'open'
"""
# Primary keys; bounded by the dispute's own count.
SAY = """
WITH counted AS (
    UPDATE disputes SET messages = messages + 1,
        answered_at = CASE WHEN $4 = 'answer' THEN clock_timestamp() ELSE answered_at END
    WHERE id = $1 AND messages < $7 RETURNING id
)
INSERT INTO dispute_messages (dispute_id, author_id, side, kind, text, files, at)
SELECT id, $2, $3, $4, $5, $6::bigint[], clock_timestamp() FROM counted RETURNING id
"""
# ix_order_files_order_id_id.
OWN_FILES = "SELECT count(*) FROM order_files WHERE order_id = $1 AND id = ANY($2::bigint[])"
# ix_dispute_messages_dispute_id_id.
MESSAGES = "SELECT * FROM dispute_messages WHERE dispute_id = $1 ORDER BY id"


@dataclass(frozen=True, slots=True)
class Said:
    """One line of a dispute: who said what, and the order's files that show it."""

    id: int
    author: int
    side: str
    kind: str
    text: str
    files: tuple[int, ...]
    at: float


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute without its messages. `was`: the order's state before it."""

    id: int
    order: int
    opened_by: int
    side: str
    code: str
    amount: int | None
    was: Status
    state: DisputeState
    opened_at: float
    answered_at: float | None
    claimed_by: int | None
    claimed_at: float | None
    decided_by: int | None
    outcome: DisputeOutcome | None
    decision: str
    decided_amount: int | None
    ended_at: float | None


async def open_dispute(connection: Connection, order: Order, party: Party, complaint: Complaint) -> None:
    """Writes the dispute of a locked order that is becoming disputed; `order` as it was before."""
    if await connection.fetchval(COUNT, order.id) >= MOST_AN_ORDER:
        raise Refusal("limit_reached", "at most {n} dispute", plural="at most {n} disputes", n=MOST_AN_ORDER)
    side = speaks_for(order, party)
    dispute = await connection.fetchval(
        OPEN, order.id, party.signed_in, side, complaint.code, complaint.amount, order.status
    )
    await say(connection, order, dispute, party, side, "opened", complaint.text, complaint.files)


async def say(
    connection: Connection,
    order: Order,
    dispute: int,
    party: Party,
    side: str,
    kind: str,
    text: str,
    files: Sequence[int],
) -> None:
    """One more line. `not_found` for files that are not the order's, `limit_reached` when all has been said."""
    shown = sorted(set(files))
    if shown and await connection.fetchval(OWN_FILES, order.id, shown) != len(shown):
        raise Refusal("not_found").at("files")
    said = await connection.fetchval(SAY, dispute, party.signed_in, side, kind, text, shown, MOST_MESSAGES)
    if said is None:
        raise Refusal("limit_reached", "at most {n} message", plural="at most {n} messages", n=MOST_MESSAGES)


def dispute_of(row: asyncpg.Record) -> Dispute:
    """A dispute from its row."""
    return Dispute(
        id=row["id"],
        order=row["order_id"],
        opened_by=row["opened_by"],
        side=row["side"],
        code=row["code"],
        amount=row["amount"],
        was=Status(row["was"]),
        state=DisputeState(row["state"]),
        opened_at=row["opened_at"].timestamp(),
        answered_at=seconds(row["answered_at"]),
        claimed_by=row["claimed_by"],
        claimed_at=seconds(row["claimed_at"]),
        decided_by=row["decided_by"],
        outcome=None if row["outcome"] is None else DisputeOutcome(row["outcome"]),
        decision=row["decision"],
        decided_amount=row["decided_amount"],
        ended_at=seconds(row["ended_at"]),
    )


def said_of(row: asyncpg.Record) -> Said:
    """A line from its row."""
    return Said(
        row["id"],
        row["author_id"],
        row["side"],
        row["kind"],
        row["text"],
        tuple(row["files"]),
        row["at"].timestamp(),
    )
