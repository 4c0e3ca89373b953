"""Valhalla, self-hosted, costing `truck`: the only one that minds height, weight, axles and dangerous goods."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from geo.providers import NoAnswer, ProviderFault
from geo.routing import Cell, Leg, Matrix, Profile, ProviderRoute
from geo.types import Position
from server.gateways.vendor import Vendor, decoded, fault_of

from . import lines

# 154 beyond its longest route, 170 and 171 no road near, 442 no path: what another provider may still know.
NOWHERE = frozenset({154, 170, 171, 442})


class _Summary(Struct):
    length: float  # km
    time: float


class _Leg(Struct):
    summary: _Summary
    shape: str


class _Trip(Struct):
    status: int
    summary: _Summary
    legs: list[_Leg]


class _Answer(Struct):
    trip: _Trip


class _Cell(Struct):
    time: float | None = None
    distance: float | None = None  # km


class _Table(Struct):
    sources_to_targets: list[list[_Cell]]


class _Error(Struct):
    error_code: int = 0
    error: str = ""


class Valhalla:
    """A truck's way."""

    name = "valhalla"

    def __init__(self, base_url: str) -> None:
        self._vendor = Vendor(base_url)

    async def route(
        self, points: Sequence[Position], profile: Profile, depart_at: float | None
    ) -> ProviderRoute:
        """The way that this vehicle may take."""
        raw = await self._ask(
            "/route", {"locations": _places(points), **_costing(profile), "directions_type": "none"}
        )
        trip = decoded(raw, _Answer).trip
        if trip.status != 0 or not trip.legs:
            raise NoAnswer
        shapes = [leg.shape for leg in trip.legs]
        # A whole line, metre by metre: 20,000 points for 1,000 km take some 20 ms to decode.
        line = await asyncio.to_thread(_joined, shapes)
        return ProviderRoute(
            distance_m=trip.summary.length * 1_000,
            duration_s=trip.summary.time,
            duration_traffic_s=None,
            polyline=lines.encode(line),
            precision=5,
            provider=self.name,
            legs=tuple(Leg(leg.summary.length * 1_000, leg.summary.time) for leg in trip.legs),
            truck=True,
            drawable=True,
        )

    async def matrix(
        self, origins: Sequence[Position], destinations: Sequence[Position], profile: Profile
    ) -> Matrix:
        """All pairs in one request."""
        raw = await self._ask(
            "/sources_to_targets",
            {"sources": _places(origins), "targets": _places(destinations), **_costing(profile)},
        )
        table = decoded(raw, _Table).sources_to_targets
        if len(table) != len(origins) or any(len(row) != len(destinations) for row in table):
            raise ProviderFault("malformed", "matrix")
        return [
            [
                None
                if cell.time is None or cell.distance is None
                else Cell(cell.distance * 1_000, cell.time, self.name)
                for cell in row
            ]
            for row in table
        ]

    async def close(self) -> None:
        """Closes the session."""
        await self._vendor.close()

    async def _ask(self, path: str, body: object) -> bytes:
        status, raw, after = await self._vendor.call("POST", path, body=body)
        if status == 200:
            return raw
        if status == 400:
            error = decoded(raw, _Error)
            if error.error_code in NOWHERE:
                raise NoAnswer
            raise fault_of(status, None, f"{error.error_code} {error.error}")
        raise fault_of(status, after)


def _places(points: Sequence[Position]) -> list[dict[str, float]]:
    return [{"lat": round(lat, 6), "lon": round(lon, 6)} for lat, lon in points]


def _costing(profile: Profile) -> dict[str, object]:
    truck = {
        "height": profile.height_m,
        "width": profile.width_m,
        "length": profile.length_m,
        "weight": profile.weight_t,
        "axle_load": profile.axle_t,
        "hazmat": profile.hazmat,
    }
    return {"costing": "truck", "costing_options": {"truck": truck}, "units": "kilometers"}


def _joined(shapes: Sequence[str]) -> list[Position]:
    return lines.thin([place for shape in shapes for place in lines.decode(shape, 6)])
