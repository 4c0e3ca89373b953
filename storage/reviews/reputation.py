"""What a user's past hauls come to: stars with their count, and a record of reliability.

Records are counted when they are asked for, over the newest hauls of half a year: a few index ranges a profile.
"""

from dataclasses import dataclass

import asyncpg

from dispatch.errors import Refusal
from dispatch.model import Actor, Party
from dispatch.payment_terms import Discipline
from dispatch.reviews import OF_DRIVERS, OF_SHIPPERS, RECORD_S, Component, HaulSide, Rating, Tally, tallies

from ..postgres import Pool
from ..remittance.record import PaymentRecords
from ..visibility import unhidden
from .rows import STARS, rating_of

MOST = 1000  # hauls that are looked at: who has more of them in half a year is known well enough

# Primary key.
ONE = """
SELECT u.id, u.role, u.name, extract(epoch FROM u.created_at)::float8 AS since FROM users u
WHERE u.id = $1 AND u.role IN ('driver', 'shipper', 'logistician')
"""
# ix_assignments_driver_id_order_id, ix_offers_driver_live, and ix_orders_shipper_id_id for the newest loads: a
# shipper whom one of these drivers has hauled for, is asked by, or finds on the board. $1 shipper, $2 drivers.
MEETS_SHIPPER = f"""
SELECT EXISTS (SELECT FROM assignments a JOIN orders o ON o.id = a.order_id
        WHERE a.driver_id = ANY($2::bigint[]) AND o.shipper_id = $1)
    OR EXISTS (SELECT FROM offers f JOIN orders o ON o.id = f.order_id
        WHERE f.driver_id = ANY($2::bigint[]) AND f.status = 'live' AND o.shipper_id = $1)
    OR EXISTS (SELECT FROM (SELECT * FROM orders WHERE shipper_id = $1 ORDER BY id DESC LIMIT 200) AS o,
            unnest($2::bigint[]) AS d(id)
        WHERE o.status = 'open' AND o.board_at IS NOT NULL AND NOT o.private AND {unhidden("d.id")})
"""
# ix_assignments_driver_id_order_id, ix_bids_driver_id_id, ix_offers_driver_live: a driver who has hauled for this
# shipper or its company, bids on its loads, or is asked to carry one. $1 driver, $2 shipper, $3 companies.
MEETS_DRIVER = """
SELECT EXISTS (SELECT FROM assignments a JOIN orders o ON o.id = a.order_id
        WHERE a.driver_id = $1 AND (o.shipper_id = $2 OR o.company_id = ANY($3::bigint[])))
    OR EXISTS (SELECT FROM bids b JOIN orders o ON o.id = b.order_id
        WHERE b.driver_id = $1 AND (o.shipper_id = $2 OR o.company_id = ANY($3::bigint[])))
    OR EXISTS (SELECT FROM offers f JOIN orders o ON o.id = f.order_id
        WHERE f.driver_id = $1 AND f.status = 'live' AND (o.shipper_id = $2 OR o.company_id = ANY($3::bigint[])))
"""
# ix_fleet_drivers_company.
FLEET = "SELECT driver_id FROM fleet_drivers WHERE company_id = ANY($1::bigint[]) AND left_at IS NULL"
# company_members by its primary key: colleagues know each other.
COLLEAGUES = """
SELECT EXISTS (SELECT FROM company_members m WHERE m.user_id = $1 AND m.company_id = ANY($2::bigint[]))
"""

# Primary keys.
RATING = f"SELECT {', '.join(STARS)} FROM user_ratings WHERE user_id = $1 AND part = $2"
COMPANY_RATING = f"""
SELECT {", ".join(f"sum({name}) AS {name}" for name in STARS)} FROM company_ratings WHERE company_id = $1
"""

