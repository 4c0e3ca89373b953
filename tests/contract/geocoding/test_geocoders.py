"""Both geocoders through one suite, against a local fake of their wire; and the service over them."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, get_args

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from geo.crossings import Crossings
from geo.gazetteer import Gazetteer
from geo.geocoding import PRECISIONS, Geocoder
from geo.providers import NoAnswer, ProviderFault
from geo.types import Position
from geo.whereabouts import Whereabouts
from server.gateways.chain import Chain, Link
from server.gateways.geocoding.google import GoogleGeocoder
from server.gateways.geocoding.nominatim import Nominatim
from server.gateways.geocoding.places import Places
from server.gateways.meters import VendorMeters
from server.protocol.rest.places import Precision
from storage.cache import TimedCache
from storage.redis import Keys

HOUSE = Position(43.2389, 76.9455)
KEY = "AIza" + "x" * 35
OWN = Whereabouts(Gazetteer.load(), Crossings.load())


@dataclass
class FakeAddresses:
    """Knows one house; `script` answers the next requests instead: (status, body) or "hang"."""

    script: list[tuple[int, Any] | str] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    rank: int = 30
    location_type: str = "ROOFTOP"

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._scripted])
        app.router.add_get("/search", self.nominatim)
        app.router.add_get("/reverse", self.nominatim)
        app.router.add_get("/maps/api/geocode/json", self.google)
        return app

    @web.middleware
    async def _scripted(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append((request.path, dict(request.query)))
        if self.script:
            step = self.script.pop(0)
            if isinstance(step, str):
                await asyncio.sleep(3_600)
                raise AssertionError
            return web.Response(
                text=step[1] if isinstance(step[1], str) else json.dumps(step[1]), status=step[0]
            )
        answer: web.StreamResponse = await handler(request)
        return answer

    async def nominatim(self, request: web.Request) -> web.Response:
        nothing = "nowhere" in request.query.get("q", "") or request.query.get("lat", "").startswith("0.")
        place = {
            "place_id": 7,
            "lat": str(HOUSE.lat),
            "lon": str(HOUSE.lon),
            "category": "building",
            "type": "yes",
            "place_rank": self.rank,
            "addresstype": "building",
            "name": "",
            "display_name": "12, улица Абая, Алматы, 050000, Казахстан",
            "address": {
                "house_number": "12" if self.rank == 30 else "",
                "road": "улица Абая" if self.rank >= 26 else "",
                "city": "Алматы",
                "country": "Казахстан",
                "country_code": "kz",
            },
        }
        if request.path == "/search":
            return web.json_response([] if nothing else [place])
        return web.json_response({"error": "Unable to geocode"} if nothing else place)

    async def google(self, request: web.Request) -> web.Response:
        query = request.query
        if "nowhere" in query.get("address", "") or query.get("latlng", "").startswith("0."):
            return web.json_response({"status": "ZERO_RESULTS", "results": []})
        result = {
            "formatted_address": "ул. Абая 12, Алматы 050000, Казахстан",
            "geometry": {
                "location": {"lat": HOUSE.lat, "lng": HOUSE.lon},
                "location_type": self.location_type,
                "viewport": {},
            },
            "types": ["street_address"],
            "place_id": "x",
            "address_components": [
                {"long_name": "Казахстан", "short_name": "KZ", "types": ["country", "political"]}
            ],
        }
        return web.json_response({"status": "OK", "results": [result, result]})


VENDORS: dict[str, Callable[[str], Geocoder]] = {
    "nominatim": Nominatim,
    "google": lambda url: GoogleGeocoder(url, KEY),
}


@pytest.fixture
async def served() -> AsyncIterator[tuple[FakeAddresses, str]]:
    fake = FakeAddresses()
    async with TestServer(fake.app()) as server:
        yield fake, str(server.make_url("")).rstrip("/")


@pytest.fixture
def fake(served: tuple[FakeAddresses, str]) -> FakeAddresses:
    return served[0]


@pytest.fixture(params=sorted(VENDORS))
async def vendor(
    request: pytest.FixtureRequest, served: tuple[FakeAddresses, str]
) -> AsyncIterator[Geocoder]:
    made = VENDORS[request.param](served[1])
    yield made
    await made.close()


async def test_a_house_is_found_with_its_precision_and_origin(vendor: Geocoder) -> None:
    [found] = await vendor.search("Абая 12 Алматы", "ru", None, 1)
    assert (found.lat, found.lon) == HOUSE and "Абая" in found.label and "12" in found.label
    assert (found.precision, found.kind, found.origin, found.country) == (
        "house",
        "address",
        vendor.name,
        "KZ",
    )


async def test_a_pin_gets_its_address(vendor: Geocoder) -> None:
    [found] = await vendor.reverse(HOUSE, "kk")
    assert found.precision == "house" and found.origin == vendor.name


async def test_nothing_found_is_an_answer(vendor: Geocoder) -> None:
    with pytest.raises(NoAnswer):
        await vendor.search("nowhere", "ru", None, 5)
    with pytest.raises(NoAnswer):
        await vendor.reverse(Position(0.0, 1.0), "ru")


@pytest.mark.parametrize("lang", ["ru", "kk", "en", "zh"])
async def test_the_language_and_the_readers_place_are_passed_on(
    vendor: Geocoder, fake: FakeAddresses, lang: str
) -> None:
    await vendor.search("Абая", lang, HOUSE, 5)
    _, query = fake.asked[-1]
    if vendor.name == "google":
        assert query["language"].startswith(lang) and query["bounds"].startswith("41.739,75.445|")
    else:
        assert query["accept-language"].startswith(lang) and query["viewbox"].startswith("75.445,44.739")
        assert "kz" in query["countrycodes"] and query["limit"] == "5"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((429, ""), "quota"),
        ((403, ""), "refused"),
        ((500, ""), "server"),
        ((400, ""), "rejected"),
        ((200, "<html>"), "malformed"),
        ((200, [{"lat": "north"}]), "malformed"),
    ],
)
async def test_whatever_goes_wrong_is_one_kind_of_fault(
    vendor: Geocoder, fake: FakeAddresses, answer: tuple[int, Any], kind: str
) -> None:
    fake.script.append(answer)
    with pytest.raises(ProviderFault) as caught:
        await vendor.search("Абая", "ru", None, 5)
    assert caught.value.kind == kind
    assert await vendor.search("Абая", "ru", None, 5)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("OVER_QUERY_LIMIT", "quota"),
        ("REQUEST_DENIED", "refused"),
        ("INVALID_REQUEST", "rejected"),
        ("X", "malformed"),
    ],
)
async def test_every_status_of_google_has_its_fault(
    served: tuple[FakeAddresses, str], status: str, kind: str
) -> None:
    fake, url = served
    fake.script.append((200, {"status": status, "results": []}))
    made = GoogleGeocoder(url, KEY)
    with pytest.raises(ProviderFault) as caught:
        await made.search("Абая", "ru", None, 5)
    assert caught.value.kind == kind
    await made.close()


@pytest.mark.parametrize(("rank", "precision"), [(30, "house"), (26, "street"), (16, "town"), (8, "region")])
async def test_nominatims_ranks_become_precisions(
    served: tuple[FakeAddresses, str], rank: int, precision: str
) -> None:
    fake, url = served
    fake.rank = rank
    made = Nominatim(url)
    [found] = await made.search("x", "ru", None, 1)
    assert found.precision == precision
    await made.close()


@pytest.mark.parametrize(
    ("location_type", "precision"),
    [("ROOFTOP", "house"), ("RANGE_INTERPOLATED", "street"), ("APPROXIMATE", "street")],
)
async def test_googles_location_types_become_precisions(
    served: tuple[FakeAddresses, str], location_type: str, precision: str
) -> None:
    fake, url = served
    fake.location_type = location_type
    made = GoogleGeocoder(url, KEY)
    [found, *_] = await made.search("x", "ru", None, 1)
    assert found.precision == precision
    await made.close()


def test_the_contract_knows_every_precision() -> None:
    assert set(get_args(Precision)) == set(PRECISIONS)


# -- the service over them ----------------------------------------------------------------------------------


@pytest.fixture
async def places(vendor: Geocoder, redis: Redis) -> AsyncIterator[Places]:
    links: list[Link[Geocoder]] = [Link(vendor, 600)]
    cache, meters = TimedCache(redis, Keys("test")), VendorMeters(CollectorRegistry(), 0)
    made = Places(Chain("geocoding", links, cache, meters, budget_s=0.5, call_s=0.3), OWN)
    yield made
    await made.close()


async def test_an_address_comes_from_the_vendor_and_is_kept(places: Places, fake: FakeAddresses) -> None:
    for text in ("Абая  12", "АБАЯ 12 "):
        [found, *_] = await places.search(text, "ru", None, 5)
        assert found.precision == "house"
    assert len(fake.asked) == 1
    await places.search("Абая 12", "kk", None, 5)
    assert len(fake.asked) == 2


async def test_a_crossing_stands_before_the_vendors_answers(places: Places) -> None:
    found = await places.search("Кордай", "ru", None, 5)
    assert [found[0].kind, found[1].kind] == ["crossing", "address"]


async def test_two_letters_and_degrees_cost_no_search(places: Places, fake: FakeAddresses) -> None:
    assert (await places.search("ал", "ru", None, 3))[0].origin == "gazetteer"
    assert fake.asked == []
    [pin] = await places.search("43.2389, 76.9455", "ru", None, 3)
    assert (pin.kind, pin.precision) == ("pin", "house") and len(fake.asked) == 1


async def test_a_pin_keeps_its_own_place(places: Places) -> None:
    at = Position(43.23891, 76.94551)
    found = await places.reverse(at, "ru")
    assert (found.position, found.kind) == (at, "pin")


@pytest.mark.parametrize("trouble", [(500, ""), (200, "<"), "hang"])
async def test_without_a_vendor_the_gazetteer_answers(
    places: Places, fake: FakeAddresses, trouble: tuple[int, Any] | str
) -> None:
    fake.script += [trouble] * 4
    [found, *_] = await places.search("Алматы", "ru", None, 5)
    assert (found.origin, found.precision) == ("gazetteer", "town")
    assert (await places.reverse(Position(43.9, 77.3), "ru")).precision == "estimate"
