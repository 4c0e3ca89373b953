"""How fast the in-process index finds the nearest trucks of a large fleet, and takes a new position.

    python -m loadtests.index_search

A micro-benchmark of `geo.index` alone: no socket, no store. Other processes on the machine show in the p95.
"""

from collections.abc import Callable
from itertools import accumulate
from math import sqrt
from random import Random
from time import perf_counter

from geo.cells import cell_of
from geo.distance import destination
from geo.gazetteer import Gazetteer
from geo.index import CellIndex
from geo.roads import RoadGraph
from geo.types import Position

# Share of trucks that stand or drive in towns; the others are on the roads between.
IN_TOWNS = 0.6
NEAREST = 16
RADIUS_M = 500_000.0
# Trucks of a metropolis strew normally about its centre by this much; towns scale with the root of their people.
_METROPOLIS_PEOPLE, _METROPOLIS_M = 10_000_000, 15_000.0
_ROADSIDE_M = 1_000.0
_AVAILABLE = 1


def fleet(seed: int) -> Callable[[], Position]:
    """Places of trucks as freight has them: towns by their people, roads by their length."""
    random = Random(seed)
    gazetteer = Gazetteer.load()
    roads = RoadGraph.load(gazetteer).roads
    cities = gazetteer.cities
    people = list(accumulate(city.population for city in cities))
    metres = list(accumulate(length for _, _, length in roads))

    def place() -> Position:
        if random.random() < IN_TOWNS:
            [city] = random.choices(cities, cum_weights=people)
            width = _METROPOLIS_M * min(1.0, city.population / _METROPOLIS_PEOPLE) ** 0.5
            return destination(
                city.lat, city.lon, random.uniform(0, 360), width * sqrt(random.expovariate(0.5))
            )
        [(a, b, _)] = random.choices(roads, cum_weights=metres)
        part = random.random()
        lat, lon = a.lat + (b.lat - a.lat) * part, a.lon + (b.lon - a.lon) * part
        return destination(lat, lon, random.uniform(0, 360), abs(random.gauss(0, _ROADSIDE_M)))

    return place


def measure(drivers: int = 1_000_000, queries: int = 5_000, seed: int = 1) -> dict[str, float]:
    """Microseconds of a search for the nearest 16 (p50, p95) and of an update, over `drivers` trucks.

    Four in five trucks are available and only those are searched for, from places spread like the trucks.
    Updates move a truck by some metres, so nearly all stay in their cell; the cell is known to the caller, as
    it is on the path of a GPS point.
    """
    place = fleet(seed)
    index = CellIndex()
    for driver in range(drivers):
        lat, lon = place()
        index.put(driver, lat, lon, _AVAILABLE if driver % 5 else 0)
    asked = [place() for _ in range(queries)]
    took: list[float] = []
    for lat, lon in asked:
        start = perf_counter()
        index.near(lat, lon, NEAREST, RADIUS_M, flags_all=_AVAILABLE)
        took.append(perf_counter() - start)
    took.sort()
    return {
        "nearest_p50_us": took[len(took) // 2] * 1e6,
        "nearest_p95_us": took[int(len(took) * 0.95)] * 1e6,
        "update_us": _updates(index, min(drivers, 200_000)) * 1e6,
        "drivers": len(index),
    }


def _updates(index: CellIndex, count: int) -> float:
    """Mean seconds to put one truck that moved about 15 m."""
    moved: list[tuple[int, float, float, int, int]] = []
    for driver in range(count):
        spot = index.get(driver)
        if spot is not None:
            lat, lon, flags = spot
            moved.append((driver, lat + 1e-4, lon + 1e-4, flags, cell_of(lat + 1e-4, lon + 1e-4)))
    start = perf_counter()
    for driver, lat, lon, flags, cell in moved:
        index.put(driver, lat, lon, flags, cell)
    return (perf_counter() - start) / len(moved)


if __name__ == "__main__":
    for name, figure in measure().items():
        print(f"{name:>16} {figure:,.1f}")
