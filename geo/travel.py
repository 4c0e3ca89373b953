"""A way as everything later reckons with it: a provider's figures laid over the corridor graph's towns.

A provider knows how far and how long. Which regions, borders and toll sections are passed it does not say, so
those come from the corridor graph between the same points, stretched to the provider's distance.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from .crossings import Crossing, Crossings
from .distance import haversine_m
from .roads import ROAD_SPEED, Route
from .routing import Leg, ProviderRoute
from .types import Position

T = TypeVar("T")

# A border without Kazakhstan on either side, or too far from one that is in the table: CAREC's mean of the region.
REGION_WAIT_S = 9.9 * 3_600
REGION_WAIT_ORIGIN = "carec-region-mean"


class Piece(NamedTuple):
    """Driving inside one region: metres, seconds, ISO country, GeoNames code of the region."""

    metres: float
    seconds: float
    country: str
    region: str


class Border(NamedTuple):
    """A border that is crossed. `crossing` None: no crossing of this pair of countries is in the table."""

    leaves: str
    enters: str
    crossing: Crossing | None

    @property
    def wait_s(self) -> float:
        """Mean seconds of waiting."""
        return REGION_WAIT_S if self.crossing is None else self.crossing.wait_s(self.leaves)

    @property
    def wait_origin(self) -> str:
        """Whose mean that is."""
        return REGION_WAIT_ORIGIN if self.crossing is None else self.crossing.wait_origin


Part = Piece | Border


@dataclass(frozen=True, slots=True)
class TravelLeg:
    """From one stop to the next: what is driven, region by region, and the borders between."""

    distance_m: float
    driving_s: float
    parts: tuple[Part, ...]
    towns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Travel:
    """A whole way. `duration_s` is driving and mean border waits, without any rest.

    `traffic_s`: driving in the traffic of the departure, None when not asked. `line` may be drawn on any map;
    `polyline` is the provider's own, which may not when `drawable` is false.
    """

    distance_m: float
    driving_s: float
    traffic_s: float | None
    duration_s: float
    origin: str
    estimate: bool
    legs: tuple[TravelLeg, ...]
    towns: tuple[int, ...]
    line: tuple[Position, ...]
    line_origin: str
    polyline: str
    precision: int
    drawable: bool

    @property
    def borders(self) -> list[Border]:
        """Every border, in order."""
        return [part for leg in self.legs for part in leg.parts if isinstance(part, Border)]


def on_graph(graph: Sequence[Route]) -> ProviderRoute:
    """The graph's own ways as a provider's; the origin is that of the weakest of them. Not encoded."""
    legs = tuple(Leg(way.distance_m, way.driving_s) for way in graph)
    return ProviderRoute(
        distance_m=sum(leg.distance_m for leg in legs),
        duration_s=sum(leg.duration_s for leg in legs),
        duration_traffic_s=None,
        polyline="",
        precision=5,
        provider=_origin(graph),
        legs=legs,
        truck=True,
        drawable=True,
        estimate=any(way.estimate for way in graph),
    )


def travel_of(
    graph: Sequence[Route],
    found: ProviderRoute,
    crossings: Crossings,
    line: Sequence[Position] | None = None,
) -> Travel:
    """The provider's figures over the graph's ways, leg by leg. `line`: the provider's, if it may be drawn."""
    if len(graph) != len(found.legs):
        raise ValueError("a leg for each pair of points")
    traffic = found.duration_traffic_s
    # The provider tells its traffic for the whole way only: every leg takes its share.
    slower = 1.0 if traffic is None or not found.duration_s else traffic / found.duration_s
    legs = []
    for way, leg in zip(graph, found.legs, strict=True):
        seconds = truck_seconds(leg.distance_m, leg.duration_s * slower, found.truck)
        parts = tuple(_parts(way, leg.distance_m, seconds, crossings))
        legs.append(TravelLeg(leg.distance_m, seconds, parts, way.towns))
    driving = sum(truck_seconds(leg.distance_m, leg.duration_s, found.truck) for leg in found.legs)
    waits = sum(part.wait_s for leg in legs for part in leg.parts if isinstance(part, Border))
    own = [place for way in graph for place in way.line]
    drawn = own if line is None else list(line)
    return Travel(
        distance_m=found.distance_m,
        driving_s=driving,
        traffic_s=None if traffic is None else sum(leg.driving_s for leg in legs),
        duration_s=driving + waits,
        origin=found.provider,
        estimate=found.estimate,
        legs=tuple(legs),
        towns=_once(town for way in graph for town in way.towns),
        line=_once(drawn),
        line_origin=found.provider if line is not None else _origin(graph),
        polyline=found.polyline,
        precision=found.precision,
        drawable=found.drawable,
    )


def truck_seconds(metres: float, seconds: float, truck: bool) -> float:
    """Seconds of a truck out of a router's: no truck keeps up with a car on an open road."""
    return seconds if truck else max(seconds, metres / ROAD_SPEED)


def _parts(way: Route, metres: float, seconds: float, crossings: Crossings) -> Iterator[Part]:
    """The graph's stretches as pieces by region, stretched so that they add up to the leg."""
    longer = metres / way.distance_m if way.distance_m else 0.0
    slower = seconds / way.distance_m if way.distance_m else 0.0

    def piece(length: float, country: str, region: str) -> Piece:
        return Piece(length * longer, length * slower, country, region)

    for stretch in way.stretches:
        a, b = stretch.a, stretch.b
        if a.country == b.country:
            if a.admin1 == b.admin1:
                yield piece(stretch.metres, a.country, a.admin1)
            else:  # nobody has drawn the border of the regions: it is taken as half-way
                yield piece(stretch.metres / 2, a.country, a.admin1)
                yield piece(stretch.metres / 2, b.country, b.admin1)
            continue
        crossing = crossings.between(a.position, a.country, b.position, b.country)
        share = 0.5 if crossing is None else _share(a.position, crossing.position, b.position)
        yield piece(stretch.metres * share, a.country, a.admin1)
        yield Border(a.country, b.country, crossing)
        yield piece(stretch.metres * (1 - share), b.country, b.admin1)


def _share(a: Position, between: Position, b: Position) -> float:
    to, on = haversine_m(*a, *between), haversine_m(*between, *b)
    return to / (to + on) if to + on else 0.5


def _origin(graph: Sequence[Route]) -> str:
    return "great-circle" if any(way.estimate for way in graph) else "embedded"


def _once(items: Iterable[T]) -> tuple[T, ...]:
    """Without what comes twice running: the end of one leg is the start of the next."""
    kept: list[T] = []
    for item in items:
        if not kept or kept[-1] != item:
            kept.append(item)
    return tuple(kept)
