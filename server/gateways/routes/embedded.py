"""The corridor graph as a route provider: always there, never late."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from geo.roads import RoadGraph, Route
from geo.routing import Cell, Matrix, Profile, ProviderRoute
from geo.travel import on_graph
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
        ways = [self._roads.route(a, b) for a, b in pairwise(points)]
        return replace(on_graph(ways), polyline=encode(place for way in ways for place in way.line))

    async def matrix(
        self, origins: Sequence[Position], destinations: Sequence[Position], profile: Profile
    ) -> Matrix:
        """Every pair of them."""
        return [[cell_of(self._roads.route(a, b)) for b in destinations] for a in origins]

    async def close(self) -> None:
        """Nothing to let go of."""


def cell_of(way: Route) -> Cell:
    """One way as a cell."""
    return Cell(way.distance_m, way.driving_s, way.origin)
