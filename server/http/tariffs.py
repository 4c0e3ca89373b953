"""Prices of hauls, set by the staff who know."""

from dispatch.errors import Refusal
from dispatch.rights import Right, grades
from dispatch.tariffs import ANY_BODY, LanePrice, Table, banded
from server.protocol.messages import Money
from server.protocol.rest.common import Body, CargoKind
from server.protocol.rest.tariffs import (
    KindFactor,
    LaneHistoryQuery,
    LanePriceForm,
    LanePriceKind,
    LanePrices,
    LanePricesQuery,
    LanePriceView,
    TariffForm,
    TariffNow,
    TariffRate,
    TariffsQuery,
    TariffVersions,
    TariffView,
)
from storage.tariffs.store import NewLane

from .route import Call, Route, Versioned

LATE_S = 60.0  # a clock that is so far behind is no wish for the past
CURRENCY = "KZT"


async def now(call: Call[None, None]) -> Versioned:
    """The table in force, and those that are planned."""
    store = call.services.tariffs
    newest = await store.newest()
    in_force: TariffView | None = None
    coming: list[TariffView] = []
    for table in await store.tables():
        if table.valid_from <= call.services.now():
            in_force = _table(table)
        else:
            coming.append(_table(table))
    # Never 304: a planned version begins by itself.
    return Versioned(TariffNow(newest, in_force, coming), newest, whole=False)


async def put(call: Call[TariffForm, None]) -> Versioned:
    """Sets the next version."""
    form = call.body
    kinds: dict[str, float] = {each.kind: each.factor for each in form.factors}
    if len(kinds) < len(form.factors):
        raise Refusal("bad_request", "a kind of cargo is named twice").at("factors")
    rates = [
        (rate.body, None if rate.upto_km is None else rate.upto_km * 1000.0, rate.per_km)
        for rate in form.rates
    ]
    table = Table(
        0, 0.0, banded(rates, "rates"), kinds, form.minimum, form.loading_fee, form.abroad, form.note
    )
    not_past(call, form.valid_from)
    set_ = await call.services.tariffs.add(call.caller.user, call.expected_version, table, form.valid_from)
    call.services.notify.stale(call.services.prices.name)
    return Versioned(_table(set_), set_.version)


async def versions(call: Call[None, TariffsQuery]) -> TariffVersions:
    """What the table was."""
    query = call.query
    found = await call.services.tariffs.versions(query.before, query.limit)
    return TariffVersions(
        [_table(table) for table in found], found[-1].version if len(found) == query.limit else None
    )


async def lanes(call: Call[None, LanePricesQuery]) -> LanePrices:
    """Towns between which hauls have prices of their own."""
    query = call.query
    found = await call.services.tariffs.lanes(query.before, query.limit, query.pickup_city, query.drop_city)
    return LanePrices([_lane(lane) for lane in found], found[-1].id if len(found) == query.limit else None)


async def lane_versions(call: Call[None, LaneHistoryQuery]) -> LanePrices:
    """What the price of one lane was."""
    query = call.query
    found = await call.services.tariffs.lane_versions(
        query.pickup_city, query.drop_city, query.body or ANY_BODY, query.before, query.limit
    )
    return LanePrices(
        [_lane(lane) for lane in found], found[-1].version if len(found) == query.limit else None
    )


async def put_lane(call: Call[LanePriceForm, None]) -> Versioned:
    """Sets the next version of a lane's price."""
    form, now = call.body, call.services.now()
    for name, city in (("pickup_city", form.pickup_city), ("drop_city", form.drop_city)):
        if call.services.gazetteer.city(city) is None:
            raise Refusal("place_unknown", "no city has the number {city}", city=city).at(name)
    if (form.kind == "none") != (form.amount == 0):
        raise Refusal("bad_request", "an amount belongs to every kind but none").at("amount")
    not_past(call, form.valid_from)
    if form.valid_until is not None and form.valid_until <= max(form.valid_from or 0.0, now) + LATE_S:
        raise Refusal("window_invalid", "the end is before the beginning").at("valid_until")
    new = NewLane(
        form.pickup_city,
        form.drop_city,
        form.body or ANY_BODY,
        form.kind,
        form.amount,
        form.valid_from,
        form.valid_until,
        form.note,
    )
    set_ = await call.services.tariffs.add_lane(call.caller.user, call.expected_version, new)
    call.services.notify.stale(call.services.prices.name)
    return Versioned(_lane(set_), set_.version)


