"""Lists of the past and sums over it, of one user, of a company's loads, or of a fleet.

Three sides look back: drivers on what they carried, shippers (with their companies) on what they had carried,
logisticians on what their fleets carried.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

import asyncpg

from dispatch.model import Actor, Party

from ..order_rows import moment
from ..postgres import Pool

NO_LIMIT = 2**63 - 1
Period = Literal["day", "week", "month"]

_TRIP = """
SELECT o.id, o.status, o.pickup_name, o.drop_name, o.cargo, o.distance_m, o.price_amount, o.price_currency,
    a.driver_id, u.name AS driver_name, t.started_at, a.ended_at, t.metres, t.empty_metres,
    CASE WHEN r.due_at < now() AND r.paid_at IS NULL AND r.state <> 'void' THEN 'overdue' ELSE r.state END
        AS payment, r.due_at
FROM trips t JOIN orders o ON o.id = t.order_id JOIN assignments a ON a.order_id = t.order_id
JOIN users u ON u.id = a.driver_id JOIN remittances r ON r.order_id = t.order_id
"""
# $1 below this order, $2 so many, $3 states, $4 since and $5 until by when the load was taken.
_NARROWED = """($3::text[] IS NULL OR o.status = ANY($3)) AND ($4::timestamptz IS NULL OR t.started_at >= $4)
    AND ($5::timestamptz IS NULL OR t.started_at < $5)"""
# ix_trips_driver_id_order_id, read backwards.
TRIPS_OF_DRIVER = f"""
{_TRIP} WHERE t.driver_id = $6 AND t.order_id < $1 AND {_NARROWED} ORDER BY t.order_id DESC LIMIT $2
"""
# The fleet's people, small, then the same for each driver, as long as he was in it.
TRIPS_OF_FLEET = f"""
SELECT mine.* FROM fleet_drivers f CROSS JOIN LATERAL (
    {_TRIP} WHERE t.driver_id = f.driver_id AND t.order_id < $1 AND t.started_at >= f.joined_at
        AND t.started_at < coalesce(f.left_at, 'infinity') AND {_NARROWED} ORDER BY t.order_id DESC LIMIT $2
) AS mine WHERE f.company_id = ANY($6::bigint[]) ORDER BY mine.id DESC LIMIT $2
"""
# ix_orders_shipper_id_id and ix_orders_company, read backwards; trips by their primary key.
TRIPS_OF_SHIPPER = f"""
{_TRIP} WHERE t.order_id IN (
    (SELECT o.id FROM orders o JOIN trips t ON t.order_id = o.id
        WHERE o.shipper_id = $6 AND o.id < $1 AND {_NARROWED} ORDER BY o.id DESC LIMIT $2)
    UNION
    (SELECT o.id FROM orders o JOIN trips t ON t.order_id = o.id
        WHERE o.company_id = ANY($7::bigint[]) AND o.id < $1 AND {_NARROWED} ORDER BY o.id DESC LIMIT $2))
ORDER BY t.order_id DESC LIMIT $2
"""

# ix_offers_driver_id_id, read backwards.
OFFERS = """
SELECT f.id, f.order_id, f.status, f.kind, f.wave, f.deadhead_m, f.made_at, f.seen_at, f.ended_at,
    f.decline_reason, o.pickup_name, o.drop_name, o.cargo, o.distance_m, o.price_amount, o.price_currency
FROM offers f JOIN orders o ON o.id = f.order_id
WHERE f.driver_id = $6 AND f.id < $1 AND ($3::text[] IS NULL OR f.status = ANY($3))
    AND ($4::timestamptz IS NULL OR f.made_at >= $4) AND ($5::timestamptz IS NULL OR f.made_at < $5)
ORDER BY f.id DESC LIMIT $2
"""

# ix_orders_shipper_id_id and ix_orders_company; assignments by their primary key. $1 since, $2 until, $3 so many.
ORDERS = """
SELECT o.id, o.status, o.pickup_name, o.drop_name, o.cargo, o.weight_kg, o.body, o.distance_m, o.price_amount,
    o.price_currency, o.created_at, a.assigned_at, o.ended_at
FROM orders o LEFT JOIN assignments a ON a.order_id = o.id
WHERE (o.shipper_id = $4 OR o.company_id = ANY($5::bigint[])) AND o.created_at >= $1 AND o.created_at < $2
    AND o.expires_at IS NOT NULL ORDER BY o.id DESC LIMIT $3
"""
# ix_reviews_about_id_id and ix_reviews_author_id_id: what is shown about the user, and what he wrote.
REVIEWS = """
SELECT r.order_id, r.about_id = $4 AS about_me, r.stars, array_to_string(r.tags, ', '), r.text, r.reply,
    coalesce(r.published_at, r.created_at)
FROM reviews r
WHERE (r.about_id = $4 AND r.published_at IS NOT NULL AND r.standing = 'clear' OR r.author_id = $4)
    AND r.created_at >= $1 AND r.created_at < $2 ORDER BY r.id DESC LIMIT $3
"""

# What was delivered, by when the haul ended. $1 since, $2 until, $3 day | week | month, $4 the zone they begin in.
_SUMS = """
(date_trunc($3, a.ended_at AT TIME ZONE $4))::date::text AS begins, o.price_currency,
    count(*)::bigint AS hauls, sum(o.price_amount)::bigint AS amount, sum(o.distance_m)::float8 AS loaded_m,
    sum(t.metres)::float8 AS driven_m, sum(t.empty_metres)::float8 AS empty_m,
    sum(extract(epoch FROM a.ended_at - a.assigned_at))::float8 AS seconds
