"""The corridor graph as a route provider: always there, never late."""

from collections.abc import Sequence
from itertools import pairwise

from geo.roads import RoadGraph, Route
from geo.routing import Cell, Leg, Matrix, Profile, ProviderRoute
from geo.types import Position

from .lines import encode


class EmbeddedRoutes:
    """The default, and the last of every chain."""

    name = "embedded"

    def __init__(self, roads: RoadGraph) -> None:
        self._roads = roads

    async def route(
        self, points: Sequence[Position], profile: Profile, depart_at: float | None
    ) -> ProviderRoute:
        """The ways of the graph, one after the other."""
        return route_of([self._roads.route(a, b) for a, b in pairwise(points)])

    async def matrix(
        self, origins: Sequence[Position], destinations: Sequence[Position], profile: Profile
    ) -> Matrix:
        """Every pair of them."""
        return [[cell_of(self._roads.route(a, b)) for b in destinations] for a in origins]

    async def close(self) -> None:
        """Nothing to let go of."""


def route_of(graph: Sequence[Route]) -> ProviderRoute:
    """The graph's ways as one route; its origin is that of the weakest of them."""
    legs = tuple(Leg(way.distance_m, way.driving_s) for way in graph)
    weakest = next((way for way in graph if way.estimate), graph[0])
    return ProviderRoute(
        distance_m=sum(leg.distance_m for leg in legs),
        duration_s=sum(leg.duration_s for leg in legs),
        duration_traffic_s=None,
        polyline=encode(place for way in graph for place in way.line),
        precision=5,
        provider=weakest.origin,
        legs=legs,
        truck=True,
        drawable=True,
        estimate=weakest.estimate,
    )


def cell_of(way: Route) -> Cell:
    """One way as a cell."""
    return Cell(way.distance_m, way.driving_s, way.origin)
