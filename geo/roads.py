"""Road distance and driving time out of a table of neighbouring towns. Data: `geo/data/README.md`."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from heapq import heappop, heappush
from importlib.resources import files
from itertools import pairwise
from math import sqrt
from typing import Literal

from .distance import haversine_m
from .gazetteer import City, Gazetteer
from .types import Position

# Great circle to road: 1.17 fits Central Asian city pairs (median error 5.1 %), 1.3 serves streets of a town.
_DETOUR, _TOWN_DETOUR, _TOWN_M = 1.17, 1.3, 30_000.0
# The way from a place to the road that is no straight line either.
_GAP_DETOUR = 1.25
_OFF_ROAD_M = 60_000.0
# A longer way than this means that the table lacks the road that trucks take.
_LONGEST_DETOUR = 2.2
# A place so near to a town's centre is the centre; from a little farther out only the town's roads lead away.
_CENTRE_M, _OUTSKIRTS_M = 3_000.0, 10_000.0

# Cars on the open roads of the region drive a median 77 km/h and trucks are held at 80-90, so 65 km/h is a
# truck that keeps moving; CAREC measured 51 km/h on whole cross-border trips, stops included. Rests by law
# come on top. In town: assumed.
ROAD_SPEED, _TOWN_SPEED = 65 / 3.6, 30 / 3.6
# Mean of all crossings of Kazakhstan (CAREC, 4.0 h out and 4.6 h in); a queue of two days happens as well.
_BORDER_WAIT_S = 4.3 * 3_600
# What a crossing weighs when the way is chosen, never part of the distance. Less than the road driven during
# a mean wait (280 km): the customs union passes trucks faster, and Bishkek-Tashkent does run by Kazakhstan.
_BORDER_M = 100_000.0

_CACHED_ROUTES = 8_192

# Metres and the ids of the towns passed.
_Way = tuple[float, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Metres of road between two neighbouring towns; an end of the way counts as the town nearest to it."""

    metres: float
    a: City
    b: City


@dataclass(frozen=True, slots=True)
class Route:
    """A way by road: metres, seconds of driving and of mean waits at borders.

    `origin` tells where the figures come from; `estimate` is true when they rest on the great circle alone.
    `towns` are the ids of the towns passed in order, `line` the places to draw: both ends and those towns.
    `stretches` add up to the distance.
    """

    distance_m: float
    duration_s: float
    origin: Literal["embedded", "great-circle"]
    estimate: bool
    towns: tuple[int, ...]
    line: tuple[Position, ...]
    stretches: tuple[Stretch, ...]
    driving_s: float


@dataclass(frozen=True, slots=True)
class _Road:
    """One row of the table; `straight` is the great circle between its towns."""

    a: City
    b: City
    metres: float
    straight: float


@dataclass(frozen=True, slots=True)
class _End:
    """How an end of the route reaches the network. `nearest`: the town of the gazetteer that it belongs to.

    `towns`: metres to each town in reach. `roads`: for each road in reach the metres along it from its first
    town, and the metres to get onto it. `centre`: the place is the middle of its only town.
    """

    place: Position
    nearest: City
    centre: bool
    towns: dict[int, float]
    roads: dict[_Road, tuple[float, float]]

    @property
    def country(self) -> str:
        return self.nearest.country


