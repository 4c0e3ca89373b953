"""Several trucks a driver, one of them driven."""

import asyncio

import pytest

from dispatch.errors import Refusal
from storage.vehicle_rows import Spec
from storage.vehicles import LOCK_DRIVERS
from storage.winning import LOCK_DRIVER
from tests.integration.accounts.conftest import TRUCK, Desk

WHOLE = {
    **TRUCK,
    "country": "KZ",
    "trailer_plate": "77 aaa 01",
    "length_m": 13.6,
    "width_m": 2.45,
    "height_m": 2.7,
    "sides": ["rear", "side"],
    "adr": ["3", "8"],
    "temp_min_c": -20.0,
    "temp_max_c": 5.5,
    "axles": 5,
    "fuel_l_100km": 32.5,
    "year": 2019,
}


async def test_a_truck_comes_back_as_it_was_described(desk: Desk) -> None:
    made = await desk.driver.post("/vehicles", WHOLE)
    assert made.status == 201 and made.headers["Location"] == f"/api/v1/vehicles/{made.body['vehicle']}"
    assert made.body["plate"] == "123ABC02" and made.body["trailer_plate"] == "77AAA01"
    described = {**WHOLE, "plate": "123ABC02", "trailer_plate": "77AAA01"}
    assert {name: made.body[name] for name in WHOLE} == described
    # Provisioning gave the driver a truck, which stays the active one.
    assert made.body["active"] is False and made.body["keeper"] == desk.driver.id
    read = await desk.driver.get(f"/vehicles/{made.body['vehicle']}")
    assert read.body == made.body and read.headers["ETag"] == '"1"'


async def test_dispatch_judges_the_active_truck_by_everything_it_is(desk: Desk) -> None:
    made = (await desk.driver.post("/vehicles", WHOLE)).body
    await desk.driver.post(f"/vehicles/{made['vehicle']}/activate")
    row = await desk.pool.fetchrow(
        "SELECT v.id AS vehicle_id, v.* FROM vehicles v WHERE v.driver_id = $1", desk.driver.id
    )
    from storage.vehicle_rows import carrier

    truck = carrier(row)
    assert (truck.id, truck.body, truck.length_m, truck.sides, truck.adr, truck.temp_min_c) == (
        made["vehicle"],
        "tent",
        13.6,
        ("rear", "side"),
        ("3", "8"),
        -20.0,
    )


async def test_a_driver_has_one_active_truck_and_changes_it(desk: Desk) -> None:
    first = (await desk.driver.get("/vehicles")).body["vehicles"][0]
    second = (await desk.driver.post("/vehicles", TRUCK)).body
    assert (first["active"], second["active"]) == (True, False)
    changed = await desk.driver.post(f"/vehicles/{second['vehicle']}/activate")
    assert changed.body["active"] and changed.body["version"] == 2
    listed = (await desk.driver.get("/vehicles")).body["vehicles"]
    assert [each["active"] for each in listed] == [True, False]
    # Again it changes nothing.
    again = await desk.driver.post(f"/vehicles/{second['vehicle']}/activate")
    assert again.body == changed.body
    assert (await desk.driver.get("/me")).body["vehicle"]["plate"] == "123ABC02"


async def test_without_any_truck_the_first_one_is_driven_at_once(desk: Desk) -> None:
    first = (await desk.driver.get("/vehicles")).body["vehicles"][0]
    gone = await desk.driver.post(f"/vehicles/{first['vehicle']}/archive")
    assert gone.body["archived_at"] and not gone.body["active"]
    assert (await desk.driver.get("/me")).body["vehicle"] is None
    assert (await desk.driver.post("/vehicles", TRUCK)).body["active"]


async def test_the_old_way_describes_the_truck_that_is_driven(desk: Desk) -> None:
    truck = {"body": "reefer", "capacity_kg": 18_000.0, "volume_m3": 80.0, "plate": "777 xyz 05"}
    put = await desk.driver.put("/me/vehicle", truck)
    assert put.body == {**truck, "plate": "777XYZ05"}
    listed = (await desk.driver.get("/vehicles")).body["vehicles"]
    assert len(listed) == 1 and listed[0]["body"] == "reefer" and listed[0]["active"]
    # What it does not know of stays.
    spare = (await desk.driver.post("/vehicles", WHOLE)).body
    await desk.driver.post(f"/vehicles/{spare['vehicle']}/activate")
    assert (await desk.driver.put("/me/vehicle", {**truck, "plate": "1"})).status == 200
    after = (await desk.driver.get(f"/vehicles/{spare['vehicle']}")).body
    assert (after["body"], after["plate"], after["length_m"], after["year"]) == ("reefer", "1", 13.6, 2019)


