"""A logistician's drivers and trucks, and what the one may do for the other."""

import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dispatch.errors import Refusal
from geo.cells import cell_of
from geo.types import Fix
from server.auth import Principal
from server.http.route import Call
from storage.visibility import sees
from tests.integration.accounts.conftest import TRUCK, Desk, Person


def call_of(person: Person, role: str) -> Call[Any, Any]:
    """Just enough of a request to ask for whom its caller acts."""
    principal = Principal(person.id, role, "s", time.time() + 60)
    return cast(Call[Any, Any], SimpleNamespace(caller=principal))


async def test_a_driver_joins_a_fleet_and_leaves_it(desk: Desk) -> None:
    company = await desk.fleet(desk.driver)
    mine = (await desk.driver.get("/me/fleet")).body
    assert mine["company"] == company and mine["shares_position"] is False
    listed = (await desk.logistician.get("/fleet/drivers")).body["drivers"]
    assert [each["driver"] for each in listed] == [desk.driver.id]
    assert listed[0]["on_duty"] and listed[0]["subscribed"] and listed[0]["order"] is None
    assert (await desk.driver.delete("/me/fleet")).status == 204
    assert (await desk.driver.get("/me/fleet")).code == "not_found"
    assert (await desk.logistician.get("/fleet/drivers")).body["drivers"] == []
    await desk.hire(desk.driver)  # and may come again


async def test_a_driver_drives_for_one_fleet(desk: Desk) -> None:
    await desk.fleet(desk.driver)
    rival = desk.logisticians[1]
    await rival.post("/company", {"legal_name": "ТОО «Соперник»", "bin": "940740000911"})
    asked = await rival.post("/company/invitations", {"phone": desk.driver.phone, "joins": "driver"})
    path = f"/invitations/{asked.body['invitation']}"
    assert (await desk.driver.post(f"{path}/accept")).code == "fleet_member"
    assert (await rival.delete(f"/fleet/drivers/{desk.driver.id}")).code == "not_found"
    assert (await desk.logistician.delete(f"/fleet/drivers/{desk.driver.id}")).status == 204
    assert (await desk.driver.post(f"{path}/accept")).status == 204


async def test_the_fleet_sees_where_a_driver_is_only_if_the_driver_says_so(desk: Desk) -> None:
    await desk.fleet(desk.driver)
    now = time.time()
    desk.services.live.put(desk.driver.id, Fix(now, 43.25, 76.95), cell_of(43.25, 76.95), now)
    desk.services.live.take_own(now)

    async def position() -> Any:
        return (await desk.logistician.get("/fleet/drivers")).body["drivers"][0]["position"]

    assert await position() is None
    assert (await desk.driver.put("/me/fleet", {"share_position": True})).body["shares_position"]
    assert (await position())["lat"] == 43.25
    await desk.driver.put("/me/fleet", {"share_position": False})
    assert await position() is None
    assert (await desk.drivers[1].put("/me/fleet", {"share_position": True})).code == "not_found"


async def test_a_truck_of_the_company_goes_from_hand_to_hand(desk: Desk) -> None:
    one, two, stranger = desk.drivers
    await desk.fleet(one, shares=True)
    await desk.hire(two)
    boss = desk.logistician
    made = (await boss.post("/vehicles", TRUCK)).body
    path = f"/vehicles/{made['vehicle']}"
    assert (made["keeper"], made["active"]) == (None, False) and made["company"]
    assert (await one.get(path)).code == "not_found"  # not theirs yet
    given = await boss.put(f"{path}/driver", {"driver": one.id})
    assert (given.body["keeper"], given.body["active"]) == (one.id, False)  # one drives the own truck now
    assert (await one.post(f"{path}/activate")).body["active"]
    # The driver uses it and leaves it as it is.
    assert (await one.put(path, TRUCK, given.version)).code == "forbidden"
    assert (await one.post(f"{path}/archive")).code == "forbidden"
    short = {"body": "van", "capacity_kg": 1.0, "volume_m3": 1.0}
    assert (await one.put("/me/vehicle", short)).code == "forbidden"
    moved = await boss.put(f"{path}/driver", {"driver": two.id})
    assert (moved.body["keeper"], moved.body["active"]) == (two.id, False)
    assert (await one.get(path)).code == "not_found"
    assert (await one.get("/me")).body["vehicle"] is None  # parked the own one, lost this one
    assert (await boss.put(f"{path}/driver", {"driver": stranger.id})).code == "not_found"
    assert (await boss.put(f"{path}/driver", {"driver": 10**9})).code == "not_found"
    back = await boss.put(f"{path}/driver", {"driver": None})
    assert back.body["keeper"] is None
    assert (await boss.post(f"{path}/activate")).code == "forbidden"  # nobody has it
    # A driver without a truck drives it at once; the logistician may also say so.
    again = await boss.put(f"{path}/driver", {"driver": one.id})
    assert again.body["active"]
    own = next(v for v in (await two.get("/vehicles")).body["vehicles"])
    assert (await boss.put(f"/vehicles/{own['vehicle']}/driver", {"driver": one.id})).code == "not_found"
    assert (await boss.post(f"{path}/activate")).body["active"]


