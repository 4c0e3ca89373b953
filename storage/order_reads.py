"""What may be seen of orders, and by whom. A foreign order and an absent one look the same."""

from collections.abc import Mapping

from dispatch.errors import Refusal
from dispatch.events import OfferMade, OrderChanged
from dispatch.model import Actor, HistoryLine, Order, Party, Status

from .order_rows import ORDER, changed, offer_of, order_of
from .postgres import Pool

NO_LIMIT = 2**63 - 1

# Primary key.
HISTORY = "SELECT seq, kind, status, at, actor_id FROM order_events WHERE order_id = $1 ORDER BY seq"

# ix_orders_shipper_id_id, read backwards.
PAGE_OF_SHIPPER = """
SELECT o.*, a.driver_id FROM orders o LEFT JOIN assignments a ON a.order_id = o.id
WHERE o.shipper_id = $1 AND o.id < $2 ORDER BY o.id DESC LIMIT $3
"""
# ix_assignments_driver_id_order_id, read backwards.
PAGE_OF_DRIVER = """
SELECT o.*, a.driver_id FROM assignments a JOIN orders o ON o.id = a.order_id
WHERE a.driver_id = $1 AND a.order_id < $2 ORDER BY a.order_id DESC LIMIT $3
"""
# Primary key, read backwards.
PAGE_OF_ALL = """
SELECT o.*, a.driver_id FROM orders o LEFT JOIN assignments a ON a.order_id = o.id
WHERE o.id < $1 ORDER BY o.id DESC LIMIT $2
"""

# ix_offers_driver_live, uq_order_invitations_offer_id; judged on read: an offer is gone the moment it expires.
LIVE_OFFERS = """
SELECT f.*, i.note FROM offers f LEFT JOIN order_invitations i ON i.offer_id = f.id
WHERE f.driver_id = $1 AND f.status = 'live' AND f.expires_at > clock_timestamp() ORDER BY f.id
"""
# Primary key.
OPEN_ORDERS = "SELECT o.*, NULL::bigint AS driver_id FROM orders o WHERE id = ANY($1::bigint[])"

# Primary key, once a watched order.
MISSED = """
SELECT e.order_id AS id, e.seq, e.kind, e.status, e.at, o.shipper_id, a.driver_id
FROM unnest($1::bigint[], $2::int[]) AS known(order_id, seq)
JOIN order_events e ON e.order_id = known.order_id AND e.seq > known.seq
JOIN orders o ON o.id = e.order_id
LEFT JOIN assignments a ON a.order_id = e.order_id
ORDER BY e.order_id, e.seq
"""


class OrderReads:
    """Reads of one statement each, on any connection."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def visible(self, order: int, user: int, role: str) -> Order:
        """The order, when it is the caller's to see; `not_found` otherwise."""
        row = await self._pool.fetchrow(ORDER, order)
        if row is None:
            raise Refusal("not_found")
        found = order_of(row)
        must_own(found, Party(user, Actor(role)))
        return found

    async def history(self, order: int) -> list[HistoryLine]:
        """The order's events, oldest first."""
        rows = await self._pool.fetch(HISTORY, order)
        return [
            HistoryLine(
                row["seq"], row["kind"], Status(row["status"]), row["at"].timestamp(), row["actor_id"]
            )
            for row in rows
        ]

    async def page(self, party: Party, before: int | None, limit: int) -> list[Order]:
        """The caller's orders, newest first, below id `before`: posted, carried, or for staff all."""
        below = NO_LIMIT if before is None else before
        if party.actor is Actor.SHIPPER:
            rows = await self._pool.fetch(PAGE_OF_SHIPPER, party.user, below, limit)
        elif party.actor is Actor.DRIVER:
            rows = await self._pool.fetch(PAGE_OF_DRIVER, party.user, below, limit)
        elif party.actor is Actor.ADMIN:
            rows = await self._pool.fetch(PAGE_OF_ALL, below, limit)
        else:
            rows = []
        return [order_of(row) for row in rows]

    async def live_offers(self, driver: int) -> list[OfferMade]:
        """The driver's live offers with their orders, oldest first: what every (re)connect shows again."""
        offers = [(offer_of(row), row["note"]) for row in await self._pool.fetch(LIVE_OFFERS, driver)]
        if not offers:
            return []
        rows = await self._pool.fetch(OPEN_ORDERS, [offer.order for offer, _ in offers])
        orders = {row["id"]: order_of(row) for row in rows}
        return [OfferMade(driver, orders[offer.order], offer, note or "") for offer, note in offers]

    async def events_after(self, known: Mapping[int, int]) -> list[OrderChanged]:
        """Events that watchers of these orders have not seen: {order: last seq known}, by order and seq."""
        rows = await self._pool.fetch(MISSED, list(known), list(known.values()))
        return [changed(row, row["kind"]) for row in rows]


def must_own(order: Order, party: Party) -> None:
    """`not_found` unless the order is the shipper's own, the assigned driver's, or the caller is staff."""
    if party.actor is Actor.ADMIN:
        return
    owner = {Actor.SHIPPER: order.shipper, Actor.DRIVER: order.driver}.get(party.actor)
    if owner != party.user:
        raise Refusal("not_found")
