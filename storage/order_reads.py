"""What may be seen of orders, and by whom. A foreign order and an absent one look the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dispatch.asked import Content
from dispatch.errors import Refusal
from dispatch.events import OfferMade, OrderChanged
from dispatch.model import Actor, HistoryLine, Order, Party, Status
from dispatch.visibility import carries, owns

from .order_rows import ORDER, changed, moment, offer_of, order_of
from .postgres import Pool

NO_LIMIT = 2**63 - 1

# Primary key.
HISTORY = """
SELECT e.seq, e.kind, e.status, e.at, e.actor_id, e.detail, u.role FROM order_events e
LEFT JOIN users u ON u.id = e.actor_id WHERE e.order_id = $1 ORDER BY e.seq
"""

# Primary key.
CARRIER = "SELECT driver_id FROM assignments WHERE order_id = $1"
# Primary key.
PEOPLE = "SELECT id, role, name, phone FROM users WHERE id = ANY($1::bigint[])"
# Primary key.
VERSIONS = "SELECT version, content, actor_id, at FROM order_versions WHERE order_id = $1 ORDER BY version"

# What a page may be narrowed to. $3 statuses, $4 since, $5 until, $6 text or $7 the number that it is.
NARROWED = """o.expires_at IS NOT NULL AND ($3::text[] IS NULL OR o.status = ANY($3))
    AND ($4::timestamptz IS NULL OR o.created_at >= $4) AND ($5::timestamptz IS NULL OR o.created_at < $5)
    AND ($6::text IS NULL OR o.id = $7 OR strpos(lower(o.cargo), lower($6)) > 0
        OR strpos(lower(o.pickup_name), lower($6)) > 0 OR strpos(lower(o.drop_name), lower($6)) > 0
        OR strpos(lower(o.comment), lower($6)) > 0)"""

# ix_orders_shipper_id_id read backwards, and ix_orders_company for the colleagues'.
PAGE_OF_SHIPPER = f"""
SELECT o.*, a.driver_id FROM (
    (SELECT o.id FROM orders o WHERE o.shipper_id = $8 AND o.id < $1 AND {NARROWED} ORDER BY o.id DESC LIMIT $2)
    UNION
    (SELECT o.id FROM orders o WHERE o.company_id = ANY($9::bigint[]) AND o.id < $1 AND {NARROWED}
        ORDER BY o.id DESC LIMIT $2)
) AS mine JOIN orders o ON o.id = mine.id LEFT JOIN assignments a ON a.order_id = o.id
ORDER BY o.id DESC LIMIT $2
"""
# ix_assignments_driver_id_order_id, read backwards.
PAGE_OF_DRIVER = f"""
SELECT o.*, a.driver_id FROM assignments a JOIN orders o ON o.id = a.order_id
WHERE a.driver_id = $8 AND a.order_id < $1 AND {NARROWED} ORDER BY a.order_id DESC LIMIT $2
"""
# ix_fleet_drivers_company, then for each driver ix_assignments_driver_id_order_id read backwards.
PAGE_OF_FLEET = f"""
SELECT carried.* FROM fleet_drivers f
CROSS JOIN LATERAL (
    SELECT o.*, a.driver_id FROM assignments a JOIN orders o ON o.id = a.order_id
    WHERE a.driver_id = f.driver_id AND a.order_id < $1 AND {NARROWED} ORDER BY a.order_id DESC LIMIT $2
) AS carried
WHERE f.company_id = ANY($8::bigint[]) AND f.left_at IS NULL ORDER BY carried.id DESC LIMIT $2
"""
# Primary key, read backwards.
PAGE_OF_ALL = f"""
SELECT o.*, a.driver_id FROM orders o LEFT JOIN assignments a ON a.order_id = o.id
WHERE o.id < $1 AND {NARROWED} ORDER BY o.id DESC LIMIT $2
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
SELECT e.order_id AS id, e.seq, e.kind, e.status, e.at, e.detail, o.shipper_id, a.driver_id
FROM unnest($1::bigint[], $2::int[]) AS known(order_id, seq)
JOIN order_events e ON e.order_id = known.order_id AND e.seq > known.seq
JOIN orders o ON o.id = e.order_id
LEFT JOIN assignments a ON a.order_id = e.order_id
ORDER BY e.order_id, e.seq
"""


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """What a list of orders is narrowed to: states, when they were posted, a number or text in them."""

    statuses: frozenset[str] = frozenset()
    since: float | None = None
    until: float | None = None
    text: str = ""


EVERY = OrderFilter()


class Person(NamedTuple):
    """A user by role, name and phone."""

    id: int
    role: str
    name: str
    phone: str


class Version(NamedTuple):
    """One version of an order's content, who made it, and when."""

    version: int
    content: Content
    actor: int | None
    at: float


