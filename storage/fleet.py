"""A company's drivers: who they are, what they share, and who may act for them."""

from dataclasses import dataclass

import asyncpg

from dispatch.errors import Refusal

from .billing.access import entitled
from .postgres import Connection, Pool, transaction
from .vehicles import LOCK_DRIVERS

# Primary key of company_members, then uq_fleet_drivers_driver: two looks, whatever the size of the fleet.
ACTS_FOR = """
SELECT EXISTS (SELECT FROM company_members m JOIN fleet_drivers f ON f.company_id = m.company_id
    WHERE m.user_id = $1 AND f.driver_id = $2 AND f.left_at IS NULL)
"""
# ix_fleet_drivers_company, then unique keys by driver.
DRIVERS = f"""
SELECT f.driver_id, u.name, u.phone, f.shares_position, extract(epoch FROM f.joined_at)::float8 AS joined_at,
    coalesce(s.on_duty, true) AS on_duty,
    (SELECT min(a.order_id) FROM assignments a WHERE a.driver_id = f.driver_id AND a.ended_at IS NULL) AS order_id,
    v.id AS vehicle_id,
    {entitled("f.driver_id")} AS subscribed
FROM fleet_drivers f JOIN users u ON u.id = f.driver_id
LEFT JOIN driver_states s ON s.driver_id = f.driver_id
LEFT JOIN vehicles v ON v.driver_id = f.driver_id
WHERE f.company_id = (SELECT company_id FROM company_members WHERE user_id = $1) AND f.left_at IS NULL
    AND f.driver_id > $2
ORDER BY f.driver_id LIMIT $3
"""
# uq_fleet_drivers_driver.
OF_DRIVER = """
SELECT f.company_id, c.legal_name, f.shares_position, extract(epoch FROM f.joined_at)::float8 AS joined_at
FROM fleet_drivers f JOIN companies c ON c.id = f.company_id WHERE f.driver_id = $1 AND f.left_at IS NULL
"""
SHARE = "UPDATE fleet_drivers SET shares_position = $2 WHERE driver_id = $1 AND left_at IS NULL RETURNING id"
LEAVE = """
UPDATE fleet_drivers SET left_at = now(), shares_position = false
WHERE driver_id = $1 AND left_at IS NULL RETURNING company_id
"""
# ix_vehicles_keeper_id: the trucks that go back into the yard.
GIVE_BACK = """
UPDATE vehicles SET keeper_id = NULL, driver_id = NULL, version = version + 1
WHERE keeper_id = $1 AND company_id = $2 RETURNING id
"""
# uq_assignments_driver.
LOADED = """
SELECT EXISTS (SELECT FROM assignments
    WHERE driver_id = $1 AND ended_at IS NULL AND vehicle_id = ANY($2::bigint[]))
"""


@dataclass(frozen=True, slots=True)
class FleetDriver:
    """A driver as the fleet sees them: `order` in hand, `vehicle` driven."""

    driver: int
    name: str
    phone: str
    shares_position: bool
    joined_at: float
    on_duty: bool
    order: int | None
    vehicle: int | None
    subscribed: bool


@dataclass(frozen=True, slots=True)
class Fleet:
    """A fleet as its driver sees it."""

    company: int
    legal_name: str
    shares_position: bool
    joined_at: float


async def acts_for(source: Pool | Connection, user: int, role: str, driver: int) -> bool:
    """Whether this user may act for this driver: being it, or as the logistician of the driver's company."""
    if role == "driver":
        return user == driver
    return role == "logistician" and bool(await source.fetchval(ACTS_FOR, user, driver))


class FleetStore:
    """Drivers of companies."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def acts_for(self, user: int, role: str, driver: int) -> bool:
        """See the function of that name, which also runs in somebody's transaction."""
        return await acts_for(self._pool, user, role, driver)

    async def drivers(self, user: int, after: int, limit: int) -> list[FleetDriver]:
        """One page of the fleet of this user's company, by driver id."""
        return [FleetDriver(*row) for row in await self._pool.fetch(DRIVERS, user, after, limit)]

    async def fleet(self, driver: int) -> Fleet:
        """The fleet that this driver is in. Refusal `not_found`."""
        row = await self._pool.fetchrow(OF_DRIVER, driver)
        if row is None:
            raise Refusal("not_found")
        return Fleet(*row)

    async def share(self, driver: int, shares_position: bool) -> Fleet:
        """Whether the fleet may see where the driver is. Refusal `not_found`."""
        if await self._pool.fetchval(SHARE, driver, shares_position) is None:
            raise Refusal("not_found")
        return await self.fleet(driver)

    async def leave(self, driver: int) -> None:
        """The driver goes. `not_found`; `driver_busy` while a load is on one of the company's trucks."""
        async with transaction(self._pool) as connection:
            await _leave(connection, driver)

    async def remove(self, user: int, driver: int) -> None:
        """The company lets the driver go. Refusals as `leave`."""
        async with transaction(self._pool) as connection:
            if not await connection.fetchval(ACTS_FOR, user, driver):
                raise Refusal("not_found")
            await _leave(connection, driver)


async def _leave(connection: Connection, driver: int) -> None:
    await connection.execute(LOCK_DRIVERS, [driver])
    company = await connection.fetchval(LEAVE, driver)
    if company is None:
        raise Refusal("not_found")
    given: list[asyncpg.Record] = await connection.fetch(GIVE_BACK, driver, company)
    if await connection.fetchval(LOADED, driver, [row["id"] for row in given]):
        raise Refusal("driver_busy")
