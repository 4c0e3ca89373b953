"""What each side is told of a trip and its proofs, property by property; also while the driver shares no place."""

import uuid
from typing import Any

import orjson
import pytest

from dispatch.model import Place, Status, Stop, Window
from geo.types import Position
from storage.order_rows import moment
from tests.integration.orders.market import ALMATY, ASTANA, Market
from tests.integration.orders.test_http import calling
from tests.served import ROOT, LocalServer

from .road import Road, stand

GOLDEN = ROOT / "tests" / "golden" / "rights" / "trips.json"
HERE = Position(43.5, 77.05)
STOPS = (Stop("pickup", ALMATY), Stop("drop", Place(*ASTANA), Window(None, 1_795_000_000.0)))


def properties(told: Any, name: str = "") -> set[str]:
    """Every property that says something, lists by what their elements hold."""
    if isinstance(told, dict):
        return {
            each
            for key, value in told.items()
            for each in properties(value, f"{name}.{key}" if name else key)
        }
    if isinstance(told, list):
        return {each for value in told for each in properties(value, f"{name}[]")}
    return set() if told is None else {name}


@pytest.mark.parametrize("sharing", ["shared", "paused"])
async def test_each_side_is_told_exactly_the_properties_of_the_golden_file(
    server: LocalServer, sharing: str
) -> None:
    services, accounts = server.services, server.accounts
    shipper, driver, admin = accounts["shippers"][0], accounts["drivers"][0], accounts["admins"][0]
    market = Market(services.pool)
    load = {"weight_kg": 100.0, "volume_m3": 1.0, "body": driver["body"], "stops": STOPS}
    order = await market.on_board(await market.order(shipper["user"], **load))
    await market.orders.take(driver["user"], order.id, uuid.uuid4())
    now = services.now()
    await services.pool.execute("UPDATE trips SET started_at = $1", moment(now - 3_600))
    road = await Road.of(services.pool, driver["user"])
    await road.send(stand(*HERE, now - 900, 890))
    path = f"/api/v1/orders/{order.id}"
    async with (
        calling(server, shipper) as asks,
        calling(server, driver) as drives,
        calling(server, admin) as watches,
    ):
        assert (await asks("PUT", f"{path}/proof/demand", {"kinds": ["code", "signature"]}))[0] == 200
        for status in ("at_pickup", "loaded", "in_transit"):
            await market.orders.advance(driver["user"], order.id, Status(status))
        if sharing == "paused":
            assert (await drives("POST", f"{path}/sharing", {"paused": True, "minutes": 30}))[0] == 200
        row = None
        while row is None:  # the server's own loop may hold the trip while we ask
            await services.pool.execute("UPDATE trips SET look_at = clock_timestamp(), eta_at = NULL")
            await services.trip_watch.round()
            row = await services.pool.fetchval("SELECT eta_at FROM trips")
        told = {}
        for side, call in (("shipper", asks), ("driver", drives), ("staff", watches)):
            for what in ("trip", "trip/track", "proof"):
                status, found = await call("GET", f"{path}/{what}")
                assert status == 200, found
                told[f"{sharing} {side} {what}"] = sorted(properties(found))
    looks = await services.pool.fetch("SELECT user_id FROM staff_actions WHERE action = 'truck.view'")
    assert [row["user_id"] for row in looks] == [driver["user"]]
    golden = orjson.loads(GOLDEN.read_bytes()) if GOLDEN.exists() else {}
    assert told == {name: held for name, held in golden.items() if name.startswith(sharing)}