# Primary key.
OFFERED_TO = "SELECT driver_id FROM offers WHERE id = $1"


class OrderReads:
    """Reads of one statement each, on any connection."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def visible(self, order: int, user: int, role: str) -> Order:
        """The order, when it is the caller's to see; `not_found` otherwise."""
        return await self.visible_to(Party(user, Actor(role)), order)

    async def posted(self, order: int) -> Order | None:
        """The posted order, whoever asks; None for a draft and for none at all."""
        row = await self._pool.fetchrow(ORDER, order)
        return None if row is None else order_of(row)

    async def visible_to(self, party: Party, order: int) -> Order:
        """The posted order, when it is the party's to see; `not_found` otherwise."""
        found = await self.posted(order)
        if found is None:
            raise Refusal("not_found")
        must_own(found, party)
        return found

    async def history(self, order: int) -> list[HistoryLine]:
        """The order's events, oldest first."""
        return [
            HistoryLine(
                row["seq"],
                row["kind"],
                Status(row["status"]),
                row["at"].timestamp(),
                row["actor_id"],
                Actor.SYSTEM if row["role"] is None else Actor(row["role"]),
                row["detail"],
            )
            for row in await self._pool.fetch(HISTORY, order)
        ]

    async def carrier(self, order: int) -> int | None:
        """The driver who has won the order, at any time."""
        driver: int | None = await self._pool.fetchval(CARRIER, order)
        return driver

    async def people(self, users: Sequence[int]) -> list[Person]:
        """Who these users are."""
        return [Person(*row) for row in await self._pool.fetch(PEOPLE, list(users))]

    async def versions(self, order: int) -> list[Version]:
        """What the order was from one edit to the next; nothing when it was never edited."""
        return [
            Version(row["version"], row["content"], row["actor_id"], row["at"].timestamp())
            for row in await self._pool.fetch(VERSIONS, order)
        ]

    async def page(
        self, party: Party, before: int | None, limit: int, only: OrderFilter = EVERY
    ) -> list[Order]:
        """The party's orders, newest first, below id `before`: posted, carried, for staff all of them."""
        number = only.text if only.text and only.text.isascii() and only.text.isdecimal() else None
        asked = (
            NO_LIMIT if before is None else before,
            limit,
            list(only.statuses) or None,
            moment(only.since),
            moment(only.until),
            only.text or None,
            None if number is None else min(int(number), NO_LIMIT),
        )
        if party.actor is Actor.SHIPPER:
            rows = await self._pool.fetch(PAGE_OF_SHIPPER, *asked, party.user, list(party.companies))
        elif party.actor is Actor.DRIVER:
            rows = await self._pool.fetch(PAGE_OF_DRIVER, *asked, party.user)
        elif party.actor is Actor.LOGISTICIAN:
            rows = await self._pool.fetch(PAGE_OF_FLEET, *asked, list(party.companies))
        elif party.actor is Actor.ADMIN:
            rows = await self._pool.fetch(PAGE_OF_ALL, *asked)
        else:
            rows = []
        return [order_of(row) for row in rows]

    async def offered_to(self, offer: int) -> int | None:
        """The driver of an offer."""
        driver: int | None = await self._pool.fetchval(OFFERED_TO, offer)
        return driver

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
        return [changed(row, row["kind"], row["detail"].get("fields", ())) for row in rows]


def must_own(order: Order, party: Party) -> None:
    """`not_found` unless the order is the shipper's (or its company's), the driver's who has won it, or the
    caller is staff."""
    if party.actor is not Actor.ADMIN and not owns(order, party) and not carries(order, party):
        raise Refusal("not_found")
