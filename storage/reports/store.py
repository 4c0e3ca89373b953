"""What staff ask of a span of time. Every statement reads by BRIN or by time, and is cut off after ten seconds.

Amounts are minor units of KZT: orders in other currencies count as orders and not as money.
"""

from collections.abc import Sequence
from typing import Literal

from ..order_rows import moment
from ..postgres import Pool

Value = str | int | float | None
Report = Literal[
    "orders_by_status", "corridors", "time_to_accept", "offer_funnel", "empty_runs", "drivers_online", "retention"
]  # fmt: skip
CORRIDORS = 200
KEPT_DAYS = 400

# $1 since, $2 until, $3 the zone that days begin in, which all are given whether they need it or not.
# ix_orders_created_at.
ORDERS_BY_STATUS = """
SELECT status, count(*)::bigint, coalesce(sum(price_amount) FILTER (WHERE price_currency = 'KZT'), 0)::bigint,
    coalesce(sum(distance_m), 0)::float8
FROM orders WHERE created_at >= $1 AND created_at < $2 AND expires_at IS NOT NULL
    AND $3::text IS NOT NULL GROUP BY status ORDER BY 2 DESC
"""
# The same, assignments by their primary key.
CORRIDORS_OF = f"""
SELECT min(o.pickup_name), min(o.drop_name), count(*)::bigint,
    count(*) FILTER (WHERE o.status IN ('delivered', 'closed'))::bigint,
    avg(o.distance_m)::float8,
    round(sum(o.price_amount) FILTER (WHERE o.price_currency = 'KZT')
        / nullif(sum(o.distance_m) FILTER (WHERE o.price_currency = 'KZT'), 0) * 1000)::bigint,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM a.assigned_at - o.created_at)::float8)
FROM orders o LEFT JOIN assignments a ON a.order_id = o.id
WHERE o.created_at >= $1 AND o.created_at < $2 AND o.pickup_city IS NOT NULL AND o.drop_city IS NOT NULL
    AND o.expires_at IS NOT NULL AND $3::text IS NOT NULL
GROUP BY o.pickup_city, o.drop_city ORDER BY 3 DESC LIMIT {CORRIDORS}
"""
TIME_TO_ACCEPT = """
SELECT (o.created_at AT TIME ZONE $3)::date::text, count(*)::bigint, count(a.order_id)::bigint,
    count(a.order_id)::float8 / count(*),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM a.assigned_at - o.created_at)::float8),
    percentile_cont(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM a.assigned_at - o.created_at)::float8)
FROM orders o LEFT JOIN assignments a ON a.order_id = o.id
WHERE o.created_at >= $1 AND o.created_at < $2 AND o.expires_at IS NOT NULL GROUP BY 1 ORDER BY 1
"""
# ix_offers_made_at.
OFFER_FUNNEL = """
SELECT kind, count(*)::bigint, count(seen_at)::bigint, count(*) FILTER (WHERE status = 'accepted')::bigint,
    count(*) FILTER (WHERE status = 'declined')::bigint, count(*) FILTER (WHERE status = 'expired')::bigint,
    count(*) FILTER (WHERE status = 'lost')::bigint, count(*) FILTER (WHERE status = 'withdrawn')::bigint,
    count(*) FILTER (WHERE status = 'accepted')::float8 / count(*)
FROM offers WHERE made_at >= $1 AND made_at < $2 AND $3::text IS NOT NULL GROUP BY kind ORDER BY 2 DESC
"""
# ix_assignments_ended_at: trips by their primary key.
EMPTY_RUNS = """
SELECT (a.ended_at AT TIME ZONE $3)::date::text, count(*)::bigint, sum(t.metres)::float8,
    sum(t.empty_metres)::float8, sum(t.empty_metres) / nullif(sum(t.metres), 0)
FROM assignments a JOIN trips t ON t.order_id = a.order_id
WHERE a.ended_at >= $1 AND a.ended_at < $2 AND t.empty_metres IS NOT NULL GROUP BY 1 ORDER BY 1
"""
# The primary key: what all workers had in a minute, then the mean and the most of an hour.
DRIVERS_ONLINE = """
SELECT to_char(date_trunc('hour', m.at AT TIME ZONE $3), 'YYYY-MM-DD HH24:00'), round(avg(m.drivers), 1)::float8,
    max(m.drivers)::bigint, round(avg(m.busy), 1)::float8, round(avg(m.shippers), 1)::float8
FROM (SELECT at, sum(drivers) AS drivers, sum(busy) AS busy, sum(shippers) AS shippers FROM presence
    WHERE at >= $1 AND at < $2 GROUP BY at) AS m GROUP BY 1 ORDER BY 1
"""
# Whole tables of people, then their hauls by ix_assignments_driver_id_order_id and ix_orders_shipper_id_id. Who
# signed up in a month, and how many of them carried or posted something so many months later.
RETENTION = """
WITH people AS (
    SELECT id, role, date_trunc('month', created_at AT TIME ZONE $3) AS month FROM users
    WHERE created_at >= $1 AND created_at < $2 AND role IN ('driver', 'shipper')
), active AS (
    SELECT DISTINCT p.id, p.role, p.month,
        (extract(year FROM age(d.at, p.month)) * 12 + extract(month FROM age(d.at, p.month)))::int AS later
    FROM people p CROSS JOIN LATERAL (
        SELECT date_trunc('month', a.assigned_at AT TIME ZONE $3) AS at FROM assignments a
        WHERE p.role = 'driver' AND a.driver_id = p.id
        UNION SELECT date_trunc('month', o.created_at AT TIME ZONE $3) FROM orders o
        WHERE p.role = 'shipper' AND o.shipper_id = p.id AND o.expires_at IS NOT NULL) AS d
)
SELECT to_char(c.month, 'YYYY-MM'), c.role, c.people,
    (SELECT count(*) FROM active x WHERE (x.month, x.role, x.later) = (c.month, c.role, 0))::float8 / c.people,
    (SELECT count(*) FROM active x WHERE (x.month, x.role, x.later) = (c.month, c.role, 1))::float8 / c.people,
    (SELECT count(*) FROM active x WHERE (x.month, x.role, x.later) = (c.month, c.role, 2))::float8 / c.people,
    (SELECT count(*) FROM active x WHERE (x.month, x.role, x.later) = (c.month, c.role, 3))::float8 / c.people,
    (SELECT count(*) FROM active x WHERE (x.month, x.role, x.later) = (c.month, c.role, 6))::float8 / c.people
FROM (SELECT month, role, count(*)::bigint AS people FROM people GROUP BY 1, 2) AS c ORDER BY 1, 2
"""
STATEMENTS: dict[Report, str] = {
    "orders_by_status": ORDERS_BY_STATUS,
    "corridors": CORRIDORS_OF,
    "time_to_accept": TIME_TO_ACCEPT,
    "offer_funnel": OFFER_FUNNEL,
    "empty_runs": EMPTY_RUNS,
    "drivers_online": DRIVERS_ONLINE,
    "retention": RETENTION,
}
# The primary key: a worker that restarts within the minute tells it again.
SAMPLE = """
INSERT INTO presence (at, worker, drivers, busy, shippers)
VALUES (date_trunc('minute', clock_timestamp()), $1, $2, $3, $4)
ON CONFLICT (at, worker) DO UPDATE SET drivers = excluded.drivers, busy = excluded.busy,
    shippers = excluded.shippers
"""
FORGET = "DELETE FROM presence WHERE at < now() - make_interval(days => $1)"


class ReportStore:
    """Reads of one statement each, and the samples that one of them needs."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def rows(self, report: Report, since: float, until: float, zone: str) -> list[Sequence[Value]]:
        """The report's lines, columns as `server.reports` names them."""
        found = await self._pool.fetch(STATEMENTS[report], moment(since), moment(until), zone)
        return [tuple(row) for row in found]

    async def sample(self, worker: int, drivers: int, busy: int, shippers: int) -> None:
        """How many people this worker has on its sockets now."""
        await self._pool.execute(SAMPLE, worker, drivers, busy, shippers)

    async def forget_old(self) -> None:
        """Samples that no report asks for any more."""
        await self._pool.execute(FORGET, KEPT_DAYS)
