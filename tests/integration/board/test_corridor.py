"""Loads along a route, against geometry done by hand."""

from itertools import pairwise
from random import Random

import pytest

from dispatch.board import DETOUR, BoardSearch, Corridor, Reason, Sort
from geo.distance import bearing_deg, destination, haversine_m
from geo.gazetteer import Gazetteer
from geo.plane import locate, project, route
from geo.roads import RoadGraph
from geo.types import Position
from storage.board.geometry import measured_line
from storage.postgres import Pool

from .shelf import Shelf, place

GAZETTEER = Gazetteer.load()
ROADS = RoadGraph.load(GAZETTEER)


@pytest.fixture
def shelf(pool: Pool) -> Shelf:
    return Shelf(pool)


def town(name: str) -> Position:
    return GAZETTEER.search(name, "en", 1)[0].position


def by_hand(
    line: list[Position], road_m: float, pickup: Position, drop: Position, haul_m: float, most: float
) -> float | None:
    """The detour by brute force on the sphere: the line walked in steps of a kilometre."""
    steps: list[tuple[Position, float]] = []
    whole = sum(haversine_m(*a, *b) for a, b in pairwise(line))
    done = 0.0
    for a, b in pairwise(line):
        metres, course = haversine_m(*a, *b), bearing_deg(*a, *b)
        for step in range(int(metres // 1_000) + 1):
            steps.append((destination(*a, course, step * 1_000.0), (done + step * 1_000.0) / whole * road_m))
        done += metres
    steps.append((line[-1], road_m))
    off_pickup, at_pickup = min((haversine_m(*place, *pickup), along) for place, along in steps)
    off_drop, at_drop = min((haversine_m(*place, *drop), along) for place, along in steps)
    if max(off_pickup, off_drop) > most / DETOUR or at_drop <= at_pickup:
        return None
    return max(0.0, DETOUR * (off_pickup + off_drop) + haul_m - (at_drop - at_pickup))


@pytest.mark.parametrize(
    ("names", "max_detour_m"),
    [
        (("Almaty", "Astana"), 60_000.0),
        (("Aktobe", "Shymkent"), 120_000.0),
        (("Khorgos", "Almaty", "Shymkent"), 30_000.0),
        (("Aktau", "Oskemen"), 100_000.0),
    ],
)
async def test_a_corridor_holds_what_lies_along_it_within_the_detour(
    shelf: Shelf, names: tuple[str, ...], max_detour_m: float
) -> None:
    random = Random(repr(names))
    ways = [ROADS.route(town(a), town(b)) for a, b in pairwise(names)]
    line = [ways[0].line[0], *(at for way in ways for at in way.line[1:])]
    road_m = sum(way.distance_m for way in ways)
    corridor = Corridor(route(line, road_m, Corridor.reach_m(max_detour_m)), max_detour_m)
    surely, never = set(), set()
    for _ in range(150):
        a, b = random.choice(line), random.choice(line)
        if random.random() < 0.2:
            b = Position(random.uniform(42, 54), random.uniform(50, 82))
        pickup = destination(*a, random.uniform(0, 360), abs(random.gauss(0, max_detour_m / 2)))
        drop = destination(*b, random.uniform(0, 360), abs(random.gauss(0, max_detour_m / 2)))
        haul_m = max(5_000.0, haversine_m(*pickup, *drop) * random.uniform(1.0, 1.3))
        order = await shelf.post(pickup=place(*pickup), drop=place(*drop), distance_m=haul_m)
        exact = by_hand(line, road_m, pickup, drop, haul_m, max_detour_m)
        loose = by_hand(line, road_m, pickup, drop, haul_m, max_detour_m * 1.05 + 3_000)
        # The plane is up to 2 % off, so loads at the very edge may fall on either side.
        if (
            exact is not None
            and exact <= max_detour_m * 0.95 - 3_000
            and _clear(line, pickup, drop, max_detour_m)
        ):
            surely.add(order.id)
        if loose is None or loose > max_detour_m * 1.05 + 3_000:
            never.add(order.id)
    viewer = await shelf.looks()
    search = BoardSearch(corridor=corridor)
    for hint in (0, 1_000_000):
        await shelf.pool.execute("UPDATE board_areas SET loads = $1", hint)
        found = set(await shelf.pages(viewer, search, Sort.NEWEST, 40))
        assert surely <= found and not found & never
    assert surely and never and found
    page = await shelf.board.page(viewer, search, Sort.NEWEST, 100)
    for card in page.cards:
        assert (
            card.detour_m is not None and card.detour_m <= max_detour_m and Reason.ON_THE_WAY in card.reasons
        )


def _clear(line: list[Position], pickup: Position, drop: Position, most: float) -> bool:
    """Whether neither end is so near to the edge of reach that rounding decides."""
    on = route(line, 1.0, most / DETOUR)
    return all(locate(on, each)[0] < 0.95 * most / DETOUR for each in (pickup, drop))


async def test_a_load_back_the_same_way_is_none_along_it(shelf: Shelf) -> None:
    way = ROADS.route(town("Almaty"), town("Astana"))
    corridor = Corridor(route(way.line, way.distance_m, Corridor.reach_m(40_000.0)), 40_000.0)
    haul = ROADS.route(town("Balkhash"), town("Karaganda")).distance_m
    there = await shelf.post(pickup=place(*town("Balkhash")), drop=place(*town("Karaganda")), distance_m=haul)
    await shelf.post(pickup=place(*town("Karaganda")), drop=place(*town("Balkhash")), distance_m=haul)
    await shelf.post(pickup=place(*town("Balkhash")), drop=place(*town("Shymkent")), distance_m=1_100_000.0)
    assert await shelf.ids(await shelf.looks(), BoardSearch(corridor=corridor)) == [there.id]


async def test_the_database_projects_as_geo_plane_does(pool: Pool) -> None:
    random = Random(5)
    for _ in range(50):
        centre = Position(random.uniform(-60, 60), random.uniform(-180, 180))
        there = destination(*centre, random.uniform(0, 360), random.uniform(0, 2_500_000))
        there = Position(round(there.lat * 1e7) / 1e7, round(there.lon * 1e7) / 1e7)
        row = await pool.fetchrow(
            "SELECT ST_X(p) AS x, ST_Y(p) AS y FROM board_plane($1, $2, $3, $4) AS p",
            round(there.lat * 1e7), round(there.lon * 1e7), centre.lat, centre.lon,
        )  # fmt: skip
        assert row is not None and (row["x"], row["y"]) == pytest.approx(project(centre, there), abs=0.01)


async def test_a_measured_line_keeps_its_measures(pool: Pool) -> None:
    line = measured_line([(0.0, 0.0, 0.0), (1_000.0, 0.0, 1_300.0)])
    assert (
        await pool.fetchval("SELECT ST_InterpolatePoint($1::geometry, ST_MakePoint(500, 70))", line) == 650.0
    )