# ix_assignments_driver_id_order_id read backwards, then by the order's number order_events and
# ix_disputes_order_id_id. A haul under dispute counts when it is over. $1 driver, $2 seconds, $3 hauls.
DRIVER_RECORD = """
SELECT count(*) AS hauls,
    count(*) FILTER (WHERE h.status IN ('delivered', 'closed')) AS completed,
    count(*) FILTER (WHERE h.status = 'cancelled' AND EXISTS (SELECT FROM order_events e
        JOIN users u ON u.id = e.actor_id AND u.role IN ('driver', 'logistician')
        WHERE e.order_id = h.id AND e.kind = 'cancelled' AND coalesce(e.detail->>'fault', 'driver') = 'driver'))
        AS cancelled,
    count(*) FILTER (WHERE h.pickup_to IS NOT NULL AND p.at IS NOT NULL) AS timed,
    count(*) FILTER (WHERE p.at <= h.pickup_to) AS on_time,
    count(*) FILTER (WHERE EXISTS (SELECT FROM disputes d
        WHERE d.order_id = h.id AND d.outcome = 'for_shipper')) AS disputes_lost
FROM (
    SELECT o.id, o.status, o.pickup_to FROM (
        SELECT order_id, ended_at FROM assignments WHERE driver_id = $1 ORDER BY order_id DESC LIMIT $3
    ) AS a JOIN orders o ON o.id = a.order_id
    WHERE a.ended_at > now() - make_interval(secs => $2) AND o.status <> 'disputed'
) AS h
CROSS JOIN LATERAL (
    SELECT min(e.at) AS at FROM order_events e WHERE e.order_id = h.id AND e.kind = 'at_pickup'
) AS p
"""
# ix_orders_shipper_id_id read backwards, then as above. Only loads that a driver has had.
SHIPPER_RECORD = """
SELECT count(*) AS hauls,
    count(*) FILTER (WHERE h.status = 'cancelled' AND EXISTS (SELECT FROM order_events e
        JOIN users u ON u.id = e.actor_id AND u.role = 'shipper'
        WHERE e.order_id = h.id AND e.kind = 'cancelled' AND coalesce(e.detail->>'fault', 'shipper') = 'shipper'))
        AS cancelled,
    count(*) FILTER (WHERE h.status = 'closed') AS finished,
    count(*) FILTER (WHERE h.status = 'closed' AND NOT EXISTS (SELECT FROM disputes d
        WHERE d.order_id = h.id AND d.code IN ('payment', 'wait_unpaid')
            AND d.outcome IN ('for_driver', 'split'))) AS settled,
    count(*) FILTER (WHERE EXISTS (SELECT FROM disputes d
        WHERE d.order_id = h.id AND d.outcome = 'for_driver')) AS disputes_lost
FROM (
    SELECT o.id, o.status FROM (
        SELECT id, status, ended_at FROM orders WHERE shipper_id = $1 ORDER BY id DESC LIMIT $3
    ) AS o JOIN assignments a ON a.order_id = o.id
    WHERE o.ended_at > now() - make_interval(secs => $2) AND o.status <> 'disputed'
) AS h
"""


@dataclass(frozen=True, slots=True)
class Reputation:
    """A user as those may know him who have to do with him."""

    user: int
    part: HaulSide
    name: str
    since: float
    rating: Rating
    record: tuple[Tally, ...]
    payments: Discipline | None = None  # of a shipper


class ReputationStore:
    """Reads only."""

    def __init__(self, pool: Pool, payments: PaymentRecords) -> None:
        self._pool = pool
        self._payments = payments

    async def of(self, party: Party, user: int) -> Reputation:
        """What this party may know of the user. `not_found` for who has nothing to do with him."""
        row = await self.met(party, user)
        part = HaulSide.SHIPPER if row["role"] == "shipper" else HaulSide.DRIVER
        rating = rating_of(await self._pool.fetchrow(RATING, user, part))
        record = await self._record(user, part)
        payments = await self._payments.of_shipper(user) if part is HaulSide.SHIPPER else None
        return Reputation(user, part, row["name"], row["since"], rating, record, payments)

    async def met(self, party: Party, user: int) -> asyncpg.Record:
        """The user's row, when the party has to do with him: as a side of a haul, as a bidder, on the board."""
        row = await self._pool.fetchrow(ONE, user)
        if row is None or not await self._meets(party, user, row["role"]):
            raise Refusal("not_found")
        return row

    async def of_company(self, company: int) -> Rating:
        """What is said of a company's people and drivers together."""
        return rating_of(await self._pool.fetchrow(COMPANY_RATING, company))

    async def _record(self, user: int, part: HaulSide) -> tuple[Tally, ...]:
        driver = part is HaulSide.DRIVER
        row = await self._pool.fetchrow(DRIVER_RECORD if driver else SHIPPER_RECORD, user, RECORD_S, MOST)
        of = {Component.ON_TIME: "timed", Component.SETTLED: "finished"}
        return tuple(tallies(OF_DRIVERS if driver else OF_SHIPPERS, dict(row), of))

    async def _meets(self, party: Party, user: int, role: str) -> bool:
        if party.actor is Actor.ADMIN or user in (party.user, party.by):
            return True
        companies = list(party.companies)
        if party.actor is Actor.SHIPPER and role == "driver":
            return bool(await self._pool.fetchval(MEETS_DRIVER, user, party.user, companies))
        if party.actor is Actor.SHIPPER:
            return bool(await self._pool.fetchval(COLLEAGUES, user, companies))
        drivers = [party.user]
        if party.actor is Actor.LOGISTICIAN:
            drivers = [row["driver_id"] for row in await self._pool.fetch(FLEET, companies)]
        if role == "shipper":
            return bool(await self._pool.fetchval(MEETS_SHIPPER, user, drivers))
        return user in drivers
