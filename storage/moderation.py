"""The queue of loads that somebody should look at.

Every decision locks the order's row first, then the case, as every decision on an order does.
"""

from dataclasses import dataclass

import asyncpg

from dispatch.errors import Refusal
from dispatch.events import Event
from dispatch.model import Order, Party, Status
from dispatch.moderation import Moderator
from dispatch.visibility import owns

from .deciding import deciding
from .holding import OPEN_CASE, hold, let_out
from .order_rows import lock_order, note, order_of
from .orders import owned
from .postgres import Connection, Pool
from .suspicions import Suspicions

# ix_moderation_cases_order_id_id, both.
OF_ORDER = "SELECT * FROM moderation_cases WHERE order_id = $1 ORDER BY id DESC"
APPEALABLE = """
SELECT state, grounds, alike,
    (SELECT count(*) FROM moderation_cases a WHERE a.order_id = c.order_id AND a.kind = 'appeal') AS appeals
FROM moderation_cases c WHERE order_id = $1 ORDER BY id DESC LIMIT 1
"""
# Primary key. A load does not expire while its appeal is looked at.
WAIT_FOR_APPEAL = """
UPDATE orders SET expires_at = greatest(expires_at, now() + make_interval(secs => $2)) WHERE id = $1
"""

# ix_moderation_cases_waiting, oldest first. $1 kind, $2 only those late, $3 after this id.
WAITING = """
SELECT * FROM moderation_cases WHERE state = 'waiting' AND id > $3 AND ($1::text IS NULL OR kind = $1)
    AND (NOT $2 OR due_at < now()) ORDER BY id LIMIT $4
"""
# Primary key, oldest first.
DECIDED = """
SELECT * FROM moderation_cases WHERE state = $1 AND id > $3 AND ($2::text IS NULL OR kind = $2)
ORDER BY id LIMIT $4
"""
# Primary keys.
ORDERS_OF = """
SELECT o.*, a.driver_id FROM orders o LEFT JOIN assignments a ON a.order_id = o.id WHERE o.id = ANY($1::bigint[])
"""
CASE = "SELECT order_id FROM moderation_cases WHERE id = $1"
LOCK_CASE = """
SELECT *, claimed_at > now() - make_interval(secs => $2) AS held,
    (SELECT b.decided_by FROM moderation_cases b WHERE b.order_id = c.order_id AND b.state = 'rejected'
        AND b.id < c.id ORDER BY b.id DESC LIMIT 1) AS rejected_by
FROM moderation_cases c WHERE id = $1 FOR UPDATE
"""
CLAIM = "UPDATE moderation_cases SET claimed_by = $2, claimed_at = now() WHERE id = $1 RETURNING *"
UNCLAIM = """
UPDATE moderation_cases SET claimed_by = CASE WHEN mine THEN NULL ELSE claimed_by END,
    claimed_at = CASE WHEN mine THEN NULL ELSE claimed_at END
FROM (SELECT id AS case_id, state = 'waiting' AND claimed_by = $2 AS mine FROM moderation_cases WHERE id = $1) AS c
WHERE id = c.case_id RETURNING id
"""
DECIDE = """
UPDATE moderation_cases SET state = $2, decided_by = $3, decided_at = now(), reasons = $4, note = $5,
    claimed_by = coalesce(claimed_by, $3), claimed_at = coalesce(claimed_at, now())
WHERE id = $1
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One load before staff. `kind`: held | flag | appeal; `state`: waiting | approved | rejected | dropped."""

    id: int
    order: int
    shipper: int
    kind: str
    state: str
    grounds: tuple[str, ...]
    alike: int | None
    appeal: str
    created_at: float
    due_at: float
    claimed_by: int | None
    claimed_at: float | None
    decided_by: int | None
    decided_at: float | None
    reasons: tuple[str, ...]
    note: str