async def test_a_number_plate_is_on_one_live_truck_of_its_country(desk: Desk) -> None:
    one, two = desk.drivers[:2]
    mine = (await one.post("/vehicles", TRUCK)).body
    cyrillic = {**TRUCK, "plate": "123 АВС 02"}
    assert (await two.post("/vehicles", cyrillic)).code == "plate_taken"
    assert (await two.put("/me/vehicle", TRUCK)).code == "plate_taken"
    assert (await two.post("/vehicles", {**TRUCK, "country": "RU"})).status == 201
    other = await two.post("/vehicles", {**TRUCK, "plate": ""})
    edited = await two.put(f"/vehicles/{other.body['vehicle']}", TRUCK, other.version)
    assert edited.code == "plate_taken"
    assert (await two.post("/vehicles", {**TRUCK, "plate": ""})).status == 201  # no number is no claim
    await one.post(f"/vehicles/{mine['vehicle']}/archive")
    assert (await two.post("/vehicles", TRUCK)).status == 201
    assert (await two.post("/vehicles", {**TRUCK, "plate": "A'; DROP TABLE"})).code == "bad_request"


async def test_an_edit_says_what_it_was_made_from(desk: Desk) -> None:
    made = await desk.driver.post("/vehicles", TRUCK)
    path = f"/vehicles/{made.body['vehicle']}"
    assert (await desk.driver.put(path, WHOLE)).code == "precondition_required"
    edited = await desk.driver.put(path, WHOLE, made.version)
    assert edited.body["version"] == 2 and edited.body["axles"] == 5
    assert (await desk.driver.put(path, TRUCK, made.version)).code == "version_stale"
    await desk.driver.post(f"{path}/archive")
    newest = await desk.driver.get(path)
    assert (await desk.driver.put(path, TRUCK, newest.version)).code == "vehicle_archived"
    assert (await desk.driver.post(f"{path}/activate")).code == "vehicle_archived"
    assert [
        each["vehicle"] for each in (await desk.driver.get("/vehicles?archived=true")).body["vehicles"]
    ] == [made.body["vehicle"]]


async def test_a_truck_that_no_truck_can_be_is_refused(desk: Desk) -> None:
    for wrong in (
        {"body": "boat"},
        {"capacity_kg": 0},
        {"volume_m3": 0},
        {"length_m": -1},
        {"sides": ["rear", "bottom"]},
        {"adr": ["10"]},
        {"axles": 0},
        {"year": 1800},
        {"country": "kz"},
        {"temp_min_c": 10, "temp_max_c": 5},
        {"plate": "x" * 25},
        {"plate": "A" * 17},
        {"driver_id": 1},
        {"version": 9},
    ):
        assert (await desk.driver.post("/vehicles", {**TRUCK, **wrong})).code == "bad_request", wrong


async def test_every_column_that_is_not_on_the_form_is_refused(desk: Desk) -> None:
    made = await desk.driver.post("/vehicles", TRUCK)
    path = f"/vehicles/{made.body['vehicle']}"
    before = await desk.rows("vehicles")
    columns = await desk.pool.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'vehicles'"
    )
    from server.protocol.rest.vehicles import TruckForm

    foreign = [row[0] for row in columns if row[0] not in TruckForm.__struct_fields__]
    assert {"driver_id", "keeper_id", "company_id", "archived_at", "version", "id"} <= set(foreign)
    for column in foreign:
        assert (await desk.driver.put(path, {**TRUCK, column: 1}, made.version)).code == "bad_request"
    assert await desk.rows("vehicles") == before


async def test_a_strangers_truck_is_not_there(desk: Desk) -> None:
    made = (await desk.driver.post("/vehicles", TRUCK)).body["vehicle"]
    for who in (desk.drivers[1], desk.logistician):
        for vehicle in (made, 10**9, "x"):
            for method, path, body in (
                ("GET", f"/vehicles/{vehicle}", None),
                ("PUT", f"/vehicles/{vehicle}", TRUCK),
                ("POST", f"/vehicles/{vehicle}/activate", None),
                ("POST", f"/vehicles/{vehicle}/archive", None),
            ):
                answer = await who.call(method, path, body, {"If-Match": '"1"'})
                assert answer.code == "not_found", (method, path)
    assert (await desk.shipper.get("/vehicles")).code == "forbidden"


