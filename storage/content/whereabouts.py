"""Where users are, as far as we know: a driver by the last position, others by what they do.

A shipper is where the newest load was picked up, anybody else at the place that they use most. Whoever has done
nothing yet is nowhere known. The evidence becomes a region in `geo.regions`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from storage.postgres import Pool

# last_positions by primary key, orders by ix_orders_shipper_id_id read backwards, ix_saved_places_user_id.
EVIDENCE = """
    (SELECT p.cell FROM last_positions p WHERE p.driver_id = u.id AND u.role = 'driver') AS cell,
    coalesce(
        (SELECT o.pickup_city FROM orders o WHERE o.shipper_id = u.id AND u.role = 'shipper'
            AND o.pickup_city IS NOT NULL ORDER BY o.id DESC LIMIT 1),
        (SELECT s.city_id FROM saved_places s WHERE s.user_id = u.id ORDER BY s.uses DESC, s.id DESC LIMIT 1)
    ) AS city
"""
ONE = f"SELECT {EVIDENCE} FROM users u WHERE u.id = $1"
# A slice of the primary key; $4 false asks nobody where they are.
SLICE = f"""
SELECT s.id, e.cell, e.city FROM (
    SELECT u.id, u.role FROM users u WHERE u.id > $1 AND u.id <= $2 AND u.role = ANY($3::text[])
        AND NOT u.blocked AND u.erased_at IS NULL
    ORDER BY u.id LIMIT $5) s
LEFT JOIN LATERAL (SELECT {EVIDENCE} FROM (SELECT s.id, s.role) u) e ON $4 ORDER BY s.id
"""
LAST_USER = "SELECT coalesce(max(id), 0) FROM users"


class Trace(NamedTuple):
    """What says where somebody is: an H3 cell of geo.cells.INDEX_RES, a town of the gazetteer."""

    cell: int | None
    city: int | None


class Somebody(NamedTuple):
    """A user of a slice."""

    id: int
    trace: Trace


class Whereabouts:
    """Asks for traces."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of(self, user: int) -> Trace:
        """The trace of one user."""
        row = await self._pool.fetchrow(ONE, user)
        return Trace(None, None) if row is None else Trace(*row)

    async def last_user(self) -> int:
        """The newest account."""
        return int(await self._pool.fetchval(LAST_USER))

    async def slice(
        self, after: int, upto: int, roles: Sequence[str], limit: int, *, placed: bool
    ) -> list[Somebody]:
        """The next accounts in good standing with one of these roles; with their traces if they are to be
        `placed`."""
        rows = await self._pool.fetch(SLICE, after, upto, list(roles), placed, limit)
        return [Somebody(row["id"], Trace(row["cell"], row["city"])) for row in rows]
