"""Staff take disputes and decide them: the order moves on in the same transaction, with a line of the log."""

import hashlib

from dispatch.disputes import CLAIM_S, Decision, DisputeOutcome, after
from dispatch.errors import Refusal
from dispatch.events import Event
from dispatch.model import Actor, Order, Party, Status

from ..deciding import deciding
from ..order_rows import lock_order, order_of, step
from ..orders import move
from ..postgres import Connection, Pool
from ..staff import record
from .rows import MESSAGES, Dispute, Said, dispute_of, said_of

# ix_disputes_open, oldest first.
WAITING = "SELECT * FROM disputes WHERE state = 'open' AND id > $1 ORDER BY id LIMIT $2"
# Primary key, oldest first.
ENDED = "SELECT * FROM disputes WHERE state = $3 AND id > $1 ORDER BY id LIMIT $2"
# Primary keys.
ONE = "SELECT * FROM disputes WHERE id = $1"
ORDERS_OF = """
SELECT o.*, a.driver_id FROM orders o LEFT JOIN assignments a ON a.order_id = o.id WHERE o.id = ANY($1::bigint[])
"""
LOCK = """
SELECT *, claimed_at > clock_timestamp() - make_interval(secs => $2) AS held FROM disputes WHERE id = $1 FOR UPDATE
"""
CLAIM = "UPDATE disputes SET claimed_by = $2, claimed_at = clock_timestamp() WHERE id = $1 RETURNING *"
UNCLAIM = """
UPDATE disputes SET claimed_by = NULL, claimed_at = NULL WHERE id = $1 AND claimed_by = $2 AND state = 'open'
"""
DECIDE = """
UPDATE disputes SET state = $2, outcome = $3, decision = $4, decided_amount = $5, decided_by = $6,
    ended_at = clock_timestamp(), claimed_by = coalesce(claimed_by, $6),
    claimed_at = coalesce(claimed_at, clock_timestamp())
WHERE id = $1 RETURNING *
"""


class DisputeJudges:
    """The queue of staff."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, state: str, after_: int, limit: int) -> list[tuple[Dispute, Order]]:
        """Disputes with their orders above id `after_`, oldest first."""
        if state == "open":
            rows = await self._pool.fetch(WAITING, after_, limit)
        else:
            rows = await self._pool.fetch(ENDED, after_, limit, state)
        found = [dispute_of(row) for row in rows]
        orders = await self._pool.fetch(ORDERS_OF, [dispute.order for dispute in found])
        known = {row["id"]: order_of(row) for row in orders}
        return [(dispute, known[dispute.order]) for dispute in found]

    async def one(self, dispute: int) -> tuple[Dispute, list[Said], Order]:
        """A dispute with all that was said. Refusal `not_found`."""
        row = await self._pool.fetchrow(ONE, dispute)
        if row is None:
            raise Refusal("not_found")
        said = [said_of(each) for each in await self._pool.fetch(MESSAGES, dispute)]
        order = order_of((await self._pool.fetch(ORDERS_OF, [row["order_id"]]))[0])
        return dispute_of(row), said, order

    async def claim(self, staff: int, dispute: int) -> None:
        """Others leave it alone for a while. Refusal `case_claimed`, `case_closed`."""
        async with deciding(self._pool) as connection:
            order, found = await self._locked(connection, staff, dispute)
            await connection.execute(CLAIM, dispute, staff)
            if found.claimed_by != staff:
                await _record(connection, staff, "dispute.claim", found, order, {})

    async def unclaim(self, staff: int, dispute: int) -> None:
        """Somebody else may have it; harmless when it was not held. Refusal `not_found`."""
        async with deciding(self._pool) as connection:
            if await connection.fetchrow(ONE, dispute) is None:
                raise Refusal("not_found")
            await connection.execute(UNCLAIM, dispute, staff)

    async def decide(self, staff: int, dispute: int, decision: Decision) -> tuple[Order, list[Event]]:
        """The end of it: the order goes where the decision leads, both sides hear of it. Refusal `case_claimed`,
        `case_closed`, `reason_invalid`."""
        async with deciding(self._pool) as connection:
            order, found = await self._locked(connection, staff, dispute)
            then = after(decision, found.was)
            undecided = decision.outcome is DisputeOutcome.WITHDRAWN
            state = "withdrawn" if undecided else "decided"
            await connection.execute(
                DECIDE, dispute, state, decision.outcome, decision.text, decision.amount, staff
            )
            detail = {"code": decision.outcome.value, "note": decision.text}
            # The words are longer than a line of the log: it keeps what tells whether they were changed later.
            sealed = hashlib.sha256(decision.text.encode()).hexdigest()
            ruling = {"outcome": decision.outcome.value, "words": sealed}
            await _record(connection, staff, "dispute.decide", found, order, ruling)
            if undecided:
                moved, event = await step(
                    connection, order, then, actor=staff, driver=order.driver, detail=detail,
                    kind="dispute_decided",
                )  # fmt: skip
                return moved, [event]
            return await move(
                connection, order, then, Party(staff, Actor.ADMIN), detail, kind="dispute_decided"
            )

    async def _locked(self, connection: Connection, staff: int, dispute: int) -> tuple[Order, Dispute]:
        """The open dispute and its order, both locked, when this member of staff may decide it."""
        row = await connection.fetchrow(ONE, dispute)
        order = None if row is None else await lock_order(connection, row["order_id"])
        if order is None:
            raise Refusal("not_found")
        row = await connection.fetchrow(LOCK, dispute, CLAIM_S)
        if row["state"] != "open" or order.status is not Status.DISPUTED:
            raise Refusal("case_closed")
        if row["held"] and row["claimed_by"] != staff:
            raise Refusal("case_claimed")
        return order, dispute_of(row)


async def _record(
    connection: Connection,
    staff: int,
    action: str,
    found: Dispute,
    order: Order,
    more: dict[str, str],
) -> None:
    detail = {"dispute": str(found.id), "order": str(order.id), **more}
    await record(connection, staff, action, found.opened_by, "", detail)
