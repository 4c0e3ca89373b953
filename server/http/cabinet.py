"""Cabinets over HTTP: past hauls and offers, earnings by period, all of it as tables to download."""

from typing import Any

from aiohttp import web

from dispatch.errors import Refusal
from dispatch.model import Actor, Party
from server.cabinet import tables
from server.protocol.rest.cabinet import (
    CabinetSheetQuery,
    EarningsQuery,
    EarningsView,
    OfferHistory,
    OfferHistoryQuery,
    OfferLineView,
    PeriodView,
    TripLineView,
    TripPage,
    TripsQuery,
)
from server.sheets import MOST_ROWS, Table
from server.sheets.writing import TYPES
from storage.cabinet.store import Asked

from .parties import party_of
from .route import Call, Route

DAY = 86_400.0
USUAL_S, LONGEST_S = 90 * DAY, 400 * DAY
_PARTIES = frozenset({"shipper", "driver", "logistician"})
_CARRIERS = frozenset({"driver", "logistician"})


async def trips(call: Call[None, TripsQuery]) -> TripPage:
    """The caller's hauls."""
    query = call.query
    asked = Asked(query.before, query.limit, tuple(query.status), query.since, query.until)
    found = await call.services.cabinet.trips(await party_of(call), asked)
    return TripPage(
        [TripLineView(*line) for line in found], found[-1].order if len(found) == query.limit else None
    )


async def offers(call: Call[None, OfferHistoryQuery]) -> OfferHistory:
    """A driver's offers, and how they ended."""
    query = call.query
    driver = await call.services.fleets.driver_for(call, query.driver)
    asked = Asked(query.before, query.limit, tuple(query.status), query.since, query.until)
    found = await call.services.cabinet.offers(driver, asked)
    return OfferHistory(
        [OfferLineView(*line) for line in found], found[-1].offer if len(found) == query.limit else None
    )


async def earnings(call: Call[None, EarningsQuery]) -> EarningsView:
    """What the hauls of a span brought, or cost."""
    query = call.query
    since, until = _span(call, query.since, query.until)
    zone = await _zone(call)
    found = await call.services.cabinet.sums(await party_of(call), since, until, query.by, zone)
    return EarningsView(since, until, query.by, [PeriodView(*each) for each in found])


async def sheet(call: Call[None, CabinetSheetQuery]) -> web.StreamResponse:
    """One of these lists as CSV or XLSX."""
    services, query = call.services, call.query
    name = call.request.match_info["list"]
    if name not in tables.LISTS:
        raise Refusal("not_found")
    since, until = _span(call, query.since, query.until)
    zone, party = await _zone(call), await party_of(call)
    asked = Asked(None, MOST_ROWS + 1, (), since, until)
    rows = await _rows(call, name, party, asked, zone)
    table = Table(name, tables.columns(name, call.lang), tables.said(name, call.lang, rows), zone)
    return await services.sheets.file(table, query.format, f"{name}-{int(since // DAY)}-{int(until // DAY)}")


async def _rows(
    call: Call[None, CabinetSheetQuery], name: str, party: Party, asked: Asked, zone: str
) -> list[tuple[Any, ...]]:
    cabinet = call.services.cabinet
    if name == "trips":
        return [tuple(line) for line in await cabinet.trips(party, asked)]
    if name == "offers":
        driver = await call.services.fleets.driver_for(call, call.query.driver)
        return [tuple(line) for line in await cabinet.offers(driver, asked)]
    since, until = asked.since or 0.0, asked.until or 0.0
    if name == "reviews":
        return [tuple(line) for line in await cabinet.reviews(party.user, since, until, asked.limit)]
    if name == "orders":
        if party.actor is not Actor.SHIPPER:
            raise Refusal("forbidden")
        return [tuple(line) for line in await cabinet.orders(party, since, until, asked.limit)]
    return [tuple(line) for line in await cabinet.sums(party, since, until, call.query.by, zone)]


def _span(call: Call[None, Any], since: float | None, until: float | None) -> tuple[float, float]:
    end = call.services.now() if until is None else until
    begin = max(end - USUAL_S, 0.0) if since is None else since
    if not 0 < end - begin <= LONGEST_S:
        raise Refusal("bad_request", "the span must be between nothing and {n} days", n=400).at("until")
    return begin, end


async def _zone(call: Call[None, Any]) -> str:
    return (await call.services.accounts.settings(call.caller.user)).time_zone


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/trips",
        trips,
        "Past and present hauls",
        "cabinet",
        query=TripsQuery,
        response=TripPage,
        roles=_PARTIES,
        scope="orders:read",
    ),
    Route(
        "GET",
        "/api/v1/offers/history",
        offers,
        "A driver's offers, and how they ended",
        "cabinet",
        query=OfferHistoryQuery,
        response=OfferHistory,
        roles=_CARRIERS,
        errors=("not_found", "forbidden"),
    ),
    Route(
        "GET",
        "/api/v1/earnings",
        earnings,
        "What hauls brought or cost, by period",
        "cabinet",
        query=EarningsQuery,
        response=EarningsView,
        roles=_PARTIES,
        scope="orders:read",
    ),
    Route(
        "GET",
        "/api/v1/cabinet/{list}/file",
        sheet,
        "Orders, trips, offers, reviews or earnings as CSV or XLSX",
        "cabinet",
        query=CabinetSheetQuery,
        roles=_PARTIES,
        errors=("not_found", "forbidden", "too_many_rows", "unavailable"),
        produces=tuple(TYPES.values()),
        scope="orders:read",
        cost=5,
    ),
)
