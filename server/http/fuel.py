"""Prices of diesel, set by the staff who know."""

from dispatch import fuel
from dispatch.rights import Right, grades
from server.protocol.messages import Money
from server.protocol.rest.fuel import (
    FuelHistoryQuery,
    FuelPriceForm,
    FuelPriceHistory,
    FuelPriceList,
    FuelPriceView,
    PastFuelPrice,
)

from .route import Call, Route

_ADMIN = frozenset({"admin"})


async def prices(call: Call[None, None]) -> FuelPriceList:
    """Prices in force, with the defaults, and those to come."""
    store = call.services.fuel_prices
    in_force = (await store.in_force()).all
    return FuelPriceList(
        [_view(price) for price in in_force], [_view(price) for price in await store.coming()]
    )


async def put(call: Call[FuelPriceForm, None]) -> FuelPriceView:
    """Sets one price."""
    form = call.body
    return _view(
        await call.services.fuel_prices.put(
            call.caller.user, form.country, form.region, form.amount, form.valid_from
        )
    )


async def history(call: Call[None, FuelHistoryQuery]) -> FuelPriceHistory:
    """What was set, last first."""
    query = call.query
    found = await call.services.fuel_prices.history(query.before, query.limit, query.country, query.region)
    return FuelPriceHistory(
        [PastFuelPrice(past.id, _view(past.price), past.set_by, past.set_at) for past in found],
        found[-1].id if len(found) == query.limit else None,
    )


def _view(price: fuel.FuelPrice) -> FuelPriceView:
    return FuelPriceView(
        price.country, price.region, Money(price.amount, fuel.CURRENCY), price.valid_from, price.origin
    )


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/admin/fuel-prices",
        prices,
        "Prices of diesel",
        "admin",
        response=FuelPriceList,
        roles=_ADMIN,
    ),
    Route(
        "PUT",
        "/api/v1/admin/fuel-prices",
        put,
        "Set a price of diesel",
        "admin",
        request=FuelPriceForm,
        response=FuelPriceView,
        roles=_ADMIN,
        grades=grades(Right.SET_FUEL_PRICES),
    ),
    Route(
        "GET",
        "/api/v1/admin/fuel-prices/history",
        history,
        "Prices of diesel that were set",
        "admin",
        query=FuelHistoryQuery,
        response=FuelPriceHistory,
        roles=_ADMIN,
    ),
)
