"""Public links to one order. The secret is told once and kept as a hash; each look asks here, so that a link that
was revoked is gone with the next look."""

import hashlib
import secrets
from dataclasses import dataclass

import asyncpg

from dispatch.errors import Refusal
from dispatch.model import ENDED, Actor, Order, Party
from dispatch.sharing import LINK_AFTER_S, link_window
from storage.deciding import deciding
from storage.orders import owned
from storage.postgres import Pool

SECRET_BYTES = 16
LENGTH = 22  # characters of the secret
MAX_LIVE = 10  # of one order
KEEP_DAYS = 90  # after it has closed: as long as the log names it

# What a link `l` to the order `o` must be to be good for anything, now or later. $1 seconds after the haul.
STANDS = """l.revoked_at IS NULL AND l.closes_at > clock_timestamp()
    AND (NOT l.follows OR o.ended_at IS NULL OR o.ended_at > clock_timestamp() - make_interval(secs => $1))"""

VIEW = """
l.id, l.order_id, l.label, l.side, l.made_by, extract(epoch FROM l.opens_at)::float8 AS opens_at,
extract(epoch FROM l.closes_at)::float8 AS closes_at, l.follows,
extract(epoch FROM l.created_at)::float8 AS created_at, extract(epoch FROM l.revoked_at)::float8 AS revoked_at,
l.views, extract(epoch FROM l.last_view_at)::float8 AS last_view_at
"""
NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"
# ix_share_links_order_id_id.
COUNT = f"""
SELECT count(*) FROM share_links l JOIN orders o ON o.id = l.order_id WHERE l.order_id = $2 AND {STANDS}
"""
ADD = f"""
INSERT INTO share_links AS l (order_id, made_by, side, label, secret_hash, opens_at, closes_at, follows)
VALUES ($1, $2, $3, $4, $5, to_timestamp($6::float8), to_timestamp($7::float8), $8)
RETURNING {VIEW}, true AS live
"""
# ix_share_links_order_id_id, read backwards.
OF_ORDER = f"""
SELECT {VIEW}, {STANDS} AS live FROM share_links l JOIN orders o ON o.id = l.order_id
WHERE l.order_id = $2 AND l.id < $3 ORDER BY l.id DESC LIMIT $4
"""
# Primary key. A link that is revoked twice keeps its first time.
REVOKE = """
UPDATE share_links SET revoked_at = coalesce(revoked_at, clock_timestamp()), revoked_by = coalesce(revoked_by, $3)
WHERE id = $1 AND order_id = $2 RETURNING id
"""
KNOWN = "SELECT EXISTS (SELECT FROM share_links WHERE id = $1 AND order_id = $2)"
# By the unique hash, then primary keys.
FIND = f"""
SELECT {VIEW}, true AS live, v.body FROM share_links l JOIN orders o ON o.id = l.order_id
LEFT JOIN assignments a ON a.order_id = o.id LEFT JOIN vehicles v ON v.id = a.vehicle_id
WHERE l.secret_hash = $2 AND l.opens_at <= clock_timestamp() AND {STANDS}
"""
# ix_share_links_closes_at.
FORGET = "DELETE FROM share_links WHERE closes_at < now() - make_interval(days => $1)"


@dataclass(frozen=True, slots=True)
class Link:
    """A link as the parties of its order see it; times in epoch seconds. `live`: it opens, now or later."""

    id: int
    order: int
    label: str
    side: str
    made_by: int
    opens_at: float
    closes_at: float
    follows: bool
    created_at: float
    revoked_at: float | None
    views: int
    last_view_at: float | None
    live: bool


class LinkStore:
    """The links of all orders."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(
        self, party: Party, order: int, label: str, opens: float | None, closes: float | None
    ) -> tuple[Link, str]:
        """(the link, its secret, which is told this once). Refusals `not_found`, `order_closed`, `limit_reached`,
        and those of `link_window`."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        async with deciding(self._pool) as connection:
            found = await owned(connection, order, party)
            if found.status in ENDED:
                raise Refusal("order_closed")
            window = link_window(found, opens, closes, await connection.fetchval(NOW))
            if await connection.fetchval(COUNT, LINK_AFTER_S, order) >= MAX_LIVE:
                raise Refusal("limit_reached")
            row = await connection.fetchrow(
                ADD,
                order,
                party.signed_in,
                side_of(party),
                label,
                _hash(secret),
                window.opens,
                window.closes,
                window.follows,
            )
        return _link(row), secret

    async def of(self, order: int, before: int, limit: int) -> list[Link]:
        """The links of an order, newest first, below id `before`, with those that are over."""
        rows = await self._pool.fetch(OF_ORDER, LINK_AFTER_S, order, before, limit)
        return [_link(row) for row in rows]

    async def known(self, order: int, link: int) -> None:
        """Refusal `not_found` for another order's link."""
        if not await self._pool.fetchval(KNOWN, link, order):
            raise Refusal("not_found")

    async def revoke(self, user: int, order: int, link: int) -> None:
        """Ends a link at once. `not_found` for another order's."""
        if await self._pool.fetchval(REVOKE, link, order, user) is None:
            raise Refusal("not_found")

    async def find(self, secret: str) -> tuple[Link, str | None]:
        """The open link with this secret, and the truck's body. Refusal `not_found`, whatever is wrong with it."""
        row = None
        if len(secret) == LENGTH and secret.isascii():
            row = await self._pool.fetchrow(FIND, LINK_AFTER_S, _hash(secret))
        if row is None:
            raise Refusal("not_found")
        *link, body = row
        return Link(*link), body

    async def forget_old(self) -> None:
        """Links that closed long ago; what was logged of them is gone before."""
        await self._pool.execute(FORGET, KEEP_DAYS)


def side_of(party: Party) -> str:
    """The part of whoever makes or revokes a link."""
    return "driver" if party.actor is Actor.DRIVER else "shipper"


def closes(link: Link, order: Order) -> float:
    """When the link closes, as far as that is known."""
    if link.follows and order.ended_at is not None:
        return min(link.closes_at, order.ended_at + LINK_AFTER_S)
    return link.closes_at


def _hash(secret: str) -> bytes:
    """No salt is needed: the secret itself is 128 random bits."""
    return hashlib.sha256(secret.encode()).digest()


def _link(row: asyncpg.Record) -> Link:
    return Link(*row)
