"""The board over HTTP: searched, counted, seen on a map. Taking a load from it stands in offers.py."""

import time
from typing import Any

from dispatch.board import BoardSearch, Sort, Viewer, card
from dispatch.errors import Refusal
from geo.types import Position
from server import board_views
from server.protocol.messages import Latitude, Longitude, RowId
from server.protocol.rest.board import (
    Board,
    BoardCard,
    BoardClusterQuery,
    BoardClusters,
    BoardFacetQuery,
    BoardFacets,
    BoardFilters,
    BoardLoadQuery,
    BoardQuery,
)
from storage.board.store import After

from .pages import Cursor, cursor_of, read_cursor
from .route import Call, Route

DRIVERS = frozenset({"driver", "logistician"})
_SEARCH = (
    "subscription_expired",
    "cooling_down",
    "not_found",
    "place_unknown",
    "area_invalid",
    "search_too_heavy",
)


class ByNewest(Cursor, frozen=True):
    """Microseconds since the epoch."""

    at: int
    order: RowId


class ByPickupDate(ByNewest, frozen=True):
    """The same of the pickup."""


class ByPerKm(Cursor, frozen=True):
    """Tiyn a kilometre."""

    per_km: float
    order: RowId


class ByDistance(Cursor, frozen=True):
    """Metres from a place, which stays where it was on the first page though the truck drives on."""

    metres: float
    order: RowId
    lat: Latitude
    lon: Longitude


class ByProfit(Cursor, frozen=True):
    """Tiyn an hour, starting from a place where one is known."""

    per_hour: float
    order: RowId
    lat: Latitude | None = None
    lon: Longitude | None = None


CURSORS: dict[Sort, type[Cursor]] = {
    Sort.NEWEST: ByNewest,
    Sort.PICKUP_DATE: ByPickupDate,
    Sort.PER_KM: ByPerKm,
    Sort.NEAREST: ByDistance,
    Sort.PROFIT: ByProfit,
}


async def page(call: Call[None, BoardQuery]) -> Board:
    """One page of loads, in the order that is asked for."""
    query, sort = call.query, Sort(call.query.sort)
    after = None if query.after is None else _after(read_cursor(query.after, CURSORS[sort]))
    viewer, search = await looks(call, query, query.driver)
    found = await call.services.board.page(viewer, search, sort, query.limit, after)
    count = await call.services.board.count(viewer, search) if query.count and after is None else None
    now = time.time()
    return Board(
        loads=[board_views.card(each, now) for each in found.cards],
        next=None if found.next is None else cursor_of(_cursor(sort, found.next)),
        total=board_views.total(count),
    )


async def one(call: Call[None, BoardLoadQuery]) -> BoardCard:
    """One load, as on the board; also one that an alert of a saved search told of."""
    driver = await call.services.fleets.driver_for(call, call.query.driver)
    viewer = await here(call, driver, None)
    load = await call.services.board.one(driver, call.path_id("order"))
    return board_views.card(card(load, viewer, BoardSearch()), time.time())


async def facets(call: Call[None, BoardFacetQuery]) -> BoardFacets:
    """How the loads of a search divide."""
    viewer, search = await looks(call, call.query, call.query.driver)
    return board_views.facets(await call.services.board.facets(viewer, search))


async def clusters(call: Call[None, BoardClusterQuery]) -> BoardClusters:
    """A window of the map: cells with how many loads are picked up there and for how much."""
    query = call.query
    if query.bbox is None:
        raise Refusal("bad_request", "bbox is required").at("bbox")
    viewer, search = await looks(call, query, query.driver)
    found, cards = await call.services.board.clusters(viewer, search, query.zoom)
    return board_views.clusters(found, cards, time.time())


async def looks(call: Call[None, Any], form: BoardFilters, driver: int | None) -> tuple[Viewer, BoardSearch]:
    """Who looks, and for what; whoever reads the board like a machine is asked to pause."""
    await call.services.habits.read("board", call.caller.user)
    viewer = await here(call, await call.services.fleets.driver_for(call, driver), form.vehicle)
    return viewer, call.services.board_searches.search(form, viewer.vehicle)


async def here(call: Call[Any, Any], driver: int, vehicle: int | None) -> Viewer:
    """The driver where the truck is now, as far as this worker knows; else where it was stored last."""
    viewer = await call.services.board.viewer(driver, vehicle)
    live = call.services.live.get(driver)
    return viewer if live is None else Viewer(driver, viewer.vehicle, Position(live.lat, live.lon))


def _after(cursor: Cursor) -> After:
    match cursor:
        case ByDistance(metres=key, order=order, lat=lat, lon=lon):
            return After(key, order, Position(lat, lon))
        case ByProfit(per_hour=key, order=order, lat=lat, lon=lon):
            return After(key, order, None if lat is None or lon is None else Position(lat, lon))
        case ByPerKm(per_km=key, order=order):
            return After(key, order)
        case ByNewest(at=at, order=order):
            return After(at, order)
    raise TypeError(type(cursor))


def _cursor(sort: Sort, after: After) -> Cursor:
    origin = after.origin
    match sort:
        case Sort.NEAREST:
            assert origin is not None
            return ByDistance(after.key, after.order, origin.lat, origin.lon)
        case Sort.PROFIT:
            return ByProfit(after.key, after.order, *(origin or (None, None)))
        case Sort.PER_KM:
            return ByPerKm(after.key, after.order)
        case Sort.PICKUP_DATE:
            return ByPickupDate(int(after.key), after.order)
        case _:
            return ByNewest(int(after.key), after.order)


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/board",
        page,
        "Search the board",
        "board",
        query=BoardQuery,
        response=Board,
        roles=DRIVERS,
        errors=(*_SEARCH, "origin_unknown"),
    ),
    Route(
        "GET",
        "/api/v1/board/facets",
        facets,
        "How the loads of a search divide",
        "board",
        query=BoardFacetQuery,
        response=BoardFacets,
        roles=DRIVERS,
        errors=_SEARCH,
        cost=2,
    ),
    Route(
        "GET",
        "/api/v1/board/clusters",
        clusters,
        "Loads on a map",
        "board",
        query=BoardClusterQuery,
        response=BoardClusters,
        roles=DRIVERS,
        errors=_SEARCH,
        cost=2,
    ),
    Route(
        "GET",
        "/api/v1/board/{order}",
        one,
        "A load of the board",
        "board",
        query=BoardLoadQuery,
        response=BoardCard,
        roles=DRIVERS,
        errors=("subscription_expired", "not_found"),
    ),
)
