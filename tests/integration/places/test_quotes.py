"""Quotes over HTTP: every figure with its origin, by the corridor graph and by a vendor that speaks or hangs."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from dispatch.price_range import FEWEST
from tests.contract.routes import fake
from tests.contract.routes.fake import HANG, PAIRS, TRUCK_SLOWER, FakeMaps
from tests.integration.orders.market import Market
from tests.served import LocalServer

ALMATY, ASTANA, KONAEV, BALKHASH, TASHKENT = 1526384, 1526273, 1519948, 1525798, 1512569
TENT = {"pickup_city": ALMATY, "drop_city": ASTANA, "weight_kg": 20_000.0}
WINTER = 1_769_900_000.0


class Caller:
    """Raw REST as one account."""

    def __init__(self, http: aiohttp.ClientSession, access: str) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {access}"}

    async def __call__(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        async with self._http.request(
            method, path, json=body, headers={**self._headers, **headers}
        ) as answer:
            return answer.status, await answer.json(content_type=None) if answer.status != 204 else {}

    async def quote(self, **changes: object) -> dict[str, Any]:
        status, found = await self("POST", "/api/v1/quotes", {**TENT, **changes})
        assert status == 200, found
        return found


@pytest.fixture
async def shipper(server: LocalServer) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession(server.url) as http:
        yield Caller(http, server.accounts["shippers"][0]["access"])


@pytest.fixture
async def maps() -> AsyncIterator[tuple[FakeMaps, str]]:
    made = FakeMaps()
    async with TestServer(made.app()) as server:
        yield made, str(server.make_url("")).rstrip("/")


@pytest.fixture
async def mapped(
    dsn: str, redis: Redis, redis_url: str, tmp_path: Path, maps: tuple[FakeMaps, str]
) -> AsyncIterator[LocalServer]:
    """A server that asks Valhalla, then OSRM, with half a second for both."""
    local = LocalServer(dsn, redis_url, tmp_path)
    local.extra = {
        "DESK_ROUTE_PROVIDERS": "valhalla,osrm,embedded",
        "DESK_VALHALLA_URL": maps[1],
        "DESK_OSRM_URL": maps[1],
        "DESK_ROUTE_BUDGET_MS": "500",
    }
    await local.start()
    yield local
    await local.stop()


@pytest.fixture
async def caller(mapped: LocalServer) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession(mapped.url) as http:
        yield Caller(http, mapped.accounts["shippers"][0]["access"])


async def test_a_quote_by_the_graph_tells_everything_and_where_it_is_from(shipper: Caller) -> None:
    found = await shipper.quote(depart_at=WINTER)
    assert (found["origin"], found["line_origin"], found["estimate"], found["polyline"]) == (
        "embedded",
        "embedded",
        False,
        None,
    )
    assert 1_200_000 < found["distance_m"] < 1_260_000 and len(found["line"]) >= 5
    eta = found["eta"]
    assert WINTER == eta["depart_at"] < eta["early_at"] < eta["typical_at"] < eta["late_at"]
    parts = ("driving_s", "rest_s", "border_s", "service_s", "heat_s")
    assert sum(eta[part] for part in parts) == pytest.approx(eta["typical_at"] - WINTER, abs=1)
    assert eta["rest_s"] >= 22 * 3_600  # nineteen hours at the wheel
    fuel = found["fuel"]
    assert (fuel["origin"], fuel["litres_origin"]) == ("default", "assumed") and 300 < fuel["litres"] < 450
    assert found["tolls"]["origin"].startswith("kazavtozhol-2026")
    assert sum(each["cost"]["amount"] for each in found["tolls"]["sections"]) == pytest.approx(
        found["tolls"]["cost"]["amount"], abs=5
    )
    assert (found["borders"], found["border_cost"]) == (
        [],
        {"cost": {"amount": 0, "currency": "KZT"}, "origin": "none"},
    )
    span = found["price_range"]
    assert span["origin"] == "tariff" and span["typical"] == found["price"]
    assert span["low"]["amount"] < span["typical"]["amount"] < span["high"]["amount"]
    profit = found["profit"]
    costs = sum(profit[part]["amount"] for part in ("fuel", "tolls", "borders", "wear"))
    assert profit["profit"]["amount"] == found["price"]["amount"] - costs
    assert profit["per_hour"]["amount"] == pytest.approx(
        profit["profit"]["amount"] / (profit["seconds"] / 3_600), abs=1
    )


async def test_a_haul_abroad_names_its_crossing_and_costs_more(shipper: Caller) -> None:
    found = await shipper.quote(drop_city=TASHKENT)
    [border] = found["borders"]
    assert (border["leaves"], border["enters"], border["origin"]) == ("KZ", "UZ", "carec-kz-mean")
    assert border["crossing"] and border["name"] and border["wait_s"] == 4 * 3_600
    assert found["eta"]["border_s"] == border["wait_s"]
    assert found["border_cost"]["cost"]["amount"] > 0
    assert found["duration_s"] == pytest.approx(found["driving_s"] + border["wait_s"])
    inland = await shipper.quote()
    assert (
        found["price"]["amount"] / found["distance_m"]
        > 1.8 * inland["price"]["amount"] / inland["distance_m"]
    )


async def test_the_truck_the_crew_and_the_way_of_paying_change_what_they_should(shipper: Caller) -> None:
    plain = await shipper.quote(depart_at=WINTER)
    pair = await shipper.quote(depart_at=WINTER, crew=2)
    assert pair["eta"]["typical_at"] < plain["eta"]["typical_at"] and pair["eta"]["crew"] == 2
    late = await shipper.quote(depart_at=WINTER, toll_prepaid=False)
    assert late["tolls"]["cost"]["amount"] > plain["tolls"]["cost"]["amount"]
    own = await shipper.quote(depart_at=WINTER, vehicle={"litres_100km": 28, "capacity_kg": 10_000})
    assert own["fuel"]["litres_origin"] == "vehicle" and own["trucks"] == 2
    july = await shipper.quote(depart_at=1_782_900_000)
    assert july["eta"]["heat_s"] > 0 and plain["eta"]["heat_s"] == 0


async def test_stops_cost_time_and_an_empty_run_costs_money(shipper: Caller) -> None:
    plain = await shipper.quote(depart_at=WINTER)
    stop = {"city": BALKHASH, "service_s": 7_200}
    served = await shipper.quote(depart_at=WINTER, stops=[stop, {"lat": 49.8, "lon": 73.1, "service_s": 0}])
    assert served["eta"]["service_s"] == 7_200
    assert served["distance_m"] == pytest.approx(plain["distance_m"], rel=0.02)
    empty = await shipper.quote(depart_at=WINTER, driver_at={"lat": 43.8668, "lon": 77.063}, price=60_000_000)
    profit = empty["profit"]
    assert (profit["deadhead_m"], profit["deadhead_origin"]) == (pytest.approx(75_000, rel=0.05), "embedded")
    assert (
        profit["price"]["amount"] == 60_000_000 and profit["fuel"]["amount"] > empty["fuel"]["cost"]["amount"]
    )


async def test_an_exact_place_is_driven_to(shipper: Caller) -> None:
    plain = await shipper.quote()
    farther = await shipper.quote(pickup={"lat": 43.05, "lon": 76.95})
    assert farther["distance_m"] > plain["distance_m"] + 10_000
    assert farther["line"][0] == [43.05, 76.95]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"drop_city": 10**9}, 422, "place_unknown"),
        ({"stops": [{"service_s": 60}]}, 400, "bad_request"),
        ({"stops": [{"city": 10**9}]}, 422, "place_unknown"),
        ({"stops": [{"city": KONAEV}] * 9}, 400, "bad_request"),
        ({"crew": 3}, 400, "bad_request"),
        ({"vehicle": {"capacity_kg": 0}}, 400, "bad_request"),
        ({"pickup": {"lat": 91, "lon": 0}}, 400, "bad_request"),
        ({"weight_kg": -1}, 400, "bad_request"),
    ],
)
async def test_what_cannot_be_reckoned_is_refused(
    shipper: Caller, changes: dict[str, object], status: int, code: str
) -> None:
    found, problem = await shipper("POST", "/api/v1/quotes", {**TENT, **changes})
    assert (found, problem["code"]) == (status, code)


async def test_names_come_in_the_callers_language(shipper: Caller) -> None:
    for lang, name in (("en", "Almaty"), ("zh", "阿拉木图"), ("ru", "Алматы")):
        _, found = await shipper("POST", "/api/v1/quotes", TENT, **{"Accept-Language": lang})
        assert found["towns"][0] == name


async def test_ten_finished_hauls_make_the_lanes_own_range(server: LocalServer, shipper: Caller) -> None:
    market = Market(server.services.pool)
    quoted = await shipper.quote()
    for number in range(FEWEST):
        order = await market.order(server.accounts["shippers"][0]["user"])
        await market.pool.execute(
            "UPDATE orders SET status = 'delivered', ended_at = now(), pickup_city = $2, drop_city = $3,"
            " distance_m = $4, weight_kg = 20000, volume_m3 = 0, body = 'tent', price_amount = $5 WHERE id = $1",
            order.id,
            ALMATY,
            ASTANA,
            quoted["distance_m"],
            quoted["price"]["amount"] * (12 if number else 10) // 10,
        )
    span = (await shipper.quote())["price_range"]
    assert (span["origin"], span["hauls"]) == ("lane", FEWEST)
    assert span["typical"]["amount"] == pytest.approx(quoted["price"]["amount"] * 1.2, rel=0.01)
    assert span["low"]["amount"] < span["typical"]["amount"] == span["high"]["amount"]
    back = await shipper.quote(pickup_city=ASTANA, drop_city=ALMATY)
    assert back["price_range"]["origin"] == "tariff"
    await market.pool.execute("UPDATE orders SET ended_at = now() - interval '91 days'")
    assert (await shipper.quote())["price_range"]["origin"] == "tariff"


async def test_a_vendors_figures_are_taken_and_named(caller: Caller, maps: tuple[FakeMaps, str]) -> None:
    metres, seconds = PAIRS[frozenset((fake.ALMATY, fake.ASTANA))]
    found = await caller.quote(weight_kg=21_500.0, adr=True)
    assert (found["origin"], found["line_origin"]) == ("valhalla", "valhalla")
    assert found["distance_m"] == metres and found["driving_s"] == pytest.approx(seconds * TRUCK_SLOWER)
    assert found["polyline"]["drawable"] and found["polyline"]["origin"] == "valhalla"
    assert "Балхаш" in found["towns"] and found["tolls"]["sections"]  # what a vendor does not tell
    truck = maps[0].asked[0][3]["costing_options"]["truck"]
    assert (truck["hazmat"], truck["weight"]) == (True, 38.0)
    await caller.quote(weight_kg=21_500.0, adr=True)
    assert len(maps[0].asked) == 1  # the second one was kept


async def test_the_empty_run_is_asked_of_the_vendor_too(caller: Caller, maps: tuple[FakeMaps, str]) -> None:
    found = await caller.quote(driver_at={"lat": fake.KONAEV.lat, "lon": fake.KONAEV.lon})
    assert (found["profit"]["deadhead_m"], found["profit"]["deadhead_origin"]) == (76_000, "valhalla")
    assert len(maps[0].asked) == 2


async def test_an_order_is_posted_while_every_vendor_hangs(
    mapped: LocalServer, caller: Caller, maps: tuple[FakeMaps, str]
) -> None:
    maps[0].script += [HANG] * 100
    order = {**TENT, "cargo": "мука", "allow_duplicate": True}
    waits = []
    for _ in range(4):
        started = time.monotonic()
        async with asyncio.timeout(20):
            status, made = await caller(
                "POST", "/api/v1/orders", order, **{"Idempotency-Key": uuid.uuid4().hex}
            )
        assert status == 201, made
        waits.append(time.monotonic() - started)
        stored = await mapped.services.pool.fetchval(
            "SELECT distance_origin FROM orders WHERE id = $1", made["order"]
        )
        assert stored == "embedded"
    # Three times each of them was waited for; from then on nobody is, and nobody is asked.
    asked = len(maps[0].asked)
    assert asked <= 6 and not mapped.services.ways._chain._flights
    status, _ = await caller("POST", "/api/v1/orders", order, **{"Idempotency-Key": uuid.uuid4().hex})
    assert status == 201 and len(maps[0].asked) == asked


async def test_an_order_keeps_whose_kilometres_it_was_quoted_by(mapped: LocalServer, caller: Caller) -> None:
    quoted = await caller.quote()
    status, made = await caller(
        "POST", "/api/v1/orders", {**TENT, "cargo": "мука"}, **{"Idempotency-Key": uuid.uuid4().hex}
    )
    assert (status, made["distance_m"], made["price"]) == (201, quoted["distance_m"], quoted["price"])
    origin = await mapped.services.pool.fetchval(
        "SELECT distance_origin FROM orders WHERE id = $1", made["order"]
    )
    assert origin == "valhalla"


@pytest.mark.parametrize(
    "changes",
    [
        {"drop_city": ALMATY},
        {"pickup": {"lat": 0, "lon": 0}, "drop": {"lat": 0, "lon": 0}},
        {"pickup": {"lat": 90, "lon": 180}, "drop": {"lat": -90, "lon": -180}},
        {"depart_at": 0},
        {"depart_at": 1e11},
        {"weight_kg": 100_000, "volume_m3": 500, "body": "van"},
        {"weight_kg": 0.001},
        {"vehicle": {"capacity_kg": 100, "volume_m3": 0.1, "axle_kg": 100, "litres_100km": 200}},
        {"price": 10**12, "crew": 2, "driver_at": {"lat": -45, "lon": 170}},
        {"stops": [{"city": ASTANA, "service_s": 604_800}, {"city": ALMATY}] * 4},
        {"stops": [{"city": ALMATY, "lat": 51.18, "lon": 71.45}]},
    ],
    ids=str,
)
async def test_a_strange_haul_is_reckoned_all_the_same(shipper: Caller, changes: dict[str, object]) -> None:
    status, found = await shipper("POST", "/api/v1/quotes", {**TENT, **changes})
    assert status == 200, found
    assert found["eta"]["early_at"] <= found["eta"]["typical_at"] <= found["eta"]["late_at"]


async def test_the_scrape_tells_of_vendors(mapped: LocalServer, caller: Caller) -> None:
    await caller.quote()
    async with aiohttp.ClientSession(mapped.url) as http, http.get("/metrics") as answer:
        text = await answer.text()
    assert 'desk_vendor_calls_total{kind="routes",outcome="ok",vendor="valhalla",worker="0"} 1.0' in text
