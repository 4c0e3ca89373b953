"""Google's legacy Directions and Distance Matrix, for projects that still have them, by the package googlemaps."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import googlemaps
import googlemaps.exceptions as vendor
import requests

from geo.providers import NoAnswer, ProviderFault
from geo.routing import Cell, Leg, Matrix, Profile, ProviderRoute
from geo.types import Position

THREADS = 8
TIMEOUT_S = 5
MOST_SIDE, MOST_CELLS = 25, 100
REFUSED = frozenset({"REQUEST_DENIED"})
QUOTA = frozenset({"OVER_QUERY_LIMIT", "OVER_DAILY_LIMIT", "RESOURCE_EXHAUSTED"})

T = TypeVar("T")


class GoogleLegacy:
    """The package is synchronous, sleeps in its thread, and its client is of one thread: each has its own."""

    name = "google-legacy"

    def __init__(self, base_url: str, key: str, *, traffic: bool = False, retry_s: int = TIMEOUT_S) -> None:
        self._base_url = base_url.rstrip("/")
        self._key = key
        self._traffic = traffic
        self._retry_s = retry_s
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="googlemaps")
        self._own = threading.local()

    async def route(
        self, points: Sequence[Position], profile: Profile, depart_at: float | None
    ) -> ProviderRoute:
        """The way of a car; traffic only between two points, as Google answers no other with it."""
        if len(points) > MOST_SIDE + 2:
            raise ProviderFault("rejected", "too many points")
        with_traffic = self._traffic and depart_at is not None and len(points) == 2
        found = await self._run(
            lambda client: client.directions(
                _text(points[0]),
                _text(points[-1]),
                mode="driving",
                waypoints=[_text(point) for point in points[1:-1]] or None,
                units="metric",
                language="ru",
                departure_time=int(depart_at) if with_traffic and depart_at is not None else None,
            )
        )
        if not found:  # ZERO_RESULTS is an empty list here
            raise NoAnswer
        return _sound(lambda: self._route_of(found[0], with_traffic))

    async def matrix(
        self, origins: Sequence[Position], destinations: Sequence[Position], profile: Profile
    ) -> Matrix:
        """As few requests as the limits (25 a side, 100 cells) allow, one after the other."""
        if max(len(origins), len(destinations)) > MOST_SIDE:
            raise ProviderFault("rejected", "too many places")
        rows = max(1, MOST_CELLS // len(destinations))
        matrix: Matrix = []
        for start in range(0, len(origins), rows):
            part = origins[start : start + rows]
            body = await self._run(partial(_table, origins=part, destinations=destinations))
            table = _sound(partial(self._cells, body))
            if len(table) != len(part) or any(len(row) != len(destinations) for row in table):
                raise ProviderFault("malformed", "matrix")
            matrix += table
        return matrix

    async def close(self) -> None:
        """Does not wait for a thread that still hangs in a request: it ends by its own time limit."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _route_of(self, found: Any, with_traffic: bool) -> ProviderRoute:
        legs = tuple(
            Leg(float(leg["distance"]["value"]), float(leg["duration"]["value"])) for leg in found["legs"]
        )
        in_traffic = [leg.get("duration_in_traffic") for leg in found["legs"]] if with_traffic else [None]
        return ProviderRoute(
            distance_m=sum(leg.distance_m for leg in legs),
            duration_s=sum(leg.duration_s for leg in legs),
            duration_traffic_s=None
            if None in in_traffic
            else sum(float(each["value"]) for each in in_traffic if each is not None),
            polyline=str(found["overview_polyline"]["points"]),
            precision=5,
            provider=self.name,
            legs=legs,
            truck=False,
            drawable=False,
        )

    def _cells(self, body: Any) -> list[list[Cell | None]]:
        return [[self._cell(element) for element in row["elements"]] for row in body["rows"]]

    def _cell(self, element: Any) -> Cell | None:
        if element["status"] != "OK":
            return None
        return Cell(float(element["distance"]["value"]), float(element["duration"]["value"]), self.name)

    async def _run(self, work: Callable[[Any], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._guarded, work)

    def _guarded(self, work: Callable[[Any], T]) -> T:
        """In a thread: the call, and each exception of the package as a fault. Its order is its hierarchy."""
        try:
            return work(self._client())
        except vendor.Timeout as error:
            raise ProviderFault("timeout") from error
        except vendor.HTTPError as error:
            raise _http_fault(error.status_code) from error
        except vendor.TransportError as error:
            raise ProviderFault("network", str(error)[:200]) from error
        except vendor.ApiError as error:
            raise _api_fault(str(error.status), str(error.message or "")) from error
        except (requests.RequestException, ValueError, KeyError) as error:
            raise ProviderFault("malformed", type(error).__name__) from error

    def _client(self) -> Any:
        client = getattr(self._own, "client", None)
        if client is None:
            client = self._own.client = googlemaps.Client(
                key=self._key,
                base_url=self._base_url,
                timeout=TIMEOUT_S,
                retry_timeout=self._retry_s,
                retry_over_query_limit=False,  # a chain has another provider sooner
                queries_per_second=50,
                queries_per_minute=3_000,
            )
        return client


def _table(client: Any, origins: Sequence[Position], destinations: Sequence[Position]) -> Any:
    return client.distance_matrix(
        [_text(point) for point in origins],
        [_text(point) for point in destinations],
        mode="driving",
        units="metric",
        language="ru",
    )


def _text(point: Position) -> str:
    return f"{point.lat:.6f},{point.lon:.6f}"


def _sound(read: Callable[[], T]) -> T:
    """What `read` makes of plain JSON; ProviderFault when a field is missing or of another type."""
    try:
        return read()
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise ProviderFault("malformed", repr(error)[:200]) from error


def _api_fault(status: str, message: str) -> ProviderFault | NoAnswer:
    if status in QUOTA:
        return ProviderFault("quota", message[:200])
    if status in REFUSED:
        return ProviderFault("refused", message[:200])
    if status == "UNKNOWN_ERROR":
        return ProviderFault("server", message[:200])
    if status == "NOT_FOUND":
        return NoAnswer(message[:200])
    return ProviderFault("rejected", f"{status} {message}"[:200])


def _http_fault(status: int) -> ProviderFault:
    if status == 429:
        return ProviderFault("quota")
    if status in (401, 403):
        return ProviderFault("refused", str(status))
    return ProviderFault("server" if status >= 500 else "rejected", str(status))