async def test_while_a_load_is_on_it_a_truck_is_neither_changed_nor_left(desk: Desk) -> None:
    driver = desk.driver
    active = await driver.get(f"/vehicles/{(await driver.get('/vehicles')).body['vehicles'][0]['vehicle']}")
    spare = (await driver.post("/vehicles", TRUCK)).body["vehicle"]
    order = await desk.assign(driver)
    path = f"/vehicles/{active.body['vehicle']}"
    assert (await driver.post(f"/vehicles/{spare}/activate")).code == "driver_busy"
    assert (await driver.post(f"{path}/archive")).code == "driver_busy"
    same = {name: active.body[name] for name in WHOLE}
    smaller = {**same, "capacity_kg": 1000.0}
    assert (await driver.put(path, smaller, active.version)).code == "driver_busy"
    short = {name: smaller[name] for name in ("body", "capacity_kg", "volume_m3", "plate")}
    assert (await driver.put("/me/vehicle", short)).code == "driver_busy"
    # What no load depends on may be put right.
    assert (await driver.put(path, {**same, "fuel_l_100km": 30.0}, active.version)).status == 200
    # And the spare one is only a truck in the yard.
    assert (await driver.post(f"/vehicles/{spare}/archive")).status == 200
    await desk.finish(order)
    assert (await driver.post(f"{path}/archive")).status == 200


async def test_changes_at_once_leave_one_active_truck(desk: Desk) -> None:
    store = desk.services.vehicles
    ids = [
        (await store.add_own(desk.driver.id, Spec("KZ", "", "", "tent", 1000.0, 10.0))).id for _ in range(4)
    ]
    await asyncio.gather(*(store.activate(desk.driver.id, vehicle) for vehicle in ids * 3))
    active = await desk.pool.fetch("SELECT id FROM vehicles WHERE driver_id = $1", desk.driver.id)
    assert len(active) == 1 and active[0]["id"] in ids


async def test_the_truck_of_a_load_that_is_being_assigned_is_not_changed_under_it(desk: Desk) -> None:
    """Whoever comes second, the winner of a load or who changes the truck, sees what the first has done."""
    store, driver = desk.services.vehicles, desk.driver
    active = (await driver.get("/vehicles")).body["vehicles"][0]["vehicle"]
    spare = (await store.add_own(driver.id, Spec("KZ", "", "", "tent", 1000.0, 10.0))).id
    order = await desk.assign(driver)
    (won,) = await desk.pool.fetch("DELETE FROM assignments WHERE order_id = $1 RETURNING *", order)
    small = Spec("KZ", "", "", "tent", 1000.0, 10.0)
    for change in (
        lambda: store.activate(driver.id, spare),
        lambda: store.archive(driver.id, active),
        lambda: store.edit(driver.id, active, 1, small),
        lambda: store.put_active(driver.id, "van", 1.0, 1.0, ""),
    ):
        async with desk.pool.acquire() as connection, connection.transaction():
            await connection.execute(LOCK_DRIVER, driver.id)  # a win, as far as it has come
            changing = asyncio.create_task(change())
            await asyncio.sleep(0.05)
            assert not changing.done()
            await connection.execute(
                "INSERT INTO assignments (order_id, driver_id, vehicle_id, offer_id) VALUES ($1, $2, $3, $4)",
                order,
                driver.id,
                active,
                won["offer_id"],
            )
        with pytest.raises(Refusal, match="driver_busy"):
            await changing
        await desk.pool.execute("DELETE FROM assignments WHERE order_id = $1", order)
    async with desk.pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK_DRIVERS, [driver.id])  # a change, as far as it has come
        winning = asyncio.create_task(desk.pool.fetchval(LOCK_DRIVER, driver.id))
        await asyncio.sleep(0.05)
        assert not winning.done()
    await winning


async def test_code_from_before_keeps_writing_trucks(desk: Desk) -> None:
    """The migration runs first, the old workers go later."""
    driver = desk.drivers[2].id
    await desk.pool.execute("DELETE FROM vehicles WHERE driver_id = $1", driver)
    old = """
        INSERT INTO vehicles (driver_id, body, capacity_kg, volume_m3, plate) VALUES ($1, 'tent', 1000, 10, $2)
        ON CONFLICT (driver_id) DO UPDATE SET plate = EXCLUDED.plate"""
    for plate in ("1AAA01", "2AAA01"):
        await desk.pool.execute(old, driver, plate)
    assert [
        (each["plate"], each["active"]) for each in (await desk.drivers[2].get("/vehicles")).body["vehicles"]
    ] == [("2AAA01", True)]


async def test_nobody_keeps_more_trucks_than_a_yard_holds(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.vehicles.MAX_OWN", 2)
    assert (await desk.driver.post("/vehicles", TRUCK)).status == 201
    assert (await desk.driver.post("/vehicles", {**TRUCK, "plate": ""})).code == "limit_reached"
