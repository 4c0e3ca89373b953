"""Ways for everybody who asks: a vendor's figures where one answers in time, else the corridor graph's."""

import time
from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from geo.crossings import Crossings
from geo.distance import haversine_m
from geo.roads import RoadGraph
from geo.routing import Cell, Matrix, Profile, ProviderRoute, RouteProvider
from geo.travel import Travel, on_graph, travel_of
from geo.types import Position
from server.gateways.chain import Chain, Question

from . import lines
from .embedded import cell_of

# Who answers differently for another vehicle, or for another hour.
MINDS_PROFILE = frozenset({"valhalla"})
MINDS_DEPARTURE = frozenset({"google", "google-legacy"})
TRAFFIC_FRESH_S = 900.0
HOUR = 3_600
USUAL = Profile()

# A vendor's way that is shorter than the great circle leads somewhere else (it snapped to another place), and one
# this much longer goes round the world. Near places are not judged: a yard may be snapped to its gate.
_SHORTEST, _LONGEST, _JUDGED_M = 0.97, 6.0, 5_000.0


class _Cells(Struct, array_like=True):
    """A matrix as it is kept."""

    rows: list[list[Cell | None]]


class Ways:
    """The port `dispatch.ports.Ways`, and more for the calculator."""

    def __init__(
        self, chain: Chain[RouteProvider], roads: RoadGraph, crossings: Crossings, *, traffic: bool
    ) -> None:
        self._chain = chain
        self._roads = roads
        self._crossings = crossings
        self._traffic = traffic

    async def way(
        self, points: Sequence[Position], profile: Profile = USUAL, depart_at: float | None = None
    ) -> Travel:
        """The way through these points. Never fails and never takes longer than the chain's budget."""
        graph = [self._roads.route(a, b) for a, b in pairwise(points)]
        # A departure that has passed is refused by Google.
        ahead = self._traffic and depart_at is not None and depart_at > time.time() + 60
        hour = depart_at // HOUR * HOUR if ahead and depart_at is not None else None

        def text(vendor: RouteProvider) -> str:
            return _text("route", vendor, (points,), profile, hour)

        def sound(found: ProviderRoute) -> bool:
            return len(found.legs) == len(points) - 1 and _credible(found.distance_m, points)

        found = await self._chain.ask(
            Question(
                text,
                lambda vendor: vendor.route(points, profile, depart_at if hour is not None else None),
                ProviderRoute,
                sound,
                float("inf") if hour is None else TRAFFIC_FRESH_S,
            )
        )
        if found is None:
            return self.own(points)
        line = lines.decode(found.polyline, found.precision) if found.drawable else None
        return travel_of(graph, found, self._crossings, line or None)

    def own(self, points: Sequence[Position]) -> Travel:
        """The way by the corridor graph alone: at once, nobody is asked."""
        graph = [self._roads.route(a, b) for a, b in pairwise(points)]
        return travel_of(graph, on_graph(graph), self._crossings)

    async def matrix(
        self,
        origins: Sequence[Position],
        destinations: Sequence[Position],
        profile: Profile = USUAL,
    ) -> list[list[Cell]]:
        """How far each destination is from each origin; cells that a vendor left empty are the graph's."""

        async def ask(vendor: RouteProvider) -> _Cells:
            return _Cells(await vendor.matrix(origins, destinations, profile))

        def text(vendor: RouteProvider) -> str:
            return _text("matrix", vendor, (origins, destinations), profile, None)

        found = await self._chain.ask(
            Question(text, ask, _Cells, lambda cells: _whole(cells, origins, destinations))
        )
        rows: Matrix = [[None] * len(destinations) for _ in origins] if found is None else found.rows
        return [
            [
                cell
                if cell is not None and _credible(cell.distance_m, (a, b))
                else cell_of(self._roads.route(a, b))
                for b, cell in zip(destinations, row, strict=True)
            ]
            for a, row in zip(origins, rows, strict=True)
        ]

    async def close(self) -> None:
        """Closes the vendors."""
        await self._chain.close()


def _text(
    what: str,
    vendor: RouteProvider,
    places: Sequence[Sequence[Position]],
    profile: Profile,
    hour: float | None,
) -> str:
    """A question by what matters to this vendor; places to 11 m."""
    points = "|".join(";".join(f"{lat:.4f},{lon:.4f}" for lat, lon in each) for each in places)
    vehicle = tuple(profile) if vendor.name in MINDS_PROFILE else ""
    at = hour if vendor.name in MINDS_DEPARTURE and hour is not None else ""
    return f"{what} {vendor.name} {points} {vehicle} {at}"


def _credible(metres: float, points: Sequence[Position]) -> bool:
    straight = sum(haversine_m(*a, *b) for a, b in pairwise(points))
    return straight < _JUDGED_M or _SHORTEST * straight <= metres <= _LONGEST * straight


def _whole(cells: _Cells, origins: Sequence[Position], destinations: Sequence[Position]) -> bool:
    return len(cells.rows) == len(origins) and all(len(row) == len(destinations) for row in cells.rows)
