"""What a driver has in hand, and the open loads around the place where it ends."""

from collections.abc import Sequence
from dataclasses import dataclass

from dispatch.errors import Refusal
from dispatch.model import Order, Vehicle

from .order_reads import PLAN_FOR_THIS_CIRCLE, box
from .order_rows import order_of
from .postgres import Pool, transaction
from .vehicle_rows import CARRIER
from .visibility import sees
from .winning import vehicle_of

# uq_assignments_driver, two rows at most; in the order in which they are carried.
IN_HAND = """
SELECT o.*, a.driver_id FROM assignments a JOIN orders o ON o.id = a.order_id
WHERE a.driver_id = $1 AND a.ended_at IS NULL ORDER BY a.assigned_at
"""
# Unique keys by driver.
TRUCK = f"""
SELECT {CARRIER},
    coalesce(p.paid_until > clock_timestamp(), false) AS subscribed
FROM users u LEFT JOIN vehicles v ON v.driver_id = u.id LEFT JOIN subscriptions p ON p.driver_id = u.id
WHERE u.id = $1
"""
# ix_orders_board_pickup, a circle's box at a time, or ix_orders_board_newest where the box holds much of the
# board: of each the newest are enough. $1 driver, $2-$5 boxes, $6 kg, $7 m3, $8 free at, $9 how many of each.
AROUND = f"""
SELECT DISTINCT ON (o.id) o.*, NULL::bigint AS driver_id
FROM unnest($2::float8[], $3::float8[], $4::float8[], $5::float8[]) AS b(west, south, east, north)
CROSS JOIN LATERAL (
    SELECT * FROM orders o
    WHERE o.status = 'open' AND o.board_at IS NOT NULL AND o.expires_at > clock_timestamp()
        AND o.pickup_point && ST_MakeEnvelope(b.west, b.south, b.east, b.north, 4326)
        AND o.weight_kg <= $6 AND o.volume_m3 <= $7
        AND (o.pickup_to IS NULL OR o.pickup_to >= to_timestamp($8::float8))
        AND {sees("$1::bigint")}
    ORDER BY o.id DESC LIMIT $9
) AS o
ORDER BY o.id DESC
"""
OF_EACH = 200


@dataclass(frozen=True, slots=True)
class InHand:
    """A driver's loads and truck."""

    orders: tuple[Order, ...]
    vehicle: Vehicle


class ReloadStore:
    """Reads for "next load near the drop"."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

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
        boxes = [box(lat, lon, radius_m) for lat, lon, radius_m in circles]
        async with transaction(self._pool) as connection:
            await connection.execute(PLAN_FOR_THIS_CIRCLE)
            rows = await connection.fetch(
                AROUND,
                driver,
                *(list(edge) for edge in zip(*boxes, strict=True)),
                vehicle.capacity_kg,
                vehicle.volume_m3,
                free_at,
                OF_EACH,
            )
        return [order_of(row) for row in rows]