FROM assignments a JOIN orders o ON o.id = a.order_id LEFT JOIN trips t ON t.order_id = a.order_id
WHERE a.ended_at >= $1 AND a.ended_at < $2 AND o.status IN ('delivered', 'closed')
"""
_GROUPED = " GROUP BY 1, 2 ORDER BY 1, 2"
# ix_assignments_driver_id_order_id.
EARNED_BY_DRIVER = f"SELECT {_SUMS} AND a.driver_id = $5 {_GROUPED}"
# ix_assignments_ended_at, then the fleet's people, small.
EARNED_BY_FLEET = f"""
SELECT {_SUMS} AND EXISTS (SELECT FROM fleet_drivers f WHERE f.company_id = ANY($5::bigint[])
    AND f.driver_id = a.driver_id AND a.assigned_at >= f.joined_at
    AND a.assigned_at < coalesce(f.left_at, 'infinity')) {_GROUPED}
"""
# ix_assignments_ended_at, orders by their primary key.
SPENT_BY_SHIPPER = f"SELECT {_SUMS} AND (o.shipper_id = $5 OR o.company_id = ANY($6::bigint[])) {_GROUPED}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list is narrowed to: below this id, so many, these states, between these moments."""

    before: int | None
    limit: int
    statuses: tuple[str, ...] = ()
    since: float | None = None
    until: float | None = None

    @property
    def arguments(self) -> tuple[object, ...]:
        """As the statements take them."""
        below = NO_LIMIT if self.before is None else self.before
        return below, self.limit, list(self.statuses) or None, moment(self.since), moment(self.until)


class TripLine(NamedTuple):
    """A haul that was taken, and what came of it. Metres, epoch seconds, minor units."""

    order: int
    status: str
    pickup: str
    drop: str
    cargo: str
    distance_m: float
    amount: int
    currency: str
    driver: int
    driver_name: str
    started_at: float
    ended_at: float | None
    driven_m: float
    empty_m: float | None
    payment: str  # dispatch.remittance.RemittanceState, or overdue
    due_at: float | None


class OfferLine(NamedTuple):
    """An offer and how it ended."""

    offer: int
    order: int
    status: str
    kind: str
    wave: int
    deadhead_m: float
    made_at: float
    seen_at: float | None
    ended_at: float | None
    decline_reason: str | None
    pickup: str
    drop: str
    cargo: str
    distance_m: float
    amount: int
    currency: str


class OrderLine(NamedTuple):
    """A load that was posted. Kilograms, metres, minor units, epoch seconds."""

    order: int
    status: str
    pickup: str
    drop: str
    cargo: str
    weight_kg: float
    body: str
    distance_m: float
    amount: int
    currency: str
    posted_at: float
    taken_at: float | None
    ended_at: float | None


class ReviewLine(NamedTuple):
    """A word on a haul: about the user, or the user's own."""

    order: int
    about_me: bool
    stars: int
    tags: str
    text: str
    reply: str
    at: float


class Sum(NamedTuple):
    """What a period brought, or cost: begins on this day of the reader's; metres, seconds, minor units."""

    begins: str
    currency: str
    hauls: int
    amount: int
    loaded_m: float
    driven_m: float | None
    empty_m: float | None
    seconds: float


class CabinetStore:
    """Reads of one statement each."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def trips(self, party: Party, asked: Asked) -> list[TripLine]:
        """The party's hauls, the latest order first."""
        if party.actor is Actor.DRIVER:
            rows = await self._pool.fetch(TRIPS_OF_DRIVER, *asked.arguments, party.user)
        elif party.actor is Actor.LOGISTICIAN:
            rows = await self._pool.fetch(TRIPS_OF_FLEET, *asked.arguments, list(party.companies))
        else:
            rows = await self._pool.fetch(
                TRIPS_OF_SHIPPER, *asked.arguments, party.user, list(party.companies)
            )
        return [TripLine(*plain(row)) for row in rows]

    async def offers(self, driver: int, asked: Asked) -> list[OfferLine]:
        """The driver's offers, the latest first."""
        return [OfferLine(*plain(row)) for row in await self._pool.fetch(OFFERS, *asked.arguments, driver)]

    async def orders(self, party: Party, since: float, until: float, most: int) -> list[OrderLine]:
        """What the party (a shipper, a company) has posted, the latest first."""
        span = moment(since), moment(until), most
        rows = await self._pool.fetch(ORDERS, *span, party.user, list(party.companies))
        return [OrderLine(*plain(row)) for row in rows]

    async def reviews(self, user: int, since: float, until: float, most: int) -> list[ReviewLine]:
        """Reviews by the user and about him, as far as they are shown, the latest first."""
        rows = await self._pool.fetch(REVIEWS, moment(since), moment(until), most, user)
        return [ReviewLine(*plain(row)) for row in rows]

    async def sums(self, party: Party, since: float, until: float, by: Period, zone: str) -> list[Sum]:
        """What the party earned (drivers, fleets) or paid (shippers), the earliest period first."""
        span = moment(since), moment(until), by, zone
        if party.actor is Actor.DRIVER:
            rows = await self._pool.fetch(EARNED_BY_DRIVER, *span, party.user)
        elif party.actor is Actor.LOGISTICIAN:
            rows = await self._pool.fetch(EARNED_BY_FLEET, *span, list(party.companies))
        else:
            rows = await self._pool.fetch(SPENT_BY_SHIPPER, *span, party.user, list(party.companies))
        return [Sum(*row) for row in rows]


def plain(row: asyncpg.Record) -> list[Any]:
    """The row's values in their order, moments as epoch seconds."""
    return [value.timestamp() if isinstance(value, datetime) else value for value in row]
