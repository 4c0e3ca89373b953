"""Every route provider through one suite, against one local fake that speaks the four dialects."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import polyline
import pytest
from aiohttp.test_utils import TestServer

from geo.gazetteer import Gazetteer
from geo.providers import NoAnswer, ProviderFault
from geo.roads import RoadGraph
from geo.routing import Profile, RouteProvider
from geo.types import Position
from server.gateways.routes.embedded import EmbeddedRoutes
from server.gateways.routes.google import GoogleRoutes, seconds
from server.gateways.routes.google_legacy import GoogleLegacy
from server.gateways.routes.osrm import Osrm
from server.gateways.routes.valhalla import Valhalla

from .fake import (
    ALMATY,
    ASTANA,
    DROP,
    HANG,
    KONAEV,
    NOT_JSON,
    NOWHERE,
    PAIRS,
    TRAFFIC_SLOWER,
    TRUCK_SLOWER,
    WRONG_TYPES,
    Answer,
    FakeMaps,
)

KEY = "AIza" + "x" * 35
TRUCK = Profile(height_m=3.9, weight_t=36.0, axle_t=9.0, hazmat=True)
DEPART = 4_000_000_000.0

VENDORS: dict[str, Callable[[str], RouteProvider]] = {
    "google": lambda url: GoogleRoutes(url, KEY),
    "google-legacy": lambda url: GoogleLegacy(url, KEY, retry_s=1),
    "osrm": lambda url: Osrm(url),
    "valhalla": lambda url: Valhalla(url),
}
ROADS = RoadGraph.load(Gazetteer.load())


@pytest.fixture
async def maps() -> AsyncIterator[tuple[FakeMaps, str]]:
    fake = FakeMaps()
    async with TestServer(fake.app()) as server:
        yield fake, str(server.make_url("")).rstrip("/")


@pytest.fixture
def fake(maps: tuple[FakeMaps, str]) -> FakeMaps:
    return maps[0]


@pytest.fixture(params=sorted(VENDORS))
async def vendor(request: pytest.FixtureRequest, maps: tuple[FakeMaps, str]) -> AsyncIterator[RouteProvider]:
    made = VENDORS[request.param](maps[1])
    yield made
    await made.close()


def told(name: str, *legs: frozenset[Position]) -> tuple[float, float]:
    """What the table says, in the seconds of this vendor's vehicle."""
    slower = TRUCK_SLOWER if name == "valhalla" else 1.0
    return sum(PAIRS[leg][0] for leg in legs), sum(PAIRS[leg][1] for leg in legs) * slower


async def fault(work: Any) -> ProviderFault:
    with pytest.raises(ProviderFault) as caught:
        await work
    return caught.value


async def test_a_way_has_the_distance_and_the_time_of_the_table(vendor: RouteProvider) -> None:
    found = await vendor.route([ALMATY, ASTANA], TRUCK, None)
    metres, seconds = told(vendor.name, frozenset((ALMATY, ASTANA)))
    assert (found.distance_m, found.duration_s) == (pytest.approx(metres), pytest.approx(seconds))
    assert (found.provider, found.estimate, found.duration_traffic_s) == (vendor.name, False, None)
    assert found.truck == (vendor.name == "valhalla")
    assert found.drawable == (vendor.name not in ("google", "google-legacy"))
    line = polyline.decode(found.polyline, found.precision)
    assert line[0] == pytest.approx(ALMATY, abs=1e-4) and line[-1] == pytest.approx(ASTANA, abs=1e-4)


async def test_a_way_through_a_third_place_has_a_leg_to_each(vendor: RouteProvider) -> None:
    found = await vendor.route([ALMATY, KONAEV, ASTANA], TRUCK, None)
    expected = [told(vendor.name, frozenset(pair)) for pair in ((ALMATY, KONAEV), (KONAEV, ASTANA))]
    assert [tuple(leg) for leg in found.legs] == [pytest.approx(leg) for leg in expected]
    assert found.distance_m == pytest.approx(sum(leg.distance_m for leg in found.legs))
    assert found.duration_s == pytest.approx(sum(leg.duration_s for leg in found.legs))


async def test_standing_still_takes_no_time(vendor: RouteProvider) -> None:
    found = await vendor.route([ALMATY, ALMATY], TRUCK, None)
    assert (found.distance_m, found.duration_s) == (0, 0)


async def test_no_way_is_an_answer_and_no_fault(vendor: RouteProvider) -> None:
    with pytest.raises(NoAnswer):
        await vendor.route([ALMATY, NOWHERE], TRUCK, None)


async def test_a_matrix_has_a_row_an_origin_and_holes_where_no_way_leads(vendor: RouteProvider) -> None:
    matrix = await vendor.matrix([ALMATY, NOWHERE, KONAEV], [ASTANA, ALMATY], TRUCK)
    assert [len(row) for row in matrix] == [2, 2, 2]
    assert matrix[1] == [None, None]
    for i, j, pair in ((0, 0, (ALMATY, ASTANA)), (2, 0, (KONAEV, ASTANA)), (2, 1, (KONAEV, ALMATY))):
        cell = matrix[i][j]
        assert cell is not None and cell.provider == vendor.name
        assert (cell.distance_m, cell.duration_s) == pytest.approx(told(vendor.name, frozenset(pair)))
    here = matrix[0][1]
    assert here is not None and (here.distance_m, here.duration_s) == (0, 0)


