"""What the search looks at, driver by driver, and what it has offered: for those who ask why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dispatch.explaining import Facts
from dispatch.model import Offer

from .billing.access import entitled
from .order_rows import offer_of, seconds
from .postgres import Pool
from .vehicle_rows import CARRIER, carrier
from .visibility import sees

# As candidates.ELIGIBLE, each condition a column instead: primary or unique keys by driver in every table.
FACTS = f"""
SELECT u.id AS driver_id, u.name, u.blocked, {CARRIER}, coalesce(s.rating, 5) AS rating,
    extract(epoch FROM s.last_offer_at)::float8 AS last_offer_at,
    {entitled("u.id")} AS subscribed, coalesce(s.on_duty, true) AS on_duty,
    EXISTS (SELECT FROM assignments a WHERE a.driver_id = u.id AND a.ended_at IS NULL) AS busy,
    EXISTS (SELECT FROM offers f WHERE f.order_id = o.id AND f.driver_id = u.id AND f.version = o.version)
        AS offered,
    EXISTS (SELECT FROM offers f WHERE f.order_id = o.id AND f.driver_id = u.id AND f.status = 'declined'
        AND f.version >= o.fresh_version) AS declined,
    (SELECT count(*) FROM offers f WHERE f.driver_id = u.id AND f.status = 'live' AND f.wave > 0) AS live_offers,
    {sees()} AS visible
FROM users u
JOIN orders o ON o.id = $2
LEFT JOIN vehicles v ON v.driver_id = u.id
LEFT JOIN driver_states s ON s.driver_id = u.id
WHERE u.id = ANY($1::bigint[]) AND u.role = 'driver'
"""
# Primary key.
SEARCH = """
SELECT wave, extract(epoch FROM seek_at)::float8 AS seek_at, extract(epoch FROM board_at)::float8 AS board_at,
    extract(epoch FROM clock_timestamp())::float8 AS now FROM orders WHERE id = $1
"""
# ix_offers_order_id, then primary keys.
OFFERS = """
SELECT f.*, u.name FROM offers f JOIN users u ON u.id = f.driver_id WHERE f.order_id = $1
ORDER BY f.wave, f.score DESC, f.id LIMIT $2
"""


@dataclass(frozen=True, slots=True)
class Offered:
    """An offer as it went, and to whom; times in epoch seconds."""

    offer: Offer
    name: str
    seen_at: float | None
    ended_at: float | None
    decline_reason: str | None


@dataclass(frozen=True, slots=True)
class Course:
    """How far the search for a driver has come; times in epoch seconds, `now` the database's clock."""

    wave: int
    seek_at: float | None
    board_at: float | None
    now: float


class ExplainingStore:
    """Reads only."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def course(self, order: int) -> Course:
        """Of an order that is there."""
        return Course(*await self._pool.fetchrow(SEARCH, order))

    async def offers(self, order: int, limit: int) -> list[Offered]:
        """Wave by wave, the best first."""
        rows = await self._pool.fetch(OFFERS, order, limit)
        return [
            Offered(
                offer_of(row),
                row["name"],
                seconds(row["seen_at"]),
                seconds(row["ended_at"]),
                row["decline_reason"],
            )
            for row in rows
        ]

    async def facts(self, order: int, seen: Mapping[int, tuple[float, float] | None]) -> list[Facts]:
        """Of these drivers, with metres to the pickup and seconds since the last position, where those are known;
        who is no driver is left out."""
        drivers: Sequence[int] = list(seen)
        found = []
        for row in await self._pool.fetch(FACTS, drivers, order):
            metres, age_s = seen[row["driver_id"]] or (None, None)
            found.append(
                Facts(
                    driver=row["driver_id"],
                    name=row["name"],
                    blocked=row["blocked"],
                    subscribed=row["subscribed"],
                    on_duty=row["on_duty"],
                    busy=row["busy"],
                    offered=row["offered"],
                    declined=row["declined"],
                    live_offers=row["live_offers"],
                    visible=row["visible"],
                    vehicle=None if row["vehicle_id"] is None else carrier(row),
                    rating=row["rating"],
                    last_offer_at=row["last_offer_at"],
                    deadhead_m=metres,
                    fix_age_s=age_s,
                )
            )
        return found
