"""One map in four dialects: a local service that answers as Google (both), OSRM and Valhalla do.

All of them read one table of pairs. `script` holds what goes wrong with the next requests; `asked` what came.
"""

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import dist
from typing import Any

import polyline
from aiohttp import web

from geo.types import Position

ALMATY = Position(43.2525, 76.9115)
KONAEV = Position(43.8668, 77.0630)
ASTANA = Position(51.1801, 71.4460)
NOWHERE = Position(44.6, 50.2)  # in the Caspian Sea

# Metres and seconds of a car on the roads of the fake; both ways alike. Figures of the fake, not of the world.
PAIRS: dict[frozenset[Position], tuple[int, int]] = {
    frozenset((ALMATY, KONAEV)): (76_000, 3_900),
    frozenset((KONAEV, ASTANA)): (1_180_000, 52_000),
    frozenset((ALMATY, ASTANA)): (1_225_000, 53_500),
}
PLACES = (ALMATY, KONAEV, ASTANA, NOWHERE)
TRUCK_SLOWER = 1.3
TRAFFIC_SLOWER = 1.2


@dataclass(frozen=True)
class Answer:
    """What the next request gets instead of its answer: a status with a body, or hang, drop, cut."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    how: str = "answer"


HANG = Answer(how="hang")
DROP = Answer(how="drop")
NOT_JSON = Answer(200, "<html>maintenance</html>")
# The form is right and a field is not: what a careless reader takes for a route.
WRONG_TYPES = Answer(
    200, {"routes": [{"distanceMeters": "far", "legs": 7}], "code": "Ok", "trip": [], "status": "OK"}
)


def between(points: Sequence[Position]) -> list[tuple[int, int]] | None:
    """Metres and seconds of each leg, None when one leads nowhere."""
    legs: list[tuple[int, int]] = []
    for a, b in pairwise(points):
        found = (0, 0) if a == b else PAIRS.get(frozenset((a, b)))
        if found is None:
            return None
        legs.append(found)
    return legs


def known(lat: float, lon: float) -> Position:
    """The place that is meant."""
    return min(PLACES, key=lambda place: dist(place, (lat, lon)))


@dataclass
class FakeMaps:
    """The service. `partial` leaves the last cell out of matrices; `shuffled` gives Google's in reverse."""

    script: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str], dict[str, str], Any]] = field(default_factory=list)
    partial: bool = False

    def app(self) -> web.Application:
        """Its routes."""
        app = web.Application(middlewares=[self._scripted])
        app.router.add_post("/directions/v2:computeRoutes", self.google_route)
        app.router.add_post("/distanceMatrix/v2:computeRouteMatrix", self.google_matrix)
        app.router.add_get("/maps/api/directions/json", self.legacy_route)
        app.router.add_get("/maps/api/distancematrix/json", self.legacy_matrix)
        app.router.add_get("/route/v1/{profile}/{places}", self.osrm_route)
        app.router.add_get("/table/v1/{profile}/{places}", self.osrm_table)
        app.router.add_post("/route", self.valhalla_route)
        app.router.add_post("/sources_to_targets", self.valhalla_matrix)
        return app

    @web.middleware
    async def _scripted(self, request: web.Request, handler: Any) -> web.StreamResponse:
        body = await request.json() if request.method == "POST" else None
        self.asked.append((request.path, dict(request.query), dict(request.headers), body))
        if self.script:
            step = self.script.pop(0)
            if step.how == "hang":
                await asyncio.sleep(3_600)
            if step.how == "drop":
                assert request.transport is not None
                request.transport.close()
                return web.Response()
            text = step.body if isinstance(step.body, str) else json.dumps(step.body)
            return web.Response(text=text, status=step.status, headers=step.headers)
        answer: web.StreamResponse = await handler(request)
        return answer

    # -- Google Routes --------------------------------------------------------------------------------------

    async def google_route(self, request: web.Request) -> web.Response:
        body = await request.json()
        points = [_google(each) for each in (body["origin"], *body["intermediates"], body["destination"])]
        legs = between(points)
        if legs is None:
            return web.json_response({})
        slower = TRAFFIC_SLOWER if body["routingPreference"] == "TRAFFIC_AWARE" else 1.0
        route = {
            **_some("distanceMeters", sum(metres for metres, _ in legs)),
            "duration": f"{round(sum(seconds for _, seconds in legs) * slower)}s",
            "staticDuration": f"{sum(seconds for _, seconds in legs)}s",
            "polyline": {"encodedPolyline": polyline.encode(points, 5)},
            "legs": [
                {
                    **_some("distanceMeters", metres),
                    "duration": f"{round(seconds * slower)}s",
                    "staticDuration": f"{seconds}s",
                }
                for metres, seconds in legs
            ],
        }
        return web.json_response({"routes": [route]})

    async def google_matrix(self, request: web.Request) -> web.Response:
        body = await request.json()
        origins, goals = (
            [_google(each["waypoint"]) for each in body[side]] for side in ("origins", "destinations")
        )
        cells = []
        for i, a in enumerate(origins):
            for j, b in enumerate(goals):
                legs = between([a, b])
                cell = {**_some("originIndex", i), **_some("destinationIndex", j), "status": {}}
                if legs is None:
                    cell["condition"] = "ROUTE_NOT_FOUND"
                else:
                    cell |= {"condition": "ROUTE_EXISTS", "duration": f"{legs[0][1]}s"}
                    cell |= _some("distanceMeters", legs[0][0])
                cells.append(cell)
        return web.json_response([*reversed(cells[:-1] if self.partial else cells)])

    # -- Google legacy --------------------------------------------------------------------------------------

    async def legacy_route(self, request: web.Request) -> web.Response:
        query = request.query
        between_them = query.get("waypoints", "").split("|") if "waypoints" in query else []
        points = [_text(each) for each in (query["origin"], *between_them, query["destination"])]
        legs = between(points)
        if legs is None:
            return web.json_response({"status": "ZERO_RESULTS", "routes": []})
        told = []
        for metres, seconds in legs:
            leg: dict[str, Any] = {"distance": _value(metres), "duration": _value(seconds), "steps": []}
            if "departure_time" in query:
                leg["duration_in_traffic"] = _value(round(seconds * TRAFFIC_SLOWER))
            told.append(leg)
        route = {"legs": told, "overview_polyline": {"points": polyline.encode(points, 5)}, "warnings": []}
        return web.json_response({"status": "OK", "routes": [route]})

    async def legacy_matrix(self, request: web.Request) -> web.Response:
        origins, goals = (
            [_text(each) for each in request.query[side].split("|")] for side in ("origins", "destinations")
        )
        rows = []
        for a in origins:
            row: list[Any] = []
            for b in goals:
                legs = between([a, b])
                row.append(
                    {"status": "ZERO_RESULTS"}
                    if legs is None
                    else {"status": "OK", "distance": _value(legs[0][0]), "duration": _value(legs[0][1])}
                )
            rows.append({"elements": row})
        if self.partial:
            rows[-1]["elements"].pop()
        return web.json_response({"status": "OK", "rows": rows})

    # -- OSRM -----------------------------------------------------------------------------------------------

    async def osrm_route(self, request: web.Request) -> web.Response:
        points = _lon_lat(request.match_info["places"])
        legs = between(points)
        if legs is None:
            return web.json_response({"code": "NoRoute", "message": "Impossible route"}, status=400)
        route = {
            "distance": float(sum(metres for metres, _ in legs)),
            "duration": float(sum(seconds for _, seconds in legs)),
            "weight": 1.0,
            "weight_name": "routability",
            "geometry": polyline.encode(points, 6),
            "legs": [{"distance": metres, "duration": seconds, "steps": []} for metres, seconds in legs],
        }
        return web.json_response({"code": "Ok", "routes": [route], "waypoints": []})

    async def osrm_table(self, request: web.Request) -> web.Response:
        points = _lon_lat(request.match_info["places"])
        chosen = [
            [points[int(number)] for number in request.query[side].split(";")]
            for side in ("sources", "destinations")
        ]
        cells = [[between([a, b]) for b in chosen[1]] for a in chosen[0]]
        if self.partial:
            cells[-1].pop()
        return web.json_response(
            {
                "code": "Ok",
                "distances": [[legs and legs[0][0] for legs in row] for row in cells],
                "durations": [[legs and legs[0][1] for legs in row] for row in cells],
            }
        )

    # -- Valhalla -------------------------------------------------------------------------------------------

    async def valhalla_route(self, request: web.Request) -> web.Response:
        points = [known(each["lat"], each["lon"]) for each in (await request.json())["locations"]]
        legs = between(points)
        if legs is None:
            told = {"error_code": 442, "error": "No path could be found for input", "status_code": 400}
            return web.json_response(told, status=400)

        def summary(part: list[tuple[int, int]]) -> dict[str, float]:
            return {
                "length": sum(metres for metres, _ in part) / 1_000,
                "time": sum(seconds for _, seconds in part) * TRUCK_SLOWER,
            }

        trip = {
            "status": 0,
            "status_message": "Found route between points",
            "units": "kilometers",
            "summary": summary(legs),
            "legs": [
                {"summary": summary([leg]), "shape": polyline.encode(points[number : number + 2], 6)}
                for number, leg in enumerate(legs)
            ],
        }
        return web.json_response({"trip": trip})

    async def valhalla_matrix(self, request: web.Request) -> web.Response:
        body = await request.json()
        sides = [[known(each["lat"], each["lon"]) for each in body[side]] for side in ("sources", "targets")]
        table = []
        for i, a in enumerate(sides[0]):
            row = []
            for j, b in enumerate(sides[1]):
                legs = between([a, b])
                row.append(
                    {
                        "from_index": i,
                        "to_index": j,
                        "distance": None if legs is None else legs[0][0] / 1_000,
                        "time": None if legs is None else legs[0][1] * TRUCK_SLOWER,
                    }
                )
            table.append(row)
        if self.partial:
            table[-1].pop()
        return web.json_response({"sources_to_targets": table, "units": "kilometers"})


def _google(waypoint: dict[str, Any]) -> Position:
    at = waypoint["location"]["latLng"]
    return known(at["latitude"], at["longitude"])


def _text(text: str) -> Position:
    lat, lon = text.split(",")
    return known(float(lat), float(lon))


def _lon_lat(text: str) -> list[Position]:
    return [known(float(lat), float(lon)) for lon, lat in re.findall(r"([-\d.]+),([-\d.]+)", text)]


def _some(name: str, value: int) -> dict[str, Any]:
    """Google leaves zeros out."""
    return {name: value} if value else {}


def _value(number: int) -> dict[str, Any]:
    return {"text": f"about {number}", "value": number}