async def test_a_load_keeps_driver_truck_and_fleet_together(desk: Desk) -> None:
    driver, boss = desk.driver, desk.logistician
    await desk.fleet(driver)
    made = (await boss.post("/vehicles", TRUCK)).body
    path = f"/vehicles/{made['vehicle']}"
    await boss.put(f"{path}/driver", {"driver": driver.id})
    await driver.post(f"{path}/activate")
    order = await desk.assign(driver)
    assert (await boss.put(f"{path}/driver", {"driver": None})).code == "driver_busy"
    assert (await boss.post(f"{path}/archive")).code == "driver_busy"
    assert (await driver.delete("/me/fleet")).code == "driver_busy"
    assert (await boss.delete(f"/fleet/drivers/{driver.id}")).code == "driver_busy"
    listed = (await boss.get("/fleet/drivers")).body["drivers"][0]
    assert (listed["order"], listed["vehicle"]) == (order, made["vehicle"])
    assert (await driver.get("/me/fleet")).status == 200
    await desk.finish(order)
    assert (await driver.delete("/me/fleet")).status == 204
    left = (await boss.get(path)).body
    assert (left["keeper"], left["active"]) == (None, False)


async def test_a_driver_with_a_load_on_the_own_truck_may_leave(desk: Desk) -> None:
    await desk.fleet(desk.driver)
    await desk.assign(desk.driver)
    assert (await desk.driver.delete("/me/fleet")).status == 204


async def test_who_acts_for_whom(desk: Desk) -> None:
    one, two, _ = desk.drivers
    boss, rival = desk.logisticians
    await desk.fleet(one)
    acts_for = desk.services.fleet.acts_for
    assert await acts_for(one.id, "driver", one.id)
    assert await acts_for(boss.id, "logistician", one.id)
    for user, role, driver in (
        (one.id, "driver", two.id),
        (boss.id, "logistician", two.id),
        (boss.id, "shipper", one.id),
        (boss.id, "admin", one.id),
        (rival.id, "logistician", one.id),
        (desk.shipper.id, "shipper", one.id),
    ):
        assert not await acts_for(user, role, driver)
    driver_for = desk.services.fleets.driver_for
    assert await driver_for(call_of(one, "driver"), None) == one.id
    assert await driver_for(call_of(boss, "logistician"), one.id) == one.id
    refused: list[tuple[Person, str, int | None, str]] = [
        (one, "driver", two.id, "not_found"),
        (boss, "logistician", two.id, "not_found"),
        (boss, "logistician", 10**9, "not_found"),
        (boss, "logistician", None, "bad_request"),
        (desk.shipper, "shipper", one.id, "forbidden"),
    ]
    for person, role, whom, code in refused:
        with pytest.raises(Refusal, match=code):
            await driver_for(call_of(person, role), whom)
    await one.delete("/me/fleet")
    assert not await acts_for(boss.id, "logistician", one.id)


async def test_the_look_for_who_acts_for_whom_reads_two_indexes(desk: Desk) -> None:
    from storage.fleet import ACTS_FOR

    await desk.pool.execute(
        "INSERT INTO users (phone, role) SELECT 'f' || n, 'driver' FROM generate_series(1, 3000) n"
    )
    company = await desk.fleet(desk.driver)
    await desk.pool.execute(
        "INSERT INTO fleet_drivers (company_id, driver_id) SELECT $1, id FROM users WHERE phone LIKE 'f%'",
        company,
    )
    await desk.pool.execute("ANALYZE fleet_drivers; ANALYZE company_members")
    plan = "\n".join(
        row[0]
        for row in await desk.pool.fetch(
            "EXPLAIN " + ACTS_FOR.replace("$1", str(desk.logistician.id)).replace("$2", str(desk.driver.id))
        )
    )
    assert "uq_fleet_drivers_driver" in plan or "ix_fleet_drivers_company" in plan
    assert "Seq Scan on fleet_drivers" not in plan


async def test_a_logistician_without_a_company_has_no_fleet(desk: Desk) -> None:
    assert (await desk.logistician.post("/vehicles", TRUCK)).code == "company_required"
    assert (await desk.logistician.get("/fleet/drivers")).body["drivers"] == []
    assert (await desk.logistician.get("/vehicles")).body["vehicles"] == []


async def test_a_load_that_is_kept_from_a_carrier_is_kept_from_its_drivers(desk: Desk) -> None:
    company = await desk.fleet(desk.driver)
    order = await desk.assign(desk.drivers[1])

    async def visible(driver: Person) -> object:
        query = f"SELECT {sees('$1::bigint')} FROM orders o WHERE o.id = $2"
        return await desk.pool.fetchval(query, driver.id, order)

    assert await visible(desk.driver) and await visible(desk.drivers[2])
    blocked = await desk.shippers[1].post("/me/blocks", {"company": company})
    assert blocked.status == 201, blocked.content
    assert not await visible(desk.driver) and await visible(desk.drivers[2])
    await desk.driver.delete("/me/fleet")
    assert await visible(desk.driver)
    await desk.pool.execute("UPDATE orders SET hidden_from = ARRAY[$2::bigint] WHERE id = $1", order, company)
    assert await visible(desk.driver)
    await desk.hire(desk.driver)
    assert not await visible(desk.driver)
