"""Trucks: a driver's own ones and those of a company's fleet, of which a driver drives one at a time.

`driver_id` marks the active one and is what dispatch joins by. Whoever changes a truck locks its driver first, as
whoever wins a load does (storage.winning): the truck of a load that is being won now is not changed under it.
"""

from dataclasses import replace

import asyncpg

from dispatch.errors import Refusal

from .postgres import Connection, Pool, transaction
from .vehicle_rows import OwnVehicle, Spec, own_vehicle, plate_free, spec_of

MAX_OWN = 30
MAX_OF_COMPANY = 1000

# Queue the changes of drivers' trucks, or of a company's, before any truck is locked, in the order of ids.
# NO KEY: rows that only point at these are not kept waiting.
LOCK_DRIVERS = "SELECT id FROM users WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE"
LOCK_COMPANY = "SELECT id FROM companies WHERE id = $1 FOR NO KEY UPDATE"
# Primary key.
COMPANY_OF = "SELECT company_id FROM company_members WHERE user_id = $1"
# ix_vehicles_keeper_id and ix_vehicles_company_id: the trucks of one user or company, not of all.
MINE = """
SELECT v.* FROM vehicles v
WHERE (v.keeper_id = $1 OR v.company_id = (SELECT company_id FROM company_members WHERE user_id = $1))
    AND (v.archived_at IS NOT NULL) = $2 AND v.id < $3
ORDER BY v.id DESC LIMIT $4
"""
# Primary keys.
VISIBLE = """
SELECT v.*, coalesce(v.company_id = m.company_id, v.company_id IS NULL) AS owned
FROM vehicles v LEFT JOIN company_members m ON m.user_id = $2
WHERE v.id = $1 AND (v.keeper_id = $2 OR v.company_id = m.company_id)
"""
LOCK = "SELECT v.* FROM vehicles v WHERE v.id = $1 FOR UPDATE"
# uq_vehicles_driver_id.
LOCK_ACTIVE = "SELECT v.* FROM vehicles v WHERE v.driver_id = $1 FOR UPDATE"
# ix_vehicles_keeper_id, ix_vehicles_company_id.
COUNT_OWN = (
    "SELECT count(*) FROM vehicles WHERE keeper_id = $1 AND company_id IS NULL AND archived_at IS NULL"
)
COUNT_OF_COMPANY = "SELECT count(*) FROM vehicles WHERE company_id = $1 AND archived_at IS NULL"
ADD = """
INSERT INTO vehicles (driver_id, keeper_id, company_id, country, plate, trailer_plate, body, capacity_kg,
    volume_m3, length_m, width_m, height_m, sides, adr, temp_min_c, temp_max_c, axles, fuel_l_100km, year)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) RETURNING *
"""
# Primary key.
EDIT = """
UPDATE vehicles SET country = $2, plate = $3, trailer_plate = $4, body = $5, capacity_kg = $6, volume_m3 = $7,
    length_m = $8, width_m = $9, height_m = $10, sides = $11, adr = $12, temp_min_c = $13, temp_max_c = $14,
    axles = $15, fuel_l_100km = $16, year = $17, version = version + 1
WHERE id = $1 RETURNING *
"""
# Primary key. One truck parks before the next drives: a unique key is checked row by row.
PARK = "UPDATE vehicles SET driver_id = NULL, version = version + 1 WHERE id = $1"
DRIVE = "UPDATE vehicles SET driver_id = keeper_id, version = version + 1 WHERE id = $1 RETURNING *"
GIVE = "UPDATE vehicles SET keeper_id = $2, driver_id = $3, version = version + 1 WHERE id = $1 RETURNING *"
ARCHIVE = """
UPDATE vehicles SET archived_at = now(), driver_id = NULL, version = version + 1,
    keeper_id = CASE WHEN company_id IS NULL THEN keeper_id END
WHERE id = $1 RETURNING *
"""
# uq_assignments_driver: a driver has two open loads at most.
ON_LOAD = "SELECT vehicle_id FROM assignments WHERE driver_id = $1 AND ended_at IS NULL"
# uq_fleet_drivers_driver.
IN_FLEET = """
SELECT EXISTS (SELECT FROM fleet_drivers WHERE driver_id = $1 AND company_id = $2 AND left_at IS NULL)
"""


