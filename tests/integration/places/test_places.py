"""Cities, addresses, crossings, kept places and fuel prices over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest

from storage.saved_places import MOST
from tests.served import Account, LocalServer
from tracking_desk_client import ApiError
from tracking_desk_client.messages import (
    CrossingQuery,
    PinQuery,
    PlaceQuery,
    QuoteForm,
    SavedPlaceForm,
    StopForm,
)

ALMATY, KONAEV = 1526384, 1519948
PLACE = {
    "label": "Склад",
    "lat": 43.9,
    "lon": 77.1,
    "address": "ул. Абая, 1",
    "contact_name": "Асель",
    "contact_phone": "8 727 250 00 00",
    "note": "въезд со двора",
}


class Caller:
    """Raw REST as one account: (status, body, headers)."""

    def __init__(self, http: aiohttp.ClientSession, account: Account | None) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {account['access']}"} if account else {}

    async def __call__(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, Any, Mapping[str, str]]:
        async with self._http.request(
            method, path, json=body, headers={**self._headers, **headers}
        ) as answer:
            found = await answer.json(content_type=None) if answer.status not in (204, 304) else None
            return answer.status, found, answer.headers


@pytest.fixture
async def http(server: LocalServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        yield session


@pytest.fixture
def shipper(server: LocalServer, http: aiohttp.ClientSession) -> Caller:
    return Caller(http, server.accounts["shippers"][0])


@pytest.fixture
def stranger(server: LocalServer, http: aiohttp.ClientSession) -> Caller:
    return Caller(http, server.accounts["shippers"][1])


@pytest.fixture
def admin(server: LocalServer, http: aiohttp.ClientSession) -> Caller:
    return Caller(http, server.accounts["admins"][0])


async def test_cities_are_named_in_the_callers_language_unless_another_is_asked(shipper: Caller) -> None:
    for query, header, name in (
        ("", "kk", "Қарағанды"),
        ("&lang=en", "kk", "Karaganda"),
        ("", "fr", "Караганда"),
    ):
        _, found, _ = await shipper(
            "GET", f"/api/v1/cities?q=караган{query}&limit=1", **{"Accept-Language": header}
        )
        assert found["cities"][0]["name"] == name


async def test_a_namesake_nearer_to_the_reader_stands_first(shipper: Caller) -> None:
    async def first(at: str) -> str:
        _, found, _ = await shipper("GET", f"/api/v1/cities?q=aksu&lang=en{at}")
        return str(found["cities"][0]["country"])

    assert {await first("&lat=52&lon=77"), await first("&lat=41&lon=80")} == {"KZ", "CN"}
    status, problem, _ = await shipper("GET", "/api/v1/cities?q=aksu&lat=52")
    assert (status, problem["code"]) == (400, "bad_request")


async def test_a_place_is_found_by_town_crossing_degrees_or_the_town_of_an_address(shipper: Caller) -> None:
    async def first(q: str) -> dict[str, Any]:
        status, found, _ = await shipper("GET", f"/api/v1/places/search?q={q}&lang=ru")
        assert status == 200
        return dict(found["places"][0]) if found["places"] else {}

    town = await first("Конаев")
    assert (town["kind"], town["precision"], town["city"], town["origin"]) == (
        "city",
        "town",
        KONAEV,
        "gazetteer",
    )
    crossing = await first("нур жолы")
    assert (crossing["kind"], crossing["crossing"], crossing["label"]) == (
        "crossing",
        "nur-zholy",
        "Нур Жолы (Хоргос)",
    )
    pin = await first("43.9, 77.1")
    assert (pin["kind"], pin["lat"], pin["lon"], pin["city"]) == ("pin", 43.9, 77.1, KONAEV)
    address = await first("ул. Абая 12, г. Алматы")
    assert (address["precision"], address["city"], address["kind"]) == ("estimate", ALMATY, "address")
    assert await first("zzzzzzzzzz") == {}


async def test_a_pin_is_told_by_its_bearing_from_the_nearest_town(shipper: Caller) -> None:
    told = {}
    for lang in ("ru", "kk", "en", "zh"):
        _, found, _ = await shipper("GET", f"/api/v1/places/reverse?lat=43.98&lon=77.22&lang={lang}")
        told[lang] = found["label"]
        assert (found["precision"], found["origin"], found["city"]) == ("estimate", "gazetteer", KONAEV)
        assert 17_000 < found["city_m"] < 19_000 and (found["lat"], found["lon"]) == (43.98, 77.22)
    assert told == {
        "ru": "Конаев, 18 км к северо-востоку",
        "kk": "Қонаев, солтүстік-шығысқа қарай 18 км",
        "en": "Konaev, 18 km north-east",
        "zh": told["zh"],
    }
    assert told["zh"].endswith("东北方向18公里")


async def test_crossings_are_listed_by_neighbour(shipper: Caller) -> None:
    _, found, _ = await shipper("GET", "/api/v1/crossings?neighbour=CN&lang=zh")
    assert {each["neighbour"] for each in found["crossings"]} == {"CN"} and len(found["crossings"]) == 5
    _, everything, _ = await shipper("GET", "/api/v1/crossings")
    assert len(everything["crossings"]) > 40
    assert all(each["wait_origin"] == "carec-kz-mean" for each in everything["crossings"])


async def test_a_place_is_kept_edited_by_its_version_and_forgotten(shipper: Caller) -> None:
    status, made, headers = await shipper("POST", "/api/v1/saved-places", PLACE)
    assert status == 201 and headers["ETag"] == '"1"'
    path = headers["Location"]
    assert (made["city"], made["city_name"], made["contact_phone"]) == (KONAEV, "Конаев", "+77272500000")
    assert (await shipper("GET", path))[1] == made
    assert (await shipper("GET", path, **{"If-None-Match": '"1"'}))[0] == 304
    assert (await shipper("PUT", path, {**PLACE, "label": "Цех"}))[1]["code"] == "precondition_required"
    status, changed, headers = await shipper("PUT", path, {**PLACE, "label": "Цех"}, **{"If-Match": '"1"'})
    assert (status, changed["label"], changed["version"], headers["ETag"]) == (200, "Цех", 2, '"2"')
    assert (await shipper("PUT", path, PLACE, **{"If-Match": '"1"'}))[1]["code"] == "version_stale"
    assert (await shipper("DELETE", path))[0] == 204
    assert (await shipper("DELETE", path))[1]["code"] == "not_found"
    assert (await shipper("PUT", path, PLACE, **{"If-Match": '"2"'}))[1]["code"] == "not_found"


async def test_the_place_used_last_stands_first(shipper: Caller) -> None:
    ids = [
        (await shipper("POST", "/api/v1/saved-places", {**PLACE, "label": str(n)}))[1]["place"]
        for n in range(3)
    ]
    assert (await shipper("POST", f"/api/v1/saved-places/{ids[0]}/used"))[0] == 204
    _, found, _ = await shipper("GET", "/api/v1/saved-places")
    assert [each["place"] for each in found["places"]] == [ids[0], ids[2], ids[1]]
    assert [each["uses"] for each in found["places"]] == [1, 0, 0]


async def test_a_strangers_place_is_not_there(shipper: Caller, stranger: Caller) -> None:
    _, made, _ = await shipper("POST", "/api/v1/saved-places", PLACE)
    path = f"/api/v1/saved-places/{made['place']}"
    for method, body, headers in (
        ("GET", None, {}),
        ("PUT", PLACE, {"If-Match": '"1"'}),
        ("DELETE", None, {}),
    ):
        assert (await stranger(method, path, body, **headers))[1]["code"] == "not_found"
    assert (await stranger("POST", f"{path}/used"))[1]["code"] == "not_found"
    assert (await stranger("GET", "/api/v1/saved-places"))[1] == {"places": []}
    assert (await shipper("GET", path))[0] == 200


async def test_two_parallel_posts_cannot_both_be_the_last_one_allowed(
    server: LocalServer, shipper: Caller
) -> None:
    await server.services.pool.execute(
        "INSERT INTO saved_places (user_id, label, point, city_id)"
        " SELECT $1, 'x', 'SRID=4326;POINT(77 43)'::geometry, 1 FROM generate_series(1, $2)",
        server.accounts["shippers"][0]["user"],
        MOST - 1,
    )
    answers = await asyncio.gather(*(shipper("POST", "/api/v1/saved-places", PLACE) for _ in range(4)))
    assert sorted(status for status, _, _ in answers) == [201, 409, 409, 409]
    refused = next(body for status, body, _ in answers if status == 409)
    assert refused["code"] == "limit_reached"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"label": ""}, "bad_request"),
        ({"lat": 91}, "bad_request"),
        ({"contact_phone": "12"}, "phone_invalid"),
        ({"note": "x" * 501}, "bad_request"),
        ({"label": "a\u0000b"}, "bad_request"),
    ],
)
async def test_a_place_without_sense_is_refused(shipper: Caller, changes: dict[str, Any], code: str) -> None:
    assert (await shipper("POST", "/api/v1/saved-places", {**PLACE, **changes}))[1]["code"] == code


async def test_staff_set_a_fuel_price_and_quotes_follow(shipper: Caller, admin: Caller) -> None:
    quote = {"pickup_city": ALMATY, "drop_city": KONAEV, "weight_kg": 20_000}
    _, before, _ = await shipper("POST", "/api/v1/quotes", quote)
    assert before["fuel"]["origin"] == "default"
    status, put, _ = await admin("PUT", "/api/v1/admin/fuel-prices", {"country": "KZ", "amount": 66_000})
    assert (status, put["price"], put["origin"]) == (200, {"amount": 66_000, "currency": "KZT"}, "staff")
    _, after, _ = await shipper("POST", "/api/v1/quotes", quote)
    assert after["fuel"]["origin"] == "staff"
    assert after["fuel"]["cost"]["amount"] == pytest.approx(before["fuel"]["cost"]["amount"] * 2, abs=2)
    later = {"country": "KZ", "region": "02", "amount": 70_000, "valid_from": 4e9}
    await admin("PUT", "/api/v1/admin/fuel-prices", later)
    await admin("PUT", "/api/v1/admin/fuel-prices", {**later, "amount": 71_000})
    _, table, _ = await admin("GET", "/api/v1/admin/fuel-prices")
    assert [(each["region"], each["price"]["amount"]) for each in table["coming"]] == [("02", 71_000)]
    assert {each["origin"] for each in table["prices"]} == {"staff", "default"}
    assert (await shipper("POST", "/api/v1/quotes", quote))[1]["fuel"] == after["fuel"]
    assert (await shipper("PUT", "/api/v1/admin/fuel-prices", later))[1]["code"] == "forbidden"


async def test_the_sdk_has_it_all(server: LocalServer) -> None:
    async with server.api(server.accounts["shippers"][0]) as api:
        found = await api.find_places(PlaceQuery("нур жолы", lang="ru"))
        assert found.places[0].crossing == "nur-zholy"
        assert (await api.place_at(PinQuery(43.98, 77.22))).label == "Konaev, 18 km north-east"
        assert len((await api.crossings(CrossingQuery("KG"))).crossings) == 7
        form = SavedPlaceForm("Depot", 43.9, 77.1)
        kept = await api.save_place(form)
        await api.place_used(kept.place)
        changed = await api.change_place(kept.place, kept.version, SavedPlaceForm("Yard", 43.9, 77.1))
        assert (await api.saved_places()).places == [changed] and changed.uses == 1
        with pytest.raises(ApiError, match="version_stale"):
            await api.change_place(kept.place, kept.version, form)
        await api.forget_place(kept.place)
        quote = await api.quote(QuoteForm(ALMATY, KONAEV, 300.0, stops=[StopForm(lat=43.5, lon=77.0)]))
        assert quote.eta.service_s == 7_200 and quote.towns[-1] == "Konaev"
