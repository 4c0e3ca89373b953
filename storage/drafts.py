"""Loads that are not posted yet: saved field by field, published under their own number."""

from collections.abc import Mapping
from typing import Any

import asyncpg

from dispatch.asked import Draft, merged
from dispatch.errors import Refusal
from dispatch.model import Actor, NewOrder, Order, Party, Status, allowed

from .holding import open_case
from .order_rows import (
    CHECK_AT,
    CONFIRM_BY,
    CONTENT,
    content_values,
    numbered,
    order_of,
    place_of,
    posted,
)
from .postgres import Connection, Pool, transaction

MOST = 200  # drafts of one shipper; who has more has forgotten them

# Primary key of the new row; the count through ix_orders_drafts. $1 shipper, $2 company, $3 content, $4 the
# most that there may be, $5 detail of the event.
ADD = """
WITH placed AS (
    INSERT INTO orders (shipper_id, status, seq, company_id, draft, saved_at)
    SELECT $1, 'draft', 1, $2, $3, now()
    WHERE (SELECT count(*) FROM orders WHERE shipper_id = $1 AND status = 'draft') < $4 RETURNING *
), noted AS (
    INSERT INTO order_events (order_id, seq, kind, status, actor_id, detail)
    SELECT id, 1, 'drafted', status, $1, $5 FROM placed
)
SELECT * FROM placed
"""
# Primary key.
DRAFT = "SELECT * FROM orders WHERE id = $1 AND status = 'draft'"
LOCK_DRAFT = "SELECT * FROM orders WHERE id = $1 FOR NO KEY UPDATE"
SAVE = """
UPDATE orders SET draft = $2, version = version + 1, saved_at = now() WHERE id = $1 RETURNING *
"""
DISCARD = """
WITH ended AS (
    UPDATE orders SET status = 'cancelled', seq = seq + 1, ended_at = now() WHERE id = $1 RETURNING *
)
INSERT INTO order_events (order_id, seq, kind, status, actor_id)
SELECT id, seq, 'discarded', status, $2 FROM ended
"""
# ix_orders_drafts read backwards, and ix_orders_company for what colleagues have begun.
PAGE = """
SELECT o.* FROM (
    (SELECT id FROM orders WHERE shipper_id = $1 AND status = 'draft' AND id < $3 ORDER BY id DESC LIMIT $4)
    UNION
    (SELECT id FROM orders WHERE company_id = ANY($2::bigint[]) AND status = 'draft' AND id < $3
        ORDER BY id DESC LIMIT $4)
) AS mine JOIN orders o ON o.id = mine.id ORDER BY o.id DESC LIMIT $4
"""
# Primary key. As orders.PLACE, for a draft under its own number. $1 who publishes it, $2 seconds until it expires,
# $3 status, $4 company, $5 detail of the event, $6 the draft.
PUBLISH = f"""
WITH times AS (
    SELECT now() AS now, least(now() + make_interval(secs => $2), {place_of("pickup_to", 7)}) AS ends,
        now() + make_interval(secs => {place_of("confirm_s", 7)}::int) AS confirm
), placed AS (
    UPDATE orders o SET status = $3::text, seq = seq + 1, company_id = $4, version = 1, draft = NULL,
        saved_at = NULL, created_at = now, expires_at = ends, confirm_by = {CONFIRM_BY}, check_at = {CHECK_AT},
        seek_at = CASE WHEN $3::text = 'open' AND NOT {place_of("private", 7)} THEN now END,
        ({", ".join(CONTENT)}) = ROW({numbered(7)})
    FROM times WHERE o.id = $6 RETURNING o.*
), noted AS (
    INSERT INTO order_events (order_id, seq, kind, status, actor_id, detail)
    SELECT id, seq, 'placed', status, $1, $5 FROM placed
)
SELECT placed.*, NULL::bigint AS driver_id FROM placed
"""


class DraftStore:
    """Drafts are rows of `orders` without content: the number stays when they are published."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(
        self,
        shipper: int,
        company: int | None,
        content: Mapping[str, Any],
        origin: Mapping[str, int] | None = None,
    ) -> Draft:
        """A new draft; `origin` says what it was copied from. Refusal `limit_reached`."""
        row = await self._pool.fetchrow(ADD, shipper, company, dict(content), MOST, dict(origin or {}))
        if row is None:
            raise Refusal("limit_reached", "at most {n} draft", plural="at most {n} drafts", n=MOST)
        return _draft(row)

    async def draft(self, party: Party, order: int) -> Draft:
        """The party's draft; `not_found` otherwise."""
        return _draft(_owned(await self._pool.fetchrow(DRAFT, order), party))

    async def find(self, party: Party, order: int) -> Draft | None:
        """The party's draft, None when the number is that of something else."""
        row = await self._pool.fetchrow(DRAFT, order)
        return None if row is None else _draft(_owned(row, party))

    async def page(self, party: Party, before: int, limit: int) -> list[Draft]:
        """The party's drafts below id `before`, newest first."""
        rows = await self._pool.fetch(PAGE, party.user, list(party.companies), before, limit)
        return [_draft(row) for row in rows]

    async def save(self, party: Party, order: int, version: int, said: Mapping[str, Any]) -> Draft:
        """The draft with what is said now; `version_stale` when it is not of that version any more."""
        async with transaction(self._pool) as connection:
            draft = await _locked(connection, order, party, Status.DRAFT)
            if draft.version != version:
                raise Refusal("version_stale")
            return _draft(await connection.fetchrow(SAVE, order, merged(draft.content, said)))

    async def discard(self, party: Party, order: int) -> None:
        """It will not be posted. Staff may discard a draft too."""
        async with transaction(self._pool) as connection:
            await _locked(connection, order, party, Status.CANCELLED)
            await connection.execute(DISCARD, order, party.user)

    async def publish(self, draft: Draft, new: NewOrder, actor: int) -> Order:
        """The draft becomes `new`; `version_stale` when it is not the newest any more."""
        party = Party(draft.shipper, Actor.SHIPPER)
        async with transaction(self._pool) as connection:
            locked = await _locked(connection, draft.order, party, new.status)
            if locked.version != draft.version:
                raise Refusal("version_stale")
            values = (actor, *posted(new), draft.order, *content_values(new))
            order = order_of(await connection.fetchrow(PUBLISH, *values))
            if new.grounds:
                await open_case(connection, order.id, new)
        return order


def _draft(row: asyncpg.Record) -> Draft:
    return Draft(
        row["id"],
        row["shipper_id"],
        row["company_id"],
        row["version"],
        row["draft"],
        row["saved_at"].timestamp(),
    )


def _owned(row: asyncpg.Record | None, party: Party) -> asyncpg.Record:
    if row is None or not (
        party.actor is Actor.ADMIN
        or (party.actor is Actor.SHIPPER and row["shipper_id"] == party.user)
        or (party.actor is Actor.SHIPPER and row["company_id"] in party.companies)
    ):
        raise Refusal("not_found")
    return row


async def _locked(connection: Connection, order: int, party: Party, then: Status) -> Draft:
    """The draft, its row locked. `transition_forbidden` for an order that is none any more."""
    row = _owned(await connection.fetchrow(LOCK_DRAFT, order), party)
    status = Status(row["status"])
    if status is not Status.DRAFT or not (then is status or allowed(status, then, party.actor)):
        raise Refusal(
            "transition_forbidden",
            "{now:label.OrderStatus} → {then:label.OrderStatus}",
            now=status,
            then=then,
        )
    return _draft(row)
