"""The chain of vendors on a real Redis: order, breakers, budget, cache, and one question at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from redis.asyncio import Redis

from geo.crossings import Crossings
from geo.gazetteer import Gazetteer
from geo.providers import NoAnswer, ProviderFault
from geo.roads import RoadGraph
from geo.routing import Cell, Leg, Matrix, Profile, ProviderRoute, RouteProvider
from geo.types import Position
from server.gateways.breaker import Patience, Phase
from server.gateways.chain import Chain, Link
from server.gateways.meters import VendorMeters
from server.gateways.routes.lines import encode
from server.gateways.routes.ways import Ways
from storage.cache import TimedCache
from storage.redis import Keys, connect

ROADS = RoadGraph.load(Gazetteer.load())
CROSSINGS = Crossings.load()
ALMATY, KONAEV, ASTANA = Position(43.2525, 76.9115), Position(43.8668, 77.063), Position(51.1801, 71.446)
DAY = 86_400.0


@dataclass
class Vendor:
    """Answers as told: seconds of thought, then metres, or an exception."""

    name: str
    metres: float = 80_000.0
    thinks_s: float = 0.0
    raises: Exception | None = None
    drawable: bool = True
    asked: list[Any] = field(default_factory=list)
    closed: bool = False

    async def route(self, points: Any, profile: Profile, depart_at: float | None) -> ProviderRoute:
        self.asked.append((tuple(points), profile, depart_at))
        await self._think()
        each = self.metres / (len(points) - 1)
        legs = tuple(Leg(each, each / 20) for _ in points[1:])
        traffic = None if depart_at is None else self.metres / 15
        return ProviderRoute(
            self.metres, self.metres / 20, traffic, encode(points), 5, self.name, legs, False, self.drawable
        )

    async def matrix(self, origins: Any, destinations: Any, profile: Profile) -> Matrix:
        self.asked.append((tuple(origins), tuple(destinations)))
        await self._think()
        full = [[Cell(self.metres, self.metres / 20, self.name) for _ in destinations] for _ in origins]
        return [[*row[:-1], None] for row in full]

    async def close(self) -> None:
        self.closed = True

    async def _think(self) -> None:
        await asyncio.sleep(self.thinks_s)
        if self.raises is not None:
            raise self.raises


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def meters(registry: CollectorRegistry) -> VendorMeters:
    return VendorMeters(registry, 0)


Make = Callable[..., Ways]


@pytest.fixture
async def make(redis: Redis, meters: VendorMeters) -> AsyncIterator[Make]:
    made: list[Ways] = []

    def ways(*vendors: Vendor, keep_s: float = DAY, traffic: bool = False, **limits: Any) -> Ways:
        links: list[Link[RouteProvider]] = [Link(vendor, keep_s) for vendor in vendors]
        chain = Chain("routes", links, TimedCache(redis, Keys("test")), meters, **limits)
        made.append(Ways(chain, ROADS, CROSSINGS, traffic=traffic))
        return made[-1]

    yield ways
    for each in made:
        await each.close()


async def test_the_first_vendor_answers_and_the_others_are_not_asked(make: Make) -> None:
    first, second = Vendor("valhalla"), Vendor("osrm")
    way = await make(first, second).way([ALMATY, KONAEV])
    assert (way.origin, way.distance_m, way.line_origin) == ("valhalla", 80_000, "valhalla")
    assert way.line == (ALMATY, KONAEV) and not way.estimate
    assert second.asked == []


@pytest.mark.parametrize(
    "trouble",
    [
        ProviderFault("server"),
        ProviderFault("quota", retry_after_s=30),
        ProviderFault("refused"),
        ProviderFault("rejected"),
        ProviderFault("malformed"),
        ProviderFault("network"),
        NoAnswer(),
        RuntimeError("a fault of ours"),
    ],
    ids=repr,
)
async def test_whatever_the_first_one_suffers_from_the_next_answers(make: Make, trouble: Exception) -> None:
    way = await make(Vendor("valhalla", raises=trouble), Vendor("osrm")).way([ALMATY, KONAEV])
    assert way.origin == "osrm"


async def test_when_all_are_down_the_graph_answers_within_the_budget(make: Make) -> None:
    hanging = [Vendor(name, thinks_s=60) for name in ("valhalla", "osrm", "google")]
    ways = make(*hanging, budget_s=0.3, call_s=0.12)
    async with asyncio.timeout(5):
        way = await ways.way([ALMATY, KONAEV])
    graph = ROADS.route(ALMATY, KONAEV)
    assert (way.origin, way.distance_m, way.line) == ("embedded", graph.distance_m, graph.line)
    assert all(len(vendor.asked) == 1 for vendor in hanging)


async def test_a_vendor_that_fails_again_and_again_is_left_alone_and_tried_again_later(
    make: Make, registry: CollectorRegistry
) -> None:
    broken, spare = Vendor("valhalla", raises=ProviderFault("server")), Vendor("osrm")
    ways = make(broken, spare, keep_s=0, patience=Patience(failures=2, first_s=0.2))
    for _ in range(5):
        assert (await ways.way([ALMATY, KONAEV])).origin == "osrm"
    assert len(broken.asked) == 2
    scraped = generate_latest(registry).decode()
    assert 'desk_vendor_breaker{kind="routes",vendor="valhalla",worker="0"} 2.0' in scraped
    assert 'outcome="skipped",vendor="valhalla",worker="0"} 3.0' in scraped
    assert 'desk_vendor_seconds_count{kind="routes",vendor="osrm",worker="0"} 5.0' in scraped
    await asyncio.sleep(0.25)
    broken.raises = None
    assert (await ways.way([ALMATY, KONAEV])).origin == "valhalla"
    assert ways._chain.links[0].breaker.phase is Phase.CLOSED


async def test_a_request_that_a_vendor_does_not_take_is_no_reason_to_leave_it_alone(make: Make) -> None:
    picky, spare = Vendor("google", raises=ProviderFault("rejected")), Vendor("osrm")
    ways = make(picky, spare, keep_s=0)
    for _ in range(6):
        await ways.way([ALMATY, KONAEV])
    assert len(picky.asked) == 6


async def test_an_answer_is_kept_for_as_long_as_the_terms_allow(make: Make, redis: Redis) -> None:
    vendor = Vendor("osrm")
    ways = make(vendor, keep_s=600)
    first, second = [await ways.way([ALMATY, KONAEV]) for _ in range(2)]
    assert first == second and len(vendor.asked) == 1
    [key] = [key async for key in redis.scan_iter("desk:test:answer:*")]
    assert 0 < await redis.pttl(key) <= 600_000
    # A metre aside is the same question, a kilometre is not, nor is another end.
    for point, calls in ((Position(43.25251, 76.9115), 1), (Position(43.27, 76.9115), 2), (ASTANA, 3)):
        await ways.way([point, KONAEV])
        assert len(vendor.asked) == calls
    # Another worker, which starts later, has it as well.
    other = Vendor("osrm")
    await make(other, keep_s=600).way([ALMATY, KONAEV])
    assert other.asked == []


async def test_the_switch_keeps_nothing(make: Make, redis: Redis) -> None:
    vendor = Vendor("google", drawable=False)
    ways = make(vendor, keep_s=0)
    await ways.way([ALMATY, KONAEV])
    await ways.way([ALMATY, KONAEV])
    assert len(vendor.asked) == 2
    assert [key async for key in redis.scan_iter("desk:test:answer:*")] == []


async def test_that_there_is_no_way_is_kept_too_but_for_an_hour_at_most(make: Make, redis: Redis) -> None:
    lost, spare = Vendor("valhalla", raises=NoAnswer()), Vendor("osrm")
    ways = make(lost, spare)
    for _ in range(3):
        assert (await ways.way([ALMATY, KONAEV])).origin == "osrm"
    assert len(lost.asked) == 1
    [key] = [key async for key in redis.scan_iter("desk:test:answer:routes:valhalla:*")]
    assert await redis.pttl(key) <= 3_600_000


async def test_only_a_truck_router_is_asked_again_for_another_truck(make: Make) -> None:
    car, truck = Vendor("osrm"), Vendor("valhalla")
    for vendor, calls in ((car, 1), (truck, 2)):
        ways = make(vendor)
        await ways.way([ALMATY, KONAEV], Profile(weight_t=10))
        await ways.way([ALMATY, KONAEV], Profile(weight_t=40))
        assert len(vendor.asked) == calls


async def test_traffic_is_asked_for_a_departure_ahead_and_soon_forgotten(make: Make, redis: Redis) -> None:
    vendor = Vendor("google", drawable=False)
    ways = make(vendor, traffic=True)
    ahead = await ways.way([ALMATY, KONAEV], depart_at=4e9)
    assert ahead.traffic_s is not None and ahead.traffic_s > ahead.driving_s
    [key] = [key async for key in redis.scan_iter("desk:test:answer:*")]
    assert await redis.pttl(key) <= 900_000
    assert (await ways.way([ALMATY, KONAEV], depart_at=1e9)).traffic_s is None  # long ago
    assert (await ways.way([ALMATY, KONAEV])).traffic_s is None
    assert [asked[2] for asked in vendor.asked] == [4e9, None]


async def test_what_many_ask_at_once_is_asked_once(make: Make) -> None:
    vendor = Vendor("osrm", thinks_s=0.05)
    ways = make(vendor, keep_s=0)
    found = await asyncio.gather(*(ways.way([ALMATY, KONAEV]) for _ in range(50)))
    assert len(vendor.asked) == 1 and all(each == found[0] for each in found)


async def test_who_goes_away_does_not_take_the_answer_from_the_others(make: Make) -> None:
    vendor = Vendor("osrm", thinks_s=0.05)
    ways = make(vendor)
    gone, waiting = (asyncio.create_task(ways.way([ALMATY, KONAEV])) for _ in range(2))
    await asyncio.sleep(0.01)
    gone.cancel()
    assert (await waiting).origin == "osrm" and len(vendor.asked) == 1


async def test_closing_ends_what_is_under_way(make: Make) -> None:
    vendor = Vendor("osrm", thinks_s=60)
    ways = make(vendor, budget_s=60, call_s=60)
    asking = asyncio.create_task(ways.way([ALMATY, KONAEV]))
    await asyncio.sleep(0.05)
    await ways.close()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert vendor.closed


@pytest.mark.parametrize("metres", [1_000.0, 9e8])
async def test_a_way_that_cannot_be_true_is_not_believed(make: Make, metres: float) -> None:
    way = await make(Vendor("osrm", metres=metres), Vendor("google", metres=76_000)).way([ALMATY, KONAEV])
    assert way.origin == "google"


async def test_a_line_that_may_not_be_drawn_is_replaced_by_our_own(make: Make) -> None:
    way = await make(Vendor("google", drawable=False)).way([ALMATY, KONAEV])
    assert (way.origin, way.line_origin, way.drawable) == ("google", "embedded", False)
    assert way.line == ROADS.route(ALMATY, KONAEV).line


async def test_the_holes_of_a_matrix_are_filled_by_the_graph(make: Make) -> None:
    [row] = await make(Vendor("osrm", metres=1_300_000)).matrix([ALMATY], [ASTANA, ASTANA])
    assert [cell.provider for cell in row] == ["osrm", "embedded"]
    assert row[1].distance_m == ROADS.route(ALMATY, ASTANA).distance_m
    [[alone]] = await make(Vendor("osrm", raises=ProviderFault("server"))).matrix([ALMATY], [ASTANA])
    assert alone.provider == "embedded"


async def test_without_vendors_nothing_is_asked_of_anybody(make: Make, redis: Redis) -> None:
    way = await make().way([ALMATY, KONAEV, ASTANA])
    assert (way.origin, len(way.legs)) == ("embedded", 2)
    assert way.distance_m == pytest.approx(sum(leg.distance_m for leg in way.legs))


@asynccontextmanager
async def nobody_listening() -> AsyncIterator[Redis]:
    client = connect("redis://127.0.0.1:9/0", timeout_s=0.1)
    yield client
    await client.aclose()


async def test_without_redis_vendors_are_asked_each_time(meters: VendorMeters) -> None:
    vendor = Vendor("osrm")
    async with nobody_listening() as redis:
        links: list[Link[RouteProvider]] = [Link(vendor, DAY)]
        ways = Ways(
            Chain("routes", links, TimedCache(redis, Keys("test")), meters), ROADS, CROSSINGS, traffic=False
        )
        for _ in range(2):
            assert (await ways.way([ALMATY, KONAEV])).origin == "osrm"
        assert len(vendor.asked) == 2
        await ways.close()


async def test_what_an_older_program_kept_in_another_form_is_asked_anew(make: Make, redis: Redis) -> None:
    vendor = Vendor("osrm")
    ways = make(vendor)
    await ways.way([ALMATY, KONAEV])
    [key] = [key async for key in redis.scan_iter("desk:test:answer:*")]
    await redis.set(key, b"\x01\x02")
    assert (await ways.way([ALMATY, KONAEV])).origin == "osrm" and len(vendor.asked) == 2
