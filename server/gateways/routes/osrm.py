"""OSRM, self-hosted: `/route/v1` and `/table/v1`. Its stock profile drives a car."""

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from msgspec import Struct

from geo.providers import NoAnswer, ProviderFault
from geo.routing import Cell, Leg, Matrix, Profile, ProviderRoute
from geo.types import Position
from server.gateways.vendor import Vendor, decoded, fault_of

from . import lines

NOWHERE = frozenset({"NoRoute", "NoSegment", "NoTable"})


class _Leg(Struct):
    distance: float
    duration: float


class _Route(Struct):
    distance: float
    duration: float
    geometry: str
    legs: list[_Leg]


class _Answer(Struct):
    code: str
    message: str = ""
    routes: list[_Route] = []


class _Table(Struct):
    code: str
    message: str = ""
    durations: list[list[float | None]] = []
    distances: list[list[float | None]] = []


A = TypeVar("A", _Answer, _Table)


class Osrm:
    """`profile` is the name of the profile in the URL, which the server itself ignores."""

    name = "osrm"

    def __init__(self, base_url: str, profile: str = "driving") -> None:
        self._vendor = Vendor(base_url)
        self._profile = profile

    async def route(
        self, points: Sequence[Position], profile: Profile, depart_at: float | None
    ) -> ProviderRoute:
        """The fastest way. It knows nothing of the vehicle and of the time of day."""
        answer = await self._ask(
            "route",
            points,
            {"overview": "simplified", "geometries": "polyline6", "steps": "false", "alternatives": "false"},
            _Answer,
        )
        if not answer.routes:
            raise NoAnswer
        best = answer.routes[0]
        line = await asyncio.to_thread(lambda: lines.thin(lines.decode(best.geometry, 6)))
        return ProviderRoute(
            distance_m=best.distance,
            duration_s=best.duration,
            duration_traffic_s=None,
            polyline=lines.encode(line),
            precision=5,
            provider=self.name,
            legs=tuple(Leg(leg.distance, leg.duration) for leg in best.legs),
            truck=False,
            drawable=True,
        )

    async def matrix(
        self, origins: Sequence[Position], destinations: Sequence[Position], profile: Profile
    ) -> Matrix:
        """All pairs in one request."""
        first = len(origins)
        table = await self._ask(
            "table",
            [*origins, *destinations],
            {
                "sources": ";".join(str(number) for number in range(first)),
                "destinations": ";".join(str(first + number) for number in range(len(destinations))),
                "annotations": "duration,distance",
            },
            _Table,
        )
        for part in (table.distances, table.durations):
            if len(part) != first or any(len(row) != len(destinations) for row in part):
                raise ProviderFault("malformed", "table")
        return [
            [
                None if metres is None or seconds is None else Cell(metres, seconds, self.name)
                for metres, seconds in zip(row_m, row_s, strict=True)
            ]
            for row_m, row_s in zip(table.distances, table.durations, strict=True)
        ]

    async def close(self) -> None:
        """Closes the session."""
        await self._vendor.close()

    async def _ask(
        self, service: str, points: Sequence[Position], params: dict[str, str], kind: type[A]
    ) -> A:
        places = ";".join(f"{lon:.6f},{lat:.6f}" for lat, lon in points)
        status, raw, after = await self._vendor.call(
            "GET", f"/{service}/v1/{self._profile}/{places}", params=params
        )
        if status not in (200, 400):  # 400 carries a code of its own
            raise fault_of(status, after)
        answer = decoded(raw, kind)
        if answer.code in NOWHERE:
            raise NoAnswer
        if answer.code != "Ok":
            raise fault_of(400, None, f"{answer.code} {answer.message}".strip())
        return answer
