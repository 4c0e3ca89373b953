"""What a driver's socket needs when it opens, and the duty switch."""

from dataclasses import dataclass

from dispatch.errors import Refusal

from .billing.access import ends_at
from .postgres import Pool

# Primary keys, and uq_assignments_driver for the load in hand (the next one may be taken at the drop).
STANDING = f"""
SELECT COALESCE(s.on_duty, true) AS on_duty,
       (SELECT a.order_id FROM assignments a WHERE a.driver_id = u.id AND a.ended_at IS NULL
        ORDER BY a.assigned_at LIMIT 1) AS order_id,
       extract(epoch FROM {ends_at("u.id")})::float8 AS access_until
FROM users u LEFT JOIN driver_states s ON s.driver_id = u.id
WHERE u.id = $1
"""
# Primary key.
SET_ON_DUTY = """
INSERT INTO driver_states (driver_id, on_duty) VALUES ($1, $2)
ON CONFLICT (driver_id) DO UPDATE SET on_duty = excluded.on_duty
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a driver wants loads, which one they have, and until when they may work (epoch seconds)."""

    on_duty: bool
    order: int | None
    access_until: float | None


# Primary key of users; ix_assignments_driver_id_order_id for who was one.
KNOWN = """
SELECT EXISTS (SELECT FROM users u WHERE u.id = $1 AND (u.role = 'driver'
    OR EXISTS (SELECT FROM assignments a WHERE a.driver_id = u.id)))
"""


class DriverStore:
    """A driver's standing."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def standing(self, driver: int) -> Standing:
        """On duty (default) and the order in hand."""
        row = await self._pool.fetchrow(STANDING, driver)
        return Standing(True, None, None) if row is None else Standing(*row)

    async def must_exist(self, driver: int) -> None:
        """Refusal `not_found` when nobody of this number is or was a driver."""
        if not await self._pool.fetchval(KNOWN, driver):
            raise Refusal("not_found")

    async def set_on_duty(self, driver: int, on_duty: bool) -> None:
        """Remembers the duty switch."""
        await self._pool.execute(SET_ON_DUTY, driver, on_duty)
