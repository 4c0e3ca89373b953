"""The board and saved searches over HTTP, as drivers and logisticians meet them."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import polyline
import pytest

from geo.gazetteer import Gazetteer
from tests.integration.orders.market import ALMATY, ASTANA
from tests.served import LocalServer
from tracking_desk_client import messages as sdk

from .shelf import Shelf, place

GAZETTEER = Gazetteer.load()


class Caller:
    """One account over HTTP."""

    def __init__(self, http: aiohttp.ClientSession, account: dict[str, Any]) -> None:
        self._http = http
        self.user: int = account["user"]
        self._headers = {"Authorization": f"Bearer {account['access']}"}

    async def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
        **query: object,
    ) -> tuple[int, Any]:
        if query:
            path += "?" + urlencode({name: str(value) for name, value in query.items()}, quote_via=quote)
        headers = {**self._headers, **(headers or {})}
        async with self._http.request(method, path, json=body, headers=headers) as answer:
            self.answer_headers = answer.headers
            text = await answer.text()
            return answer.status, json.loads(text) if text else None


@pytest.fixture
async def http(server: LocalServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        yield session


@pytest.fixture
def driver(server: LocalServer, http: aiohttp.ClientSession) -> Caller:
    return Caller(http, server.accounts["drivers"][0])


@pytest.fixture
def shelf(server: LocalServer) -> Shelf:
    return Shelf(server.services.pool)


def city(name: str) -> int:
    return GAZETTEER.search(name, "en", 1)[0].id


async def test_a_search_by_everything_that_a_query_can_say(driver: Caller, shelf: Shelf) -> None:
    order = await shelf.post(kind="food", method="cash", prepay_percent=50)
    other = await shelf.post(pickup=ASTANA, drop=ALMATY, body="tank")
    status, everything = await driver("GET", "/api/v1/board", fits="false", count="true")
    assert status == 200 and [load["order"] for load in everything["loads"]] == [other.id, order.id]
    assert everything["total"] == {"count": 2, "exact": True} and everything["next"] is None
    square = polyline.encode([(42, 75), (42, 78), (45, 78), (45, 75)])
    asked: dict[str, object] = {
        "from_city": city("Almaty"), "radius_m": 50_000, "to_lat": 51.1, "to_lon": 71.4, "to_radius_m": 90_000,
        "bbox": "70,40,80,50", "polygon": square, "fits": "false", "bodies": "tent,reefer", "kinds": "food,metal",
        "weight_min_kg": 1000, "weight_max_kg": 21000, "volume_max_m3": 90, "price_min": 1,
        "price_per_km_min": 100, "adr": "none", "pricings": "fixed,bids", "payment_methods": "cash",
        "payment_whens": "on_delivery",
        "vat": "false", "prepay_min": 20, "sort": "per_km",
    }  # fmt: skip
    status, page = await driver("GET", "/api/v1/board", **asked)
    assert status == 200 and [load["order"] for load in page["loads"]] == [order.id]
    (card,) = page["loads"]
    assert card["price_per_km"] == 38_000 and card["shipper"]["rating"] is None and card["on_board"]
    assert card["deadhead_m"] < 50_000 and "near" in card["reasons"] and card["profit"]["per_hour"] > 0
    text = json.dumps(page, ensure_ascii=False)
    assert "Абая" not in text and "+7701" not in text and "comment" not in text
    for name, value in (("kinds", "metal"), ("payment_methods", "card"), ("vat", "true"), ("adr", "only")):
        status, page = await driver("GET", "/api/v1/board", **{**asked, name: value})
        assert status == 200 and page["loads"] == [], name


async def test_a_route_between_towns_or_over_a_line_is_a_corridor(driver: Caller, shelf: Shelf) -> None:
    balkhash, karaganda = (GAZETTEER.city(city(name)) for name in ("Balkhash", "Karaganda"))
    assert balkhash and karaganda
    order = await shelf.post(
        pickup=place(*balkhash.position), drop=place(*karaganda.position), distance_m=390_000.0
    )
    await shelf.post(pickup=place(*karaganda.position), drop=place(*balkhash.position), distance_m=390_000.0)
    towns = {
        "route_from": city("Almaty"),
        "route_to": city("Astana"),
        "max_detour_m": 60_000,
        "fits": "false",
    }
    status, page = await driver("GET", "/api/v1/board", **towns)
    assert status == 200 and [load["order"] for load in page["loads"]] == [order.id]
    assert page["loads"][0]["detour_m"] <= 60_000 and "on_the_way" in page["loads"][0]["reasons"]
    line = polyline.encode([(43.25, 76.95), balkhash.position, karaganda.position, (51.17, 71.43)])
    status, page = await driver("GET", "/api/v1/board", route_line=line, max_detour_m=60_000, fits="false")
    assert [load["order"] for load in page["loads"]] == [order.id]
    towns |= {"route_via": f"{city('Balkhash')},{city('Karaganda')}"}
    status, page = await driver("GET", "/api/v1/board", **towns)
    assert [load["order"] for load in page["loads"]] == [order.id]


REFUSED = (
    ({"lat": 43.2}, 400, "bad_request"),
    ({"lat": 43.2, "lon": 76.9, "from_city": 1526384}, 400, "bad_request"),
    ({"from_city": 4}, 422, "place_unknown"),
    ({"bbox": "1,2,3"}, 400, "bad_request"),
    ({"bbox": "1,50,3,40"}, 422, "area_invalid"),
    ({"bbox": "1,2,3,x"}, 400, "bad_request"),
    ({"polygon": polyline.encode([(1, 1), (2, 2)])}, 422, "area_invalid"),
    ({"polygon": polyline.encode([(0, 0), (9, 9), (9, 0), (0, 9)])}, 422, "area_invalid"),
    ({"polygon": "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~"}, 422, "area_invalid"),
    ({"polygon": "'; DROP TABLE board; --"}, 400, "bad_request"),
    ({"route_from": 1526384}, 400, "bad_request"),
    ({"route_line": polyline.encode([(1, 1), (1, 1)])}, 422, "area_invalid"),
    ({"kinds": "'; SELECT 1; --"}, 400, "bad_request"),
    ({"bodies": "<script>"}, 400, "bad_request"),
    ({"sort": "at; DROP TABLE orders"}, 400, "bad_request"),
    ({"after": "AAAA"}, 400, "bad_request"),
    ({"after": "AAAA' OR 1=1"}, 400, "bad_request"),
    ({"limit": 101}, 400, "bad_request"),
    ({"nonsense": 1}, 400, "bad_request"),
    ({"vehicle": 2**40}, 404, "not_found"),
    ({"driver": 2**40}, 404, "not_found"),
    ({"sort": "nearest"}, 422, "origin_unknown"),
)


@pytest.mark.parametrize(("query", "status", "code"), REFUSED)
async def test_what_makes_no_sense_is_refused_with_a_code(
    driver: Caller, query: dict[str, object], status: int, code: str
) -> None:
    got, problem = await driver("GET", "/api/v1/board", **query)
    assert (got, problem["code"]) == (status, code), problem


@pytest.mark.parametrize("sort", ["newest", "nearest", "per_km", "profit", "pickup_date"])
async def test_pages_follow_each_other_by_an_opaque_cursor(driver: Caller, shelf: Shelf, sort: str) -> None:
    orders = [
        (await shelf.post(price=(n % 3 + 1) * 10**7, pickup=place(43.2 + n / 50, 76.9))).id for n in range(9)
    ]
    asked: dict[str, object] = {"fits": "false", "lat": 43.2, "lon": 76.9, "sort": sort, "limit": 4}
    found, pages = [], 0
    while True:
        status, page = await driver("GET", "/api/v1/board", **asked)
        assert status == 200
        found += [load["order"] for load in page["loads"]]
        pages += 1
        if page["next"] is None:
            break
        assert 'rel="next"' in driver.answer_headers["Link"]
        asked["after"] = page["next"]
    assert pages == 3 and sorted(found) == orders
    other = "per_km" if sort == "newest" else "newest"
    _, first = await driver("GET", "/api/v1/board", fits="false", limit=2, sort=sort, lat=43.2, lon=76.9)
    status, problem = await driver("GET", "/api/v1/board", fits="false", sort=other, after=first["next"])
    assert (status, problem["code"]) == (400, "bad_request"), "a cursor is of one order"


async def test_facets_and_the_map(driver: Caller, shelf: Shelf) -> None:
    for number in range(3):
        await shelf.post(kind="food" if number else "meat")
    status, facets = await driver("GET", "/api/v1/board/facets", fits="false")
    assert status == 200 and facets["total"] == {"count": 3, "exact": True}
    assert facets["kinds"] == {"food": 2, "meat": 1} and facets["bodies"] == {"tent": 3}
    status, few = await driver("GET", "/api/v1/board/clusters", fits="false", bbox="46,40,88,56", zoom=5)
    assert status == 200 and len(few["loads"]) == 3 and few["clusters"] == []
    for _ in range(40):
        await shelf.post()
    await shelf.upkeep.look(least_s=0.0)
    status, many = await driver("GET", "/api/v1/board/clusters", fits="false", bbox="46,40,88,56", zoom=5)
    (cluster,) = many["clusters"]
    assert many["resolution"] == 3 and cluster["loads"] == 43 and cluster["price_min"] == 46_360_000
    status, problem = await driver("GET", "/api/v1/board/clusters", zoom=5)
    assert (status, problem["code"]) == (400, "bad_request")


async def test_one_load_by_its_number(driver: Caller, shelf: Shelf) -> None:
    order, waiting = await shelf.post(), await shelf.post(boarded=False)
    status, card = await driver("GET", f"/api/v1/board/{order.id}")
    assert status == 200 and card["order"] == order.id and card["on_board"]
    assert (await driver("GET", f"/api/v1/board/{waiting.id}"))[0] == 404
    alert = "INSERT INTO search_alerts (driver_id, order_id) VALUES ($1, $2)"
    await shelf.pool.execute(alert, driver.user, waiting.id)
    status, card = await driver("GET", f"/api/v1/board/{waiting.id}")
    assert status == 200 and not card["on_board"], (
        "who was alerted may look while it is still offered to others"
    )


async def test_a_saved_search_is_kept_edited_counted_and_forgotten(driver: Caller, shelf: Shelf) -> None:
    await shelf.post()
    form = {"name": "Домой <b>", "search": {"from_city": city("Almaty"), "bodies": ["tent"], "fits": False}}
    status, kept = await driver("POST", "/api/v1/searches", form)
    assert status == 201 and kept["name"] == "Домой <b>" and kept["search"]["bodies"] == ["tent"]
    path = driver.answer_headers["Location"]
    assert path == f"/api/v1/searches/{kept['saved_search']}" and driver.answer_headers["ETag"] == '"1"'
    assert (kept["fresh"], kept["fresh_exact"]) == (0, True), "what was there when it was saved is not new"
    await shelf.post()
    await shelf.post(body="tank")
    status, listed = await driver("GET", "/api/v1/searches")
    assert [each["fresh"] for each in listed["searches"]] == [1]
    assert (await driver("POST", f"{path}/viewed", {}))[0] == 204
    status, again = await driver("GET", path)
    assert again["fresh"] == 0
    edited = {**form, "active": False, "quiet_from": 1320, "quiet_to": 420}
    assert (await driver("PUT", path, edited))[0] == 428
    status, changed = await driver("PUT", path, edited, {"If-Match": '"1"'})
    assert status == 200 and changed["version"] == 2 and not changed["active"] and changed["quiet_to"] == 420
    assert (await driver("PUT", path, edited, {"If-Match": '"1"'}))[1]["code"] == "version_stale"
    assert (await driver("POST", "/api/v1/searches", form))[1]["code"] == "search_exists"
    assert (await driver("POST", "/api/v1/searches", {**form, "name": "x", "quiet_from": 5}))[0] == 400
    bad = {"name": "y", "search": {"from_city": 4}}
    assert (await driver("POST", "/api/v1/searches", bad))[1]["code"] == "place_unknown"
    assert (await driver("DELETE", path))[0] == 204
    assert (await driver("GET", path))[0] == 404


async def test_a_match_reaches_the_drivers_socket(server: LocalServer, driver: Caller, shelf: Shelf) -> None:
    form = {"name": "всё из Алматы", "search": {"lat": 43.25, "lon": 76.95, "fits": False}}
    assert (await driver("POST", "/api/v1/searches", form))[0] == 201
    told: asyncio.Queue[object] = asyncio.Queue()
    async with server.driver(0) as client:
        client.connection.on_message = told.put_nowait
        await shelf.post(boarded=False)
        await server.services.dispatcher.seek_due()
        message = await asyncio.wait_for(told.get(), 10)
        while not isinstance(message, sdk.SearchMatched):
            message = await asyncio.wait_for(told.get(), 10)
    assert message.name == "всё из Алматы" and message.pickup.name == ALMATY.name


async def test_the_board_refuses_more_waiting_searches_than_it_can_hold(
    server: LocalServer, driver: Caller
) -> None:
    server.services.board._waiting = 100
    status, problem = await driver("GET", "/api/v1/board")
    assert (status, problem["code"]) == (429, "rate_limited")
    server.services.board._waiting = 0
    assert (await driver("GET", "/api/v1/board"))[0] == 200