class VehicleStore:
    """Trucks of drivers and companies. Somebody else's is `not_found`; what only its owner may do, `forbidden`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def mine(self, user: int, *, archived: bool, before: int | None, limit: int) -> list[OwnVehicle]:
        """What this user may drive or their company owns, newest first."""
        before = 2**62 if before is None else before
        return [own_vehicle(row) for row in await self._pool.fetch(MINE, user, archived, before, limit)]

    async def vehicle(self, user: int, vehicle: int) -> OwnVehicle:
        """One of them. Refusal `not_found`."""
        return own_vehicle(await _visible(self._pool, user, vehicle))

    async def add_own(self, driver: int, spec: Spec) -> OwnVehicle:
        """A driver's own truck; the first one is at once the active one. `plate_taken`, `limit_reached`."""
        async with transaction(self._pool) as connection:
            await connection.execute(LOCK_DRIVERS, [driver])
            if await connection.fetchval(COUNT_OWN, driver) >= MAX_OWN:
                raise Refusal("limit_reached")
            drives = await connection.fetchrow(LOCK_ACTIVE, driver)
            active = driver if drives is None else None
            with plate_free():
                return own_vehicle(await connection.fetchrow(ADD, active, driver, None, *spec.columns))

    async def add_to_fleet(self, user: int, spec: Spec) -> OwnVehicle:
        """A truck of the user's company. `company_required`, `plate_taken`, `limit_reached`."""
        async with transaction(self._pool) as connection:
            company = await connection.fetchval(COMPANY_OF, user)
            if company is None:
                raise Refusal("company_required")
            await connection.execute(LOCK_COMPANY, company)
            if await connection.fetchval(COUNT_OF_COMPANY, company) >= MAX_OF_COMPANY:
                raise Refusal("limit_reached")
            with plate_free():
                return own_vehicle(await connection.fetchrow(ADD, None, None, company, *spec.columns))

    async def put_active(
        self, driver: int, body: str, capacity_kg: float, volume_m3: float, plate: str
    ) -> None:
        """Describes the truck that the driver drives, or makes it. Refusals as `edit`."""
        async with transaction(self._pool) as connection:
            await connection.execute(LOCK_DRIVERS, [driver])
            row = await connection.fetchrow(LOCK_ACTIVE, driver)
            if row is None:
                spec = Spec("KZ", plate, "", body, capacity_kg, volume_m3)
                with plate_free():
                    await connection.execute(ADD, driver, driver, None, *spec.columns)
                return
            if row["company_id"] is not None:
                raise Refusal("forbidden", "this vehicle belongs to a company")
            spec = replace(spec_of(row), body=body, capacity_kg=capacity_kg, volume_m3=volume_m3, plate=plate)
            await _edit(connection, row, spec)

    async def edit(self, user: int, vehicle: int, version: int, spec: Spec) -> OwnVehicle:
        """Describes a truck anew.

        `version_stale`, `vehicle_archived`, `plate_taken`; `driver_busy` while a load is on it that was given
        to it for what it can carry.
        """
        async with transaction(self._pool) as connection:
            row = await _owned(connection, user, vehicle)
            if row["version"] != version:
                raise Refusal("version_stale")
            return own_vehicle(await _edit(connection, row, spec))

    async def activate(self, user: int, vehicle: int) -> OwnVehicle:
        """Makes it the active one of its keeper, who parks the other. `driver_busy`, `vehicle_archived`.

        A company's member may do that for the driver who keeps the truck; `forbidden` when nobody does.
        """
        async with transaction(self._pool) as connection:
            keeper = (await _visible(connection, user, vehicle))["keeper_id"]
            if keeper is None:
                raise Refusal("forbidden", "no driver has this vehicle")
            await connection.execute(LOCK_DRIVERS, [keeper])
            drives = await connection.fetchrow(LOCK_ACTIVE, keeper)
            row = await connection.fetchrow(LOCK, vehicle)
            if row["archived_at"] is not None:
                raise Refusal("vehicle_archived")
            if row["keeper_id"] != keeper:
                raise Refusal("busy", "this vehicle was given to somebody else just now")
            if drives is not None and drives["id"] == vehicle:
                return own_vehicle(row)
            await _at_rest(connection, keeper)
            if drives is not None:
                await connection.execute(PARK, drives["id"])
            return own_vehicle(await connection.fetchrow(DRIVE, vehicle))

    async def archive(self, user: int, vehicle: int) -> OwnVehicle:
        """Out of use for good; its number is free again. `driver_busy` while a load is on it."""
        async with transaction(self._pool) as connection:
            row = await _owned(connection, user, vehicle)
            await _at_rest(connection, row["driver_id"])
            return own_vehicle(await connection.fetchrow(ARCHIVE, vehicle))

    async def give(self, user: int, vehicle: int, driver: int | None) -> OwnVehicle:
        """Gives a company's truck to a driver of its fleet, or back into the yard (None).

        It becomes the active one of a driver who has none. `not_found` for a driver of another fleet,
        `forbidden` for a private truck, `driver_busy` while a load is on it.
        """
        async with transaction(self._pool) as connection:
            seen = await _visible(connection, user, vehicle)
            if seen["company_id"] is None:
                raise Refusal("forbidden", "this vehicle belongs to its driver")
            people = [each for each in (seen["keeper_id"], driver) if each is not None]
            await connection.execute(LOCK_DRIVERS, people)
            if driver is not None and not await connection.fetchval(IN_FLEET, driver, seen["company_id"]):
                raise Refusal("not_found")
            drives = None if driver is None else await connection.fetchrow(LOCK_ACTIVE, driver)
            row = await _owned(connection, user, vehicle)
            if row["keeper_id"] != seen["keeper_id"]:
                raise Refusal("busy", "this vehicle was given to somebody else just now")
            if row["keeper_id"] == driver:
                return own_vehicle(row)
            await _at_rest(connection, row["driver_id"])
            active = driver if drives is None else None
            return own_vehicle(await connection.fetchrow(GIVE, vehicle, driver, active))


