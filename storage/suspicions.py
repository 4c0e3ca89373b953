"""What the desk must know of a load and its shipper before it asks anybody to look: reads of one statement."""

from dispatch.model import NewOrder
from dispatch.moderation import Facts, Moderation, Record

from .order_rows import moment
from .postgres import Pool

# ix_orders_alike, twice, then ix_moderation_cases_rejected. Two loads are the same when their towns, body and
# nearly their weight are, and when one truck could be meant by both windows; somebody else's also by the name of
# the cargo. $1 shipper, $2 company, $3 pickup, $4 drop, $5 body, $6 and $7 kg, $8 and $9 window, $10 kind,
# $11 cargo, $12 own number, $13 seconds back, $14 seconds a rejection is remembered, $15 how many count.
FACTS = """
SELECT (
    SELECT o.id FROM orders o
    WHERE (o.status = 'open' OR o.status = 'moderation') AND o.pickup_city = $3 AND o.drop_city = $4
        AND o.body = $5 AND o.weight_kg BETWEEN $6 AND $7 AND o.id <> $12
        AND (o.shipper_id = $1 OR o.company_id = $2) AND o.kind = $10
        AND o.created_at > now() - make_interval(secs => $13) AND o.expires_at > now()
        AND (o.pickup_from IS NULL OR $9::timestamptz IS NULL OR o.pickup_from <= $9)
        AND (o.pickup_to IS NULL OR $8::timestamptz IS NULL OR o.pickup_to >= $8)
    LIMIT 1
) AS own, (
    SELECT o.id FROM orders o
    WHERE (o.status = 'open' OR o.status = 'moderation') AND o.pickup_city = $3 AND o.drop_city = $4
        AND o.body = $5 AND o.weight_kg BETWEEN $6 AND $7 AND o.id <> $12
        AND o.shipper_id <> $1 AND ($2::bigint IS NULL OR o.company_id IS DISTINCT FROM $2)
        AND lower(o.cargo) = lower($11)
        AND o.created_at > now() - make_interval(secs => $13) AND o.expires_at > now()
        AND (o.pickup_from IS NULL OR $9::timestamptz IS NULL OR o.pickup_from <= $9)
        AND (o.pickup_to IS NULL OR $8::timestamptz IS NULL OR o.pickup_to >= $8)
    LIMIT 1
) AS other, (
    SELECT count(*) FROM (
        SELECT FROM moderation_cases WHERE shipper_id = $1 AND state = 'rejected'
            AND decided_at > now() - make_interval(secs => $14) LIMIT $15) AS lately
) >= $15 AS rejected
"""
# ix_orders_shipper_id_id, read no further than the policy asks; ix_moderation_cases_rejected.
RECORD = """
SELECT
    (SELECT count(*) FROM (SELECT FROM orders WHERE shipper_id = $1 AND expires_at IS NOT NULL LIMIT $2) AS p)
        AS posted,
    (SELECT count(*) FROM (
        SELECT FROM orders WHERE shipper_id = $1 AND status IN ('delivered', 'closed') LIMIT $3) AS d)
        AS delivered,
    EXISTS (SELECT FROM moderation_cases WHERE shipper_id = $1 AND state = 'rejected'
        AND decided_at > now() - make_interval(secs => $4)) AS rejected
"""
# ix_moderation_cases_order_id_id.
CLEARED = "SELECT grounds FROM moderation_cases WHERE order_id = $1 AND state = 'approved'"


class Suspicions:
    """Facts for the rules of dispatch.moderation."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def facts(self, order: NewOrder, number: int | None, policy: Moderation) -> Facts:
        """Open loads that look the same, and whether this shipper's loads are looked at anyway."""
        load, haul = order.load, order.haul
        opens, closes = haul.stops[0].window if haul.stops else (None, None)
        row = await self._pool.fetchrow(
            FACTS,
            order.shipper,
            order.company,
            haul.pickup.city,
            haul.drop.city,
            load.body,
            load.weight_kg * (1 - policy.alike_share),
            load.weight_kg * (1 + policy.alike_share),
            moment(opens),
            moment(closes),
            load.kind,
            load.cargo,
            number or 0,
            policy.alike_s,
            policy.remember_s,
            policy.rejections,
        )
        return Facts(row["own"], row["other"], row["rejected"])

    async def record(self, shipper: int, policy: Moderation) -> Record:
        """The shipper's past, counted no further than the policy asks."""
        row = await self._pool.fetchrow(
            RECORD, shipper, policy.first_loads, policy.trusted_after, policy.remember_s
        )
        return Record(row["posted"], row["delivered"], row["rejected"])

    async def cleared(self, order: int) -> frozenset[str]:
        """The suspicions about this order that staff have seen and let pass."""
        rows = await self._pool.fetch(CLEARED, order)
        return frozenset(ground for row in rows for ground in row["grounds"])