class CaseStore(Suspicions):
    """Cases, and what is known about shippers; implements dispatch.ports.Cases."""

    def __init__(self, pool: Pool, claim_s: float = 900.0) -> None:
        super().__init__(pool)
        self._claim_s = claim_s

    # -- the queue ------------------------------------------------------------------------------------------

    async def queue(
        self, state: str, kind: str | None, late: bool, after: int, limit: int
    ) -> list[tuple[Case, Order]]:
        """Cases with their orders above id `after`, oldest first."""
        if state == "waiting":
            rows = await self._pool.fetch(WAITING, kind, late, after, limit)
        else:
            rows = await self._pool.fetch(DECIDED, state, kind, after, limit)
        cases = [_case(row) for row in rows]
        found = await self._pool.fetch(ORDERS_OF, [case.order for case in cases])
        orders = {row["id"]: order_of(row) for row in found}
        return [(case, orders[case.order]) for case in cases]

    async def of_order(self, order: int) -> list[Case]:
        """Every case of one order, newest first."""
        return [_case(row) for row in await self._pool.fetch(OF_ORDER, order)]

    async def claim(self, moderator: Moderator, case: int) -> Case:
        """Others leave it alone for a while. `case_claimed` while somebody else holds it, `case_closed` after."""
        async with deciding(self._pool) as connection:
            await self._open(connection, moderator, case)
            return _case(await connection.fetchrow(CLAIM, case, moderator.user))

    async def unclaim(self, moderator: Moderator, case: int) -> None:
        """Somebody else may have it; harmless when it was not held. `not_found` for an absent one."""
        if await self._pool.fetchval(UNCLAIM, case, moderator.user) is None:
            raise Refusal("not_found")

    async def approve(self, moderator: Moderator, case: int, note_: str) -> list[Event]:
        """The order of the case is open."""
        async with deciding(self._pool) as connection:
            order = await self._open(connection, moderator, case)
            await connection.execute(DECIDE, case, "approved", moderator.user, [], note_)
            said = {"note": note_} if note_ else {}
            if order.status is Status.MODERATION:
                return await let_out(connection, order, actor=moderator.user, detail=said)
            _, event = await note(connection, order, "cleared", actor=moderator.user, detail=said)
            return [event]

    async def reject(self, moderator: Moderator, case: int, reasons: list[str], note_: str) -> list[Event]:
        """The order of the case is held, and its shipper knows why. `order_closed` when a driver has it."""
        async with deciding(self._pool) as connection:
            order = await self._open(connection, moderator, case)
            detail = {"reasons": reasons, **({"note": note_} if note_ else {})}
            await connection.execute(DECIDE, case, "rejected", moderator.user, reasons, note_)
            if order.status is Status.OPEN:
                return await hold(connection, order, "rejected", actor=moderator.user, detail=detail)
            if order.status is not Status.MODERATION:
                raise Refusal("order_closed")
            _, event = await note(
                connection, order, "rejected", actor=moderator.user, detail=detail, push=(order.shipper,)
            )
            return [event]

    async def appeal(self, party: Party, order: int, text: str, within_s: float) -> tuple[Order, list[Event]]:
        """A second look, by somebody else. `appeal_used` after the first, `transition_forbidden` when there is
        nothing to appeal against."""
        async with deciding(self._pool) as connection:
            found = await owned(connection, order, party)
            last = await connection.fetchrow(APPEALABLE, order)
            rejected = last is not None and last["state"] == "rejected"
            if (
                not owns(found, party)
                or found.status is not Status.MODERATION
                or last is None
                or not rejected
            ):
                raise Refusal("transition_forbidden", "nothing was turned down")
            if last["appeals"]:
                raise Refusal("appeal_used")
            await connection.execute(
                OPEN_CASE, order, found.shipper, "appeal", last["grounds"], last["alike"], within_s, text
            )
            await connection.execute(WAIT_FOR_APPEAL, order, within_s)
            appealed, event = await note(connection, found, "appealed", actor=party.user)
            return appealed, [event]

    async def _open(self, connection: Connection, moderator: Moderator, case: int) -> Order:
        """The waiting case and its order, both locked, when this moderator may decide it."""
        number = await connection.fetchval(CASE, case)
        order = None if number is None else await lock_order(connection, number)
        if order is None:
            raise Refusal("not_found")
        row = await connection.fetchrow(LOCK_CASE, case, self._claim_s)
        if row["state"] != "waiting":
            raise Refusal("case_closed")
        if row["held"] and row["claimed_by"] != moderator.user:
            raise Refusal("case_claimed")
        if row["kind"] == "appeal" and row["rejected_by"] == moderator.user and not moderator.senior:
            raise Refusal("second_opinion")
        return order


def _case(row: asyncpg.Record) -> Case:
    def at(name: str) -> float | None:
        return None if row[name] is None else float(row[name].timestamp())

    return Case(
        id=row["id"],
        order=row["order_id"],
        shipper=row["shipper_id"],
        kind=row["kind"],
        state=row["state"],
        grounds=tuple(row["grounds"]),
        alike=row["alike"],
        appeal=row["appeal"],
        created_at=at("created_at") or 0.0,
        due_at=at("due_at") or 0.0,
        claimed_by=row["claimed_by"],
        claimed_at=at("claimed_at"),
        decided_by=row["decided_by"],
        decided_at=at("decided_at"),
        reasons=tuple(row["reasons"]),
        note=row["note"],
    )
