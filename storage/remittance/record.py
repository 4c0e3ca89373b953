"""How shippers pay: by the due date or later, of the hauls of a year that somebody has spoken of.

Profiles are counted when they are asked for. The board shows a card for each load, so it reads what was counted
last: with each word on a payment that is due, and each day.
"""

import asyncpg

from dispatch.payment_terms import RECORD_S, Discipline

from ..postgres import Connection, Pool

MOST = 1000  # hauls that are looked at, the newest

# A haul under dispute counts when it is over; what was decided for the shipper is owed to nobody. $2 seconds.
_COUNTED = """
count(*)::int AS cases, (count(*) FILTER (WHERE h.paid_at <= h.due_at))::int AS on_time,
    (percentile_cont(0.5) WITHIN GROUP (
        ORDER BY extract(epoch FROM coalesce(h.paid_at, now()) - h.due_at) / 86400.0)
        FILTER (WHERE coalesce(h.paid_at, now()) > h.due_at))::float8 AS late_days
"""
_CASES = """
JOIN remittances r ON r.order_id = o.id
WHERE r.spoken_of AND r.state <> 'void' AND r.due_at > now() - make_interval(secs => $2)
    AND (r.paid_at IS NOT NULL OR r.due_at < now()) AND o.status <> 'disputed'
    AND (r.paid_at IS NOT NULL
        OR NOT EXISTS (SELECT FROM disputes d WHERE d.order_id = o.id AND d.outcome = 'for_shipper'))
"""
# ix_orders_shipper_id_id read backwards, then primary keys and ix_disputes_order_id_id. $3 hauls.
OF_SHIPPER = f"""
SELECT {_COUNTED} FROM (SELECT r.due_at, r.paid_at FROM (
    SELECT id, status FROM orders WHERE shipper_id = $1 ORDER BY id DESC LIMIT $3) AS o {_CASES}) AS h
"""
# ix_orders_company read backwards, then as above.
OF_COMPANY = f"""
SELECT {_COUNTED} FROM (SELECT r.due_at, r.paid_at FROM (
    SELECT id, status FROM orders WHERE company_id = $1 ORDER BY id DESC LIMIT $3) AS o {_CASES}) AS h
"""
# Primary key.
TO_BOARD = f"""
INSERT INTO shipper_stats (shipper_id, paid_cases, paid_on_time, paid_late_days, paid_counted_at)
SELECT $1, counted.cases, counted.on_time, counted.late_days, clock_timestamp() FROM ({OF_SHIPPER}) AS counted
ON CONFLICT (shipper_id) DO UPDATE SET paid_cases = excluded.paid_cases, paid_on_time = excluded.paid_on_time,
    paid_late_days = excluded.paid_late_days, paid_counted_at = excluded.paid_counted_at
"""
# ix_shipper_stats_counted. Days pass: hauls fall due, or out of the year.
STALE = """
SELECT shipper_id FROM shipper_stats WHERE paid_counted_at < clock_timestamp() - interval '1 day'
ORDER BY paid_counted_at LIMIT $1
"""


async def count(connection: Connection | Pool, shipper: int) -> None:
    """Counts a shipper's record anew for the board; the last lock that a transaction takes."""
    await connection.execute(TO_BOARD, shipper, RECORD_S, MOST)


class PaymentRecords:
    """Records of payments, and keeping those of the board up to date."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of_shipper(self, shipper: int) -> Discipline:
        """How this shipper has paid."""
        return discipline_of(await self._pool.fetchrow(OF_SHIPPER, shipper, RECORD_S, MOST))

    async def of_company(self, company: int) -> Discipline:
        """How a company's people have paid."""
        return discipline_of(await self._pool.fetchrow(OF_COMPANY, company, RECORD_S, MOST))

    async def refresh(self, limit: int) -> int:
        """Counts records of yesterday anew, at most so many; how many. Harmless on several workers."""
        stale = await self._pool.fetch(STALE, limit)
        for row in stale:
            await count(self._pool, row["shipper_id"])
        return len(stale)


def discipline_of(row: asyncpg.Record) -> Discipline:
    """A record from its counts."""
    return Discipline(row["cases"], row["on_time"], row["late_days"])