async def test_a_matrix_that_lacks_a_cell_is_no_matrix_but_for_google_whose_cells_have_numbers(
    vendor: RouteProvider, fake: FakeMaps
) -> None:
    fake.partial = True
    work = vendor.matrix([ALMATY, KONAEV], [ASTANA, KONAEV], TRUCK)
    if vendor.name == "google":
        matrix = await work
        assert matrix[1][1] is None and matrix[0][0] is not None
    else:
        assert (await fault(work)).kind == "malformed"


@pytest.mark.parametrize(
    ("answer", "kinds"),
    [
        (Answer(429, {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}), {"quota"}),
        (Answer(403, {"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "key"}}), {"refused"}),
        (Answer(500, "oops"), {"server", "timeout"}),
        (Answer(503, "", {"Retry-After": "7"}), {"server", "timeout"}),
        (Answer(400, {"error_code": 106, "code": "InvalidQuery"}), {"rejected"}),
        (NOT_JSON, {"malformed", "network"}),
        (WRONG_TYPES, {"malformed"}),
        (Answer(200, {}), {"malformed", "no route"}),
        (Answer(200, "x" * (9 * 1024 * 1024)), {"malformed", "network"}),
        (DROP, {"network"}),
    ],
    ids=lambda value: value.how if isinstance(value, Answer) and value.how != "answer" else None,
)
@pytest.mark.parametrize("question", ["route", "matrix"])
async def test_whatever_goes_wrong_is_one_kind_of_fault(
    vendor: RouteProvider, fake: FakeMaps, answer: Answer, kinds: set[str], question: str
) -> None:
    fake.script += [answer] * 8  # the legacy package tries again by itself
    try:
        if question == "route":
            await vendor.route([ALMATY, ASTANA], TRUCK, None)
        else:
            await vendor.matrix([ALMATY], [ASTANA], TRUCK)
    except NoAnswer:
        assert "no route" in kinds
    except ProviderFault as found:
        assert found.kind in kinds, found
    else:
        pytest.fail("an answer like that was believed")
    fake.script.clear()
    assert (await vendor.route([ALMATY, KONAEV], TRUCK, None)).distance_m == pytest.approx(76_000)


async def test_a_service_that_hangs_can_be_given_up_and_asked_again(
    vendor: RouteProvider, fake: FakeMaps
) -> None:
    fake.script.append(HANG)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await vendor.route([ALMATY, ASTANA], TRUCK, None)
    assert (await vendor.route([ALMATY, KONAEV], TRUCK, None)).provider == vendor.name


@pytest.mark.parametrize("name", ["google", "osrm", "valhalla"])
async def test_a_wish_to_be_left_alone_is_passed_on(maps: tuple[FakeMaps, str], name: str) -> None:
    fake, url = maps
    made = VENDORS[name](url)
    fake.script.append(Answer(429, {}, {"Retry-After": "30"}))
    assert (await fault(made.route([ALMATY, ASTANA], TRUCK, None))).retry_after_s == 30
    await made.close()


@pytest.mark.parametrize("name", sorted(VENDORS))
async def test_nobody_there_is_a_network_fault(name: str) -> None:
    made = VENDORS[name]("http://127.0.0.1:9")
    assert (await fault(made.route([ALMATY, ASTANA], TRUCK, None))).kind == "network"
    await made.close()


async def test_the_graph_answers_the_same_questions() -> None:
    made: RouteProvider = EmbeddedRoutes(ROADS)
    found = await made.route([ALMATY, KONAEV, ASTANA], TRUCK, None)
    assert (found.provider, len(found.legs), found.truck, found.drawable) == ("embedded", 2, True, True)
    assert polyline.decode(found.polyline)[0] == pytest.approx(ALMATY, abs=1e-4)
    [[cell, none]] = await made.matrix([ALMATY], [KONAEV, NOWHERE], TRUCK)
    assert cell is not None and cell.distance_m == pytest.approx(75_000)
    assert none is not None and none.distance_m > 1_000_000
    await made.close()


# -- what each of them is asked -----------------------------------------------------------------------------


async def test_google_is_told_which_fields_it_shall_send(maps: tuple[FakeMaps, str]) -> None:
    fake, url = maps
    made = GoogleRoutes(url, KEY)
    await made.route([ALMATY, KONAEV, ASTANA], TRUCK, DEPART)
    await made.matrix([ALMATY], [ASTANA], TRUCK)
    (_, _, headers, body), (_, _, table, _) = fake.asked
    assert headers["X-Goog-Api-Key"] == KEY and "routes.distanceMeters" in headers["X-Goog-FieldMask"]
    assert "originIndex" in table["X-Goog-FieldMask"] and "*" not in headers["X-Goog-FieldMask"]
    assert body["travelMode"] == "DRIVE"  # TRUCK is not sold for Kazakhstan
    assert (body["routingPreference"], body.get("departureTime")) == ("TRAFFIC_UNAWARE", None)
    assert body["intermediates"] == [{"location": {"latLng": {"latitude": 43.8668, "longitude": 77.063}}}]
    await made.close()


@pytest.mark.parametrize("kind", [GoogleRoutes, GoogleLegacy])
async def test_traffic_is_asked_for_a_departure_only_and_told_apart(
    maps: tuple[FakeMaps, str], kind: type[GoogleRoutes] | type[GoogleLegacy]
) -> None:
    fake, url = maps
    made = kind(url, KEY, traffic=True)
    found = await made.route([ALMATY, ASTANA], TRUCK, DEPART)
    assert found.duration_s == pytest.approx(53_500)
    assert found.duration_traffic_s == pytest.approx(53_500 * TRAFFIC_SLOWER)
    _, query, _, body = fake.asked[0]
    assert (
        "2096-10-02T07:06:40Z" == body["departureTime"] if body else query["departure_time"] == "4000000000"
    )
    assert (await made.route([ALMATY, ASTANA], TRUCK, None)).duration_traffic_s is None
    await made.close()


async def test_the_legacy_package_is_given_one_client_a_thread(maps: tuple[FakeMaps, str]) -> None:
    fake, url = maps
    made = GoogleLegacy(url, KEY)
    await asyncio.gather(*(made.route([ALMATY, ASTANA], TRUCK, None) for _ in range(20)))
    assert len(fake.asked) == 20
    assert all(query["key"] == KEY and query["mode"] == "driving" for _, query, _, _ in fake.asked)
    await made.close()


async def test_a_large_legacy_matrix_goes_in_parts_of_a_hundred_cells(maps: tuple[FakeMaps, str]) -> None:
    fake, url = maps
    made = GoogleLegacy(url, KEY)
    matrix = await made.matrix([ALMATY] * 12, [ASTANA, KONAEV] * 10, TRUCK)
    assert [len(row) for row in matrix] == [20] * 12
    assert len(fake.asked) == 3  # five rows of twenty at most
    assert (await fault(made.matrix([ALMATY] * 26, [ASTANA], TRUCK))).kind == "rejected"
    await made.close()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("OVER_QUERY_LIMIT", "quota"),
        ("OVER_DAILY_LIMIT", "quota"),
        ("REQUEST_DENIED", "refused"),
        ("INVALID_REQUEST", "rejected"),
        ("MAX_WAYPOINTS_EXCEEDED", "rejected"),
        ("UNKNOWN_ERROR", "server"),
    ],
)
async def test_every_legacy_status_has_its_fault(maps: tuple[FakeMaps, str], status: str, kind: str) -> None:
    fake, url = maps
    made = GoogleLegacy(url, KEY)
    fake.script.append(Answer(200, {"status": status, "error_message": "so it is"}))
    assert (await fault(made.route([ALMATY, ASTANA], TRUCK, None))).kind == kind
    await made.close()


async def test_osrm_is_asked_lon_before_lat(maps: tuple[FakeMaps, str]) -> None:
    fake, url = maps
    made = Osrm(url, "truck")
    await made.route([ALMATY, KONAEV], TRUCK, None)
    await made.matrix([ALMATY, KONAEV], [ASTANA], TRUCK)
    (path, query, _, _), (table, sides, _, _) = fake.asked
    assert path == "/route/v1/truck/76.911500,43.252500;77.063000,43.866800"
    assert query["geometries"] == "polyline6"
    assert table.startswith("/table/v1/truck/") and (sides["sources"], sides["destinations"]) == ("0;1", "2")
    await made.close()


async def test_valhalla_is_told_the_vehicle(maps: tuple[FakeMaps, str]) -> None:
    fake, url = maps
    made = Valhalla(url)
    await made.route([ALMATY, KONAEV], TRUCK, None)
    await made.matrix([ALMATY], [ASTANA], TRUCK)
    for _, _, _, body in fake.asked:
        assert body["costing"] == "truck"
        truck = body["costing_options"]["truck"]
        assert (truck["height"], truck["weight"], truck["axle_load"], truck["hazmat"]) == (
            3.9,
            36.0,
            9.0,
            True,
        )
    await made.close()


@pytest.mark.parametrize("code", [154, 170, 171, 442])
async def test_what_valhalla_cannot_reach_another_may(maps: tuple[FakeMaps, str], code: int) -> None:
    fake, url = maps
    made = Valhalla(url)
    fake.script.append(Answer(400, {"error_code": code, "error": "no", "status_code": 400}))
    with pytest.raises(NoAnswer):
        await made.route([ALMATY, KONAEV], TRUCK, None)
    await made.close()


@pytest.mark.parametrize("text", ["12", "s", "1.2.3s", "", "tens"])
def test_a_duration_that_is_none_is_malformed(text: str) -> None:
    with pytest.raises(ProviderFault, match="malformed"):
        seconds(text)


def test_a_duration_may_have_a_fraction() -> None:
    assert (seconds("0s"), seconds("2412s"), seconds("3.5s")) == (0, 2412, 3.5)