async def _visible(source: Pool | Connection, user: int, vehicle: int) -> asyncpg.Record:
    row = await source.fetchrow(VISIBLE, vehicle, user)
    if row is None:
        raise Refusal("not_found")
    return row


async def _owned(connection: Connection, user: int, vehicle: int) -> asyncpg.Record:
    """The locked row of a live truck that is this user's to change."""
    seen = await _visible(connection, user, vehicle)
    if not seen["owned"]:
        raise Refusal("forbidden", "this vehicle belongs to a company")
    if seen["driver_id"] is not None:
        await connection.execute(LOCK_DRIVERS, [seen["driver_id"]])
    row = await connection.fetchrow(LOCK, vehicle)
    if row["archived_at"] is not None:
        raise Refusal("vehicle_archived")
    return row


async def _edit(connection: Connection, row: asyncpg.Record, spec: Spec) -> asyncpg.Record:
    if not spec.carries_as(spec_of(row)):
        await _at_rest(connection, row["driver_id"])
    with plate_free():
        return await connection.fetchrow(EDIT, row["id"], *spec.columns)


async def _at_rest(connection: Connection, driver: int | None) -> None:
    """Refusal `driver_busy` when this driver has a load. Asked after the driver is locked, see above."""
    if driver is not None and await connection.fetchval(ON_LOAD, driver) is not None:
        raise Refusal("driver_busy")
