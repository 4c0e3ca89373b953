"""One claimed order in its open transaction: who may be offered it, and the wave that is written for them."""

from collections.abc import Collection, Sequence

from dispatch.events import Event, OfferMade
from dispatch.matching import Ranked, carriers_of
from dispatch.model import Candidate, Order, Policy
from dispatch.ports import Match, Seen
from dispatch.rounds import Search, Wave, after_wave
from geo.cells import BOARD_RES, cell_of

from . import searches
from .billing.access import entitled
from .order_rows import STANDS, changed, offer_of
from .postgres import Connection
from .vehicle_rows import CARRIER, carrier
from .visibility import sees, unhidden

# ix_orders_seek: the subselect makes the clock one value, which an index condition needs (clock_timestamp()
# itself is volatile and would be a filter over the whole index).
CLAIM_DUE = f"""
SELECT o.*, NULL::bigint AS driver_id, extract(epoch FROM clock_timestamp())::float8 AS now FROM orders o
WHERE o.seek_at <= (SELECT clock_timestamp()) AND {STANDS}
ORDER BY o.seek_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
"""


# Primary or unique keys by driver in every table; uq_assignments_driver, ix_offers_order_id and
# ix_offers_driver_live for the three exclusions. $1 drivers, $2 order, $3 bodies, $4 kg, $5 m3, $6 offers.
def _eligible(visible: str) -> str:
    return f"""
SELECT u.id AS driver_id, {CARRIER},
    coalesce(s.rating, 5) AS rating, extract(epoch FROM s.last_offer_at)::float8 AS last_offer_at
FROM users u
JOIN orders o ON o.id = $2
JOIN vehicles v ON v.driver_id = u.id
LEFT JOIN driver_states s ON s.driver_id = u.id
WHERE u.id = ANY($1::bigint[]) AND u.role = 'driver' AND NOT u.blocked
    AND v.body = ANY($3::text[]) AND v.capacity_kg >= $4 AND v.volume_m3 >= $5
    AND {entitled("u.id")} AND coalesce(s.on_duty, true)
    AND NOT EXISTS (SELECT FROM assignments a WHERE a.driver_id = u.id AND a.ended_at IS NULL)
    AND NOT EXISTS (SELECT FROM offers f WHERE f.order_id = o.id AND f.driver_id = u.id
        AND (f.version = o.version OR f.status = 'declined' AND f.version >= o.fresh_version))
    AND (SELECT count(*) FROM offers f WHERE f.driver_id = u.id AND f.status = 'live' AND f.wave > 0) < $6
    AND {visible}
"""


ELIGIBLE = _eligible(sees())
# Whom a shipper may ask by name: to a private load nobody is invited yet.
INVITABLE = _eligible(unhidden())

# Primary keys of orders and driver_states, the latter touched in driver order, so that two waves with common
# drivers cannot deadlock. $1 order, $2 wave, $3-$6 driver, deadhead, score, reasons, $7 seconds to live,
# $8 seconds to the push, $9 the order's part of the card.
MAKE_OFFERS = """
WITH made AS (
    INSERT INTO offers (order_id, driver_id, status, version, wave, deadhead_m, score, reasons, made_at,
        expires_at)
    SELECT o.id, c.driver_id, 'live', o.version, $2, c.deadhead_m, c.score, c.reasons, t.now,
        least(t.now + make_interval(secs => $7), o.expires_at)
    FROM orders o, (SELECT clock_timestamp() AS now) AS t,
        unnest($3::bigint[], $4::float8[], $5::float8[], $6::jsonb[])
            AS c(driver_id, deadhead_m, score, reasons)
    WHERE o.id = $1 RETURNING *
), pushed AS (
    INSERT INTO outbox (user_id, kind, payload, dedupe_key, due_at, expires_at)
    SELECT driver_id, 'offer.made',
        $9::jsonb || jsonb_build_object('offer', id, 'deadhead_m', deadhead_m, 'wave', wave,
            'expires_at', extract(epoch FROM expires_at)::float8),
        'offer:' || id, made_at + make_interval(secs => $8), expires_at
    FROM made
), met AS (
    INSERT INTO driver_states AS s (driver_id, last_offer_at)
    SELECT driver_id, made_at FROM made ORDER BY driver_id
    ON CONFLICT (driver_id) DO UPDATE SET last_offer_at = excluded.last_offer_at
)
SELECT * FROM made ORDER BY id
"""

