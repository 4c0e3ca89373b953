"""What a driver has in hand, and the open loads around the place where it ends."""

from collections.abc import Sequence
from dataclasses import dataclass

from dispatch.board import BoardSearch, Circle, Viewer
from dispatch.errors import Refusal
from dispatch.model import Order, Vehicle

from .billing.access import entitled
from .board.store import newest
from .order_rows import order_of
from .postgres import Pool
from .vehicle_rows import CARRIER
from .winning import vehicle_of

# uq_assignments_driver, two rows at most; in the order in which they are carried.
IN_HAND = """
SELECT o.*, a.driver_id FROM assignments a JOIN orders o ON o.id = a.order_id
WHERE a.driver_id = $1 AND a.ended_at IS NULL ORDER BY a.assigned_at
"""
# Unique keys by driver.
TRUCK = f"""
SELECT {CARRIER},
    {entitled("u.id")} AS subscribed
FROM users u LEFT JOIN vehicles v ON v.driver_id = u.id
WHERE u.id = $1
"""
# Primary key.
ORDERS = """
SELECT o.*, NULL::bigint AS driver_id FROM orders o
WHERE o.id = ANY($1::bigint[]) AND o.status = 'open' ORDER BY o.id DESC
"""
OF_EACH = 200  # the newest of each circle are enough


@dataclass(frozen=True, slots=True)
class InHand:
    """A driver's loads and truck."""

    orders: tuple[Order, ...]
    vehicle: Vehicle


class ReloadStore:
    """Reads for "next load near the drop"."""

    def __init__(self, pool: Pool, board_pool: Pool | None = None) -> None:
        """`board_pool`: one for searches of the board (storage.board)."""
        self._pool = pool
        self._board = board_pool or pool

    async def in_hand(self, driver: int) -> InHand:
        """The loads being carried and the truck; `vehicle_required`, `subscription_expired`."""
        row = await self._pool.fetchrow(TRUCK, driver)
        vehicle = None if row is None else vehicle_of(row)
        if vehicle is None:
            raise Refusal("vehicle_required")
        if not row["subscribed"]:
            raise Refusal("subscription_expired")
        orders = tuple(order_of(order) for order in await self._pool.fetch(IN_HAND, driver))
        return InHand(orders, vehicle)

    async def around(
        self,
        driver: int,
        vehicle: Vehicle,
        circles: Sequence[tuple[float, float, float]],
        free_at: float,
    ) -> list[Order]:
        """Open loads with a pickup in one of these circles (lat, lon, metres) that is not over by then."""
        viewer = Viewer(driver, vehicle)
        found: set[int] = set()
        async with self._board.acquire() as connection:
            for circle in circles:
                search = BoardSearch(near=Circle(*circle), vehicle=vehicle, pickup_after=free_at)
                found |= set(await newest(connection, viewer, search, OF_EACH))
        return [order_of(row) for row in await self._pool.fetch(ORDERS, sorted(found))]
