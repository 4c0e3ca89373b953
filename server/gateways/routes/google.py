"""Google Routes API v2. Its truck mode does not cover Kazakhstan, so the times are a car's."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from msgspec import Struct, field

from geo.providers import NoAnswer, ProviderFault
from geo.routing import Cell, Leg, Matrix, Profile, ProviderRoute
from geo.types import Position
from server.gateways.vendor import Vendor, decoded, fault_of

MOST_BETWEEN = 25  # intermediates
MOST_CELLS = 625
ROUTE_MASK = ",".join(
    f"routes.{name}"
    for name in (
        "distanceMeters",
        "duration",
        "staticDuration",
        "polyline.encodedPolyline",
        "legs.distanceMeters",
        "legs.duration",
        "legs.staticDuration",
    )
)
MATRIX_MASK = "originIndex,destinationIndex,status,condition,distanceMeters,duration"


# Zeros are left out of the JSON, whatever they mean; hence the defaults.
class _Line(Struct, rename="camel"):
    encoded_polyline: str = ""


class _Leg(Struct, rename="camel"):
    distance_meters: int = 0
    duration: str = "0s"
    static_duration: str = ""


class _Route(Struct, rename="camel"):
    distance_meters: int = 0
    duration: str = "0s"
    static_duration: str = ""
    polyline: _Line = field(default_factory=_Line)
    legs: list[_Leg] = []


class _Answer(Struct):
    routes: list[_Route] = []


class _Status(Struct):
    code: int = 0
    message: str = ""


class _Cell(Struct, rename="camel"):
    origin_index: int = 0
    destination_index: int = 0
    status: _Status = field(default_factory=_Status)
    condition: str = ""
    distance_meters: int = 0
    duration: str = "0s"


class _Problem(Struct):
    code: int = 0
    status: str = ""
    message: str = ""


class _Refused(Struct):
    error: _Problem


class GoogleRoutes:
    """`traffic` asks for the traffic at departure, which Google bills at a higher rate."""

    name = "google"

    def __init__(self, base_url: str, key: str, *, traffic: bool = False) -> None:
        self._vendor = Vendor(base_url)
        self._headers = {"X-Goog-Api-Key": key}
        self._traffic = traffic

    async def route(
        self, points: Sequence[Position], profile: Profile, depart_at: float | None
    ) -> ProviderRoute:
        """The way of a car, with traffic when that is on and a departure is given (it must be in the future)."""
        if len(points) - 2 > MOST_BETWEEN:
            raise ProviderFault("rejected", "too many points")
        with_traffic = self._traffic and depart_at is not None
        body: dict[str, object] = {
            "origin": _place(points[0]),
            "destination": _place(points[-1]),
            "intermediates": [_place(point) for point in points[1:-1]],
            "travelMode": "DRIVE",
            "routingPreference": "TRAFFIC_AWARE" if with_traffic else "TRAFFIC_UNAWARE",
            "computeAlternativeRoutes": False,
            "languageCode": "ru",
            "units": "METRIC",
            "polylineQuality": "OVERVIEW",
            "polylineEncoding": "ENCODED_POLYLINE",
        }
        if with_traffic and depart_at is not None:
            body["departureTime"] = datetime.fromtimestamp(depart_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        raw = await self._ask("/directions/v2:computeRoutes", body, ROUTE_MASK)
        found = decoded(raw, _Answer).routes
        if not found:  # the whole answer is {}
            raise NoAnswer
        best = found[0]
        legs = tuple(
            Leg(leg.distance_meters, seconds(leg.static_duration or leg.duration)) for leg in best.legs
        )
        return ProviderRoute(
            distance_m=best.distance_meters,
            duration_s=seconds(best.static_duration or best.duration),
            duration_traffic_s=seconds(best.duration) if with_traffic else None,
            polyline=best.polyline.encoded_polyline,
            precision=5,
            provider=self.name,
            legs=legs,
            truck=False,
            drawable=False,  # on a Google map only, by the terms
        )

    async def matrix(
        self, origins: Sequence[Position], destinations: Sequence[Position], profile: Profile
    ) -> Matrix:
        """All pairs in one request; billed by the cell."""
        if len(origins) * len(destinations) > MOST_CELLS:
            raise ProviderFault("rejected", "too many cells")
        body = {
            "origins": [{"waypoint": _place(point)} for point in origins],
            "destinations": [{"waypoint": _place(point)} for point in destinations],
            "travelMode": "DRIVE",
            "routingPreference": "TRAFFIC_UNAWARE",
        }
        raw = await self._ask("/distanceMatrix/v2:computeRouteMatrix", body, MATRIX_MASK)
        matrix: Matrix = [[None] * len(destinations) for _ in origins]
        for cell in decoded(raw, list[_Cell]):  # in any order
            if not (cell.origin_index < len(origins) and cell.destination_index < len(destinations)):
                raise ProviderFault("malformed", "index")
            if cell.status.code == 0 and cell.condition == "ROUTE_EXISTS":
                matrix[cell.origin_index][cell.destination_index] = Cell(
                    cell.distance_meters, seconds(cell.duration), self.name
                )
        return matrix

    async def close(self) -> None:
        """Closes the session."""
        await self._vendor.close()

    async def _ask(self, path: str, body: object, mask: str) -> bytes:
        status, raw, after = await self._vendor.call(
            "POST", path, body=body, headers={**self._headers, "X-Goog-FieldMask": mask}
        )
        if status == 200:
            return raw
        raise fault_of(status, after, _told(raw))


def seconds(text: str) -> float:
    """`"2412s"` as a number; ProviderFault for anything else."""
    try:
        if text.endswith("s"):
            return float(text[:-1])
    except ValueError:
        pass
    raise ProviderFault("malformed", f"duration {text[:20]!r}")


def _place(point: Position) -> dict[str, object]:
    return {"location": {"latLng": {"latitude": round(point.lat, 6), "longitude": round(point.lon, 6)}}}


def _told(raw: bytes) -> str:
    """Google's own words; the matrix wraps them in a list."""
    for kind in (_Refused, list[_Refused]):
        try:
            said = msgspec.json.decode(raw, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
        problem = said[0].error if isinstance(said, list) and said else said
        if isinstance(problem, _Refused):
            problem = problem.error
        if isinstance(problem, _Problem):
            return f"{problem.status} {problem.message}"[:200]
    return ""