# Primary key.
SET_SEARCH = "UPDATE orders SET wave = $2, seek_at = to_timestamp($3::float8) WHERE id = $1"

# Primary key.
LOOK_AGAIN = "UPDATE orders SET seek_at = clock_timestamp() + make_interval(secs => $2) WHERE id = $1"

# Primary key.
OPEN_BOARD = """
WITH opened AS (
    UPDATE orders SET seq = seq + 1, seek_at = NULL, board_at = clock_timestamp(), pickup_cell = $2
    WHERE id = $1 RETURNING *
), noted AS (
    INSERT INTO order_events (order_id, seq, kind, status, at)
    SELECT id, seq, 'boarded', status, board_at FROM opened RETURNING at
)
SELECT opened.*, NULL::bigint AS driver_id, noted.at FROM opened, noted
"""


class SearchClaim:
    """An order whose next wave is due, locked until the transaction around it ends."""

    def __init__(self, connection: Connection, order: Order, now: float) -> None:
        self.order = order
        self.now = now
        self._connection = connection

    async def eligible(
        self,
        seen: Sequence[Seen],
        policy: Policy,
        *,
        searchers: Collection[int] = (),
        statement: str = ELIGIBLE,
    ) -> list[Candidate]:
        """Of these drivers: paid, on duty, fit, with free hands, and not offered this order before.

        An edit makes it another order, but for who has declined: he is asked once more when the price has risen
        or the way is another.
        """
        load, searching = self.order.load, frozenset(searchers)
        where = {driver: (metres, age_s) for driver, metres, age_s in seen}
        bodies = list(carriers_of(load))
        rows = await self._connection.fetch(
            statement,
            list(where),
            self.order.id,
            bodies,
            load.weight_kg,
            load.volume_m3,
            policy.max_live_offers,
        )
        return [
            Candidate(
                driver=row["driver_id"],
                deadhead_m=where[row["driver_id"]][0],
                fix_age_s=where[row["driver_id"]][1],
                vehicle=carrier(row),
                rating=row["rating"],
                last_offer_at=row["last_offer_at"],
                searched=row["driver_id"] in searching,
            )
            for row in rows
        ]

    async def offer(self, wave: Wave, ranked: Sequence[Ranked], policy: Policy) -> list[Event]:
        """Offers, their pushes and the time of the next look, in the claim's transaction."""
        rows = await self._connection.fetch(
            MAKE_OFFERS,
            self.order.id,
            wave.number,
            [entry.candidate.driver for entry in ranked],
            [entry.candidate.deadhead_m for entry in ranked],
            [entry.score for entry in ranked],
            [entry.reasons for entry in ranked],
            policy.offer_ttl_s,
            policy.push_after_s,
            card(self.order),
        )
        search = after_wave(Search(self.order.wave, self.now), wave, self.now, policy)
        await self._connection.execute(SET_SEARCH, self.order.id, search.wave, search.seek_at)
        return [OfferMade(row["driver_id"], self.order, offer_of(row)) for row in rows]

    async def matches(self) -> list[Match]:
        """Whose saved searches find this version of the order; nobody when that was asked before."""
        return await searches.matches_once(self._connection, self.order.id)

    async def alert(self, found: Sequence[Match], policy: Policy) -> list[Event]:
        """Alerts in the claim's transaction."""
        return await searches.alert(self._connection, self.order, found, policy)

    async def look_again(self, seconds: float) -> None:
        """Nobody was there: the order is due again after so many seconds."""
        await self._connection.execute(LOOK_AGAIN, self.order.id, seconds)

    async def open_board(self) -> list[Event]:
        """The search is over; from now on any subscribed driver may take the order."""
        pickup = self.order.haul.pickup
        row = await self._connection.fetchrow(
            OPEN_BOARD, self.order.id, cell_of(pickup.lat, pickup.lon, BOARD_RES)
        )
        return [changed(row, "boarded")]


def card(order: Order) -> dict[str, object]:
    """What a push tells of an order: the OfferCard's fields that do not depend on the driver."""
    return {
        "order": order.id,
        "pickup": order.haul.pickup._asdict(),
        "drop": order.haul.drop._asdict(),
        "cargo": order.load.cargo,
        "weight_kg": order.load.weight_kg,
        "volume_m3": order.load.volume_m3,
        "body": order.load.body,
        "distance_m": order.haul.distance_m,
        "price": order.price._asdict(),
    }