class RoadGraph:
    """Towns and the roads between them. Immutable after loading, but for its memory of routes."""

    def __init__(self, gazetteer: Gazetteer, rows: Iterable[tuple[int, int, float]]) -> None:
        self._gazetteer = gazetteer
        self._cities: dict[int, City] = {}
        self._roads: list[_Road] = []
        self._next: dict[int, list[tuple[City, float]]] = defaultdict(list)
        for a_id, b_id, metres in rows:
            a, b = gazetteer.city(a_id), gazetteer.city(b_id)
            if a is None or b is None:
                raise ValueError(f"the road {a_id}-{b_id} leads to a town that the gazetteer lacks")
            self._cities |= {a_id: a, b_id: b}
            self._roads.append(_Road(a, b, metres, haversine_m(*a.position, *b.position)))
            self._next[a_id].append((b, metres))
            self._next[b_id].append((a, metres))
        self._remembered = lru_cache(maxsize=_CACHED_ROUTES)(self._find)
        # One end moves, a truck; the other stays, its stop.
        self._end = lru_cache(maxsize=_CACHED_ROUTES)(self._reach)

    @classmethod
    def load(cls, gazetteer: Gazetteer) -> "RoadGraph":
        """The roads of `geo/data/road-corridors.csv` between towns of `gazetteer`."""
        with (files("geo") / "data" / "road-corridors.csv").open(encoding="utf-8") as table:
            rows = [
                (int(row["a_geonameid"]), int(row["b_geonameid"]), float(row["road_km"]) * 1_000)
                for row in csv.DictReader(table)
            ]
        return cls(gazetteer, rows)

    @property
    def roads(self) -> list[tuple[Position, Position, float]]:
        """Every road as its two ends and its metres, for drawing and for simulated trucks."""
        return [(road.a.position, road.b.position, road.metres) for road in self._roads]

    def route(self, a: Position, b: Position) -> Route:
        """The way from `a` to `b`: over the table where it reaches both, else the great circle, marked so."""
        return self._remembered(a, b)

    def _find(self, a: Position, b: Position) -> Route:
        straight = haversine_m(*a, *b)
        start, goal = self._end(a), self._end(b)
        # Between the centres of two towns the table is believed as it stands: their road may be short, and it
        # may lead round a mountain or a sea (Atyrau-Aktau is 2.3 times the great circle).
        towns = start.centre and goal.centre and start.towns.keys() != goal.towns.keys()
        if straight < _TOWN_M and not towns:
            return _estimate(start, goal, straight * _TOWN_DETOUR, _TOWN_SPEED)
        # Inside one country a shortcut abroad is no way for a truck without papers for it.
        abroad = (False, True) if start.country == goal.country else (True,)
        for crossing in abroad:
            way = _shorter(_along_one_road(start, goal), self._shortest(start, goal, crossing))
            if way is not None and (towns or way[0] <= straight * _LONGEST_DETOUR):
                return self._route(start, goal, max(way[0], straight), way[1])
        return _estimate(start, goal, straight * _DETOUR, ROAD_SPEED)

    def _reach(self, place: Position) -> _End:
        away = {id: haversine_m(*place, city.lat, city.lon) for id, city in self._cities.items()}
        nearest = min(away, key=lambda id: away[id])
        outskirts = away[nearest] <= _OUTSKIRTS_M
        in_reach = [nearest] if outskirts else [id for id, metres in away.items() if metres <= _OFF_ROAD_M]
        towns = {id: away[id] * _GAP_DETOUR for id in in_reach}
        roads: dict[_Road, tuple[float, float]] = {}
        centre = away[nearest] <= _CENTRE_M
        if not centre:
            for road in self._roads:
                to_a, to_b, farthest = away[road.a.id], away[road.b.id], road.straight + _OFF_ROAD_M
                if to_a > farthest or to_b > farthest:  # as _join would find, for nearly every road
                    continue
                joined = _join(road, to_a, to_b)
                if joined is None or (outskirts and nearest not in (road.a.id, road.b.id)):
                    continue
                along, gap = roads[road] = joined
                for city, metres in ((road.a, along), (road.b, road.metres - along)):
                    towns[city.id] = min(metres + gap, towns.get(city.id, metres + gap))
        return _End(place, self._gazetteer.nearest(*place), centre, towns, roads)

    def _shortest(self, start: _End, goal: _End, abroad: bool) -> _Way | None:
        """Dijkstra over towns: metres and the towns passed, None where no road leads."""
        ahead: list[tuple[float, int, int | None]] = []
        for town, metres in start.towns.items():
            crossed = self._cities[town].country != start.country
            if abroad or not crossed:
                heappush(ahead, (metres + crossed * _BORDER_M, town, None))
        came: dict[int, int | None] = {}
        best: tuple[float, int] | None = None
        while ahead:
            cost, town, before = heappop(ahead)
            if best is not None and cost >= best[0]:
                break
            if town in came:
                continue
            came[town] = before
            country = self._cities[town].country
            if town in goal.towns:
                total = cost + goal.towns[town] + (country != goal.country) * _BORDER_M
                if (abroad or country == goal.country) and (best is None or total < best[0]):
                    best = (total, town)
            for city, metres in self._next[town]:
                crossed = city.country != country
                if city.id not in came and (abroad or not crossed):
                    heappush(ahead, (cost + metres + crossed * _BORDER_M, city.id, town))
        if best is None:
            return None
        cost, last = best
        towns = [last]
        while (before := came[towns[-1]]) is not None:
            towns.append(before)
        towns.reverse()
        return cost - self._crossings(start, goal, towns) * _BORDER_M, tuple(towns)

    def _crossings(self, start: _End, goal: _End, towns: Iterable[int]) -> int:
        countries = [start.country, *(self._cities[town].country for town in towns), goal.country]
        return sum(one != other for one, other in pairwise(countries))

    def _route(self, start: _End, goal: _End, metres: float, towns: tuple[int, ...]) -> Route:
        passed = [self._cities[town] for town in towns]
        line = [start.place, *(city.position for city in passed), goal.place]
        return Route(
            distance_m=metres,
            duration_s=metres / ROAD_SPEED + self._crossings(start, goal, towns) * _BORDER_WAIT_S,
            origin="embedded",
            estimate=False,
            towns=towns,
            # A town whose centre is the very end would be drawn twice.
            line=tuple(
                place for number, place in enumerate(line) if number == 0 or place != line[number - 1]
            ),
            stretches=tuple(self._stretches(start, goal, metres, passed)),
            driving_s=metres / ROAD_SPEED,
        )

    def _stretches(self, start: _End, goal: _End, metres: float, passed: list[City]) -> Iterator[Stretch]:
        if not passed:
            yield Stretch(metres, start.nearest, goal.nearest)
            return
        between = [
            Stretch(next(m for city, m in self._next[a.id] if city == b), a, b) for a, b in pairwise(passed)
        ]
        first = Stretch(start.towns[passed[0].id], start.nearest, passed[0])
        last = Stretch(goal.towns[passed[-1].id], passed[-1], goal.nearest)
        # What the great circle adds to a way that the table has too short belongs to no town: to the last piece.
        rest = metres - first.metres - last.metres - sum(stretch.metres for stretch in between)
        for stretch in (first, *between, Stretch(max(0.0, last.metres + rest), last.a, last.b)):
            if stretch.metres > 0.0 or stretch.a.country != stretch.b.country:
                yield stretch