def not_past(call: Call[object, object], valid_from: float | None) -> None:
    """Refusal `window_past` for prices that would have counted already."""
    if valid_from is not None and valid_from < call.services.now() - LATE_S:
        raise Refusal("window_past", "prices of the past stay as they were").at("valid_from")


def _table(table: Table) -> TariffView:
    return TariffView(
        version=table.version,
        valid_from=table.valid_from,
        rates=[
            TariffRate(_body(body), band.per_km, None if band.upto_m is None else round(band.upto_m / 1000))
            for body, bands in table.bands.items()
            for band in bands
        ],
        factors=[KindFactor(_kind(kind), factor) for kind, factor in table.kinds.items()],
        minimum=table.minimum,
        loading_fee=table.loading_fee,
        abroad=table.abroad,
        currency=CURRENCY,
        note=table.note,
        set_by=table.set_by,
        set_at=table.set_at,
    )


def _lane(lane: LanePrice) -> LanePriceView:
    return LanePriceView(
        entry=lane.id,
        pickup_city=lane.pickup,
        drop_city=lane.drop,
        body=lane.body or None,
        version=lane.version,
        kind=_lane_kind(lane.kind),
        amount=Money(lane.amount, CURRENCY),
        valid_from=lane.valid_from,
        valid_until=lane.valid_until,
        note=lane.note,
        set_by=lane.set_by,
        set_at=lane.set_at,
    )


# What is stored came in through the forms.
def _body(word: str) -> Body:
    return word  # type: ignore[return-value]


def _kind(word: str) -> CargoKind:
    return word  # type: ignore[return-value]


def _lane_kind(word: str) -> LanePriceKind:
    return word  # type: ignore[return-value]


_STAFF = frozenset({"admin"})
_SET = grades(Right.SET_TARIFFS)
_IF_MATCH = ("If-Match",)
ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/admin/tariff",
        now,
        "The table of prices",
        "admin",
        response=TariffNow,
        roles=_STAFF,
    ),
    Route(
        "PUT",
        "/api/v1/admin/tariff",
        put,
        "Set the next version of the table of prices",
        "admin",
        request=TariffForm,
        response=TariffView,
        roles=_STAFF,
        grades=_SET,
        headers=_IF_MATCH,
        errors=("window_past",),
    ),
    Route(
        "GET",
        "/api/v1/admin/tariff/versions",
        versions,
        "What the table of prices was",
        "admin",
        query=TariffsQuery,
        response=TariffVersions,
        roles=_STAFF,
    ),
    Route(
        "GET",
        "/api/v1/admin/tariff/lanes",
        lanes,
        "Prices between towns",
        "admin",
        query=LanePricesQuery,
        response=LanePrices,
        roles=_STAFF,
    ),
    Route(
        "GET",
        "/api/v1/admin/tariff/lanes/history",
        lane_versions,
        "What the price between two towns was",
        "admin",
        query=LaneHistoryQuery,
        response=LanePrices,
        roles=_STAFF,
    ),
    Route(
        "PUT",
        "/api/v1/admin/tariff/lanes",
        put_lane,
        "Set the price between two towns",
        "admin",
        request=LanePriceForm,
        response=LanePriceView,
        roles=_STAFF,
        grades=_SET,
        headers=_IF_MATCH,
        errors=("place_unknown", "window_past", "window_invalid", "limit_reached"),
    ),
)
