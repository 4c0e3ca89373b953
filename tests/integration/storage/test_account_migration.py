"""What the accounts' migration makes of the trucks that were there, and what is left of them on the way back."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from storage import migrate


def on(dsn: str, work: Callable[[Any], Awaitable[Any]]) -> Any:
    """Runs something on a connection of its own; migrations have their own loop."""

    async def run() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


async def old_trucks(connection: Any) -> None:
    for number, plate in enumerate(("123 ABC 02", "123авс02", "777-XYZ-01", "", ""), start=1):
        await connection.execute(
            "INSERT INTO users (id, phone, role) VALUES ($1, $2, 'driver')", number, f"+7{number}"
        )
        await connection.execute(
            "INSERT INTO vehicles (driver_id, body, capacity_kg, volume_m3, plate) VALUES ($1, 'tent', 1, 1, $2)",
            number,
            plate,
        )


async def trucks(connection: Any) -> list[tuple[Any, ...]]:
    rows = await connection.fetch("SELECT driver_id, keeper_id, plate FROM vehicles ORDER BY id")
    return [tuple(row) for row in rows]


async def several_trucks(connection: Any) -> None:
    """Driver 1 parks a truck that has carried a load; driver 2 has carried one with a company's and has none."""
    await connection.execute(
        "INSERT INTO companies (id, legal_name, country, bin) VALUES (1, 'ТОО', 'KZ', '990340005977')"
    )
    await connection.execute("UPDATE vehicles SET driver_id = NULL WHERE driver_id IN (1, 2)")
    await connection.execute(
        "INSERT INTO vehicles (id, driver_id, keeper_id, company_id, body, capacity_kg, volume_m3)"
        " VALUES (100, 1, 1, NULL, 'van', 1, 1), (101, NULL, NULL, 1, 'reefer', 5, 5)"
    )
    await connection.execute(
        "INSERT INTO users (id, phone, role) VALUES (9, '+79', 'shipper');"
        "INSERT INTO orders (id, shipper_id, status) VALUES (1, 9, 'cancelled'), (2, 9, 'cancelled');"
        "INSERT INTO offers (id, order_id, driver_id, status, wave, deadhead_m, score, reasons, expires_at)"
        " VALUES (1, 1, 1, 'accepted', 1, 0, 0, '{}', now()), (2, 2, 2, 'accepted', 1, 0, 0, '{}', now());"
        "INSERT INTO assignments (order_id, driver_id, vehicle_id, offer_id, ended_at)"
        " VALUES (1, 1, 1, 1, now()), (2, 2, 101, 2, now());"
        "INSERT INTO files (id, owner_id, name, mime, size, sha256) VALUES (1, 1, 'x', 'image/png', 1, '');"
        "INSERT INTO documents (user_id, vehicle_id, file_id, kind) VALUES (1, 1, 1, 'insurance')"
    )


async def assigned(connection: Any) -> list[tuple[Any, ...]]:
    rows = await connection.fetch(
        "SELECT a.driver_id, v.driver_id, v.body FROM assignments a JOIN vehicles v ON v.id = a.vehicle_id"
        " ORDER BY a.driver_id"
    )
    return [tuple(row) for row in rows]


def test_every_driver_keeps_the_truck_and_a_number_has_one_form_and_one_owner(own_dsn: str) -> None:
    migrate.downgrade(own_dsn, "0004")
    on(own_dsn, old_trucks)
    migrate.upgrade(own_dsn)
    assert on(own_dsn, trucks) == [
        (1, 1, "123ABC02"),
        (2, 2, ""),  # the second claim to the number
        (3, 3, "777XYZ01"),
        (4, 4, ""),
        (5, 5, ""),
    ]
    migrate.check(own_dsn)


def test_on_the_way_back_every_load_finds_a_truck_of_its_driver(own_dsn: str) -> None:
    migrate.downgrade(own_dsn, "0004")
    on(own_dsn, old_trucks)
    migrate.upgrade(own_dsn)
    on(own_dsn, several_trucks)
    migrate.downgrade(own_dsn, "0004")
    assert on(own_dsn, assigned) == [(1, 1, "van"), (2, 2, "reefer")]
    migrate.upgrade(own_dsn)
    migrate.check(own_dsn)