def _join(road: _Road, to_a: float, to_b: float) -> tuple[float, float] | None:
    """Metres along a road from its first town to where a place joins it, and metres from the place to there.

    There is no geometry: the road is taken as the straight line between its towns, stretched to its length.
    None for a place beside neither of its points or too far off. The distances form a plane triangle.
    """
    base = road.straight
    foot = (to_a**2 - to_b**2 + base**2) / (2 * base)
    gap = sqrt(max(0.0, to_a**2 - foot**2))
    if not 0.0 <= foot <= base or gap > _OFF_ROAD_M:
        return None
    return road.metres * foot / base, gap * _GAP_DETOUR


def _along_one_road(start: _End, goal: _End) -> _Way | None:
    """The way between two places at one and the same road, past no town."""
    ways = [
        abs(along - goal.roads[road][0]) + gap + goal.roads[road][1]
        for road, (along, gap) in start.roads.items()
        if road in goal.roads
    ]
    return (min(ways), ()) if ways else None


def _shorter(one: _Way | None, other: _Way | None) -> _Way | None:
    ways = [way for way in (one, other) if way is not None]
    return min(ways) if ways else None


def _estimate(start: _End, goal: _End, metres: float, speed: float) -> Route:
    waits = _BORDER_WAIT_S if start.country != goal.country else 0.0
    line = (start.place, goal.place)
    stretches = (Stretch(metres, start.nearest, goal.nearest),)
    driving_s = metres / speed
    return Route(metres, driving_s + waits, "great-circle", True, (), line, stretches, driving_s)
