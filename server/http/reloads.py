"""The next load near the drop, in time, for a driver who is still under way."""

import time

from dispatch.errors import Refusal
from dispatch.model import Money, Order, Status
from dispatch.reloads import Free, Reload, circles, free_after, suggest
from geo.types import Position
from server import views
from server.protocol.rest.reloads import Reloads, ReloadsQuery, ReloadView

from . import acting
from .route import Call, Route


async def reloads(call: Call[None, ReloadsQuery]) -> Reloads:
    """Open loads near the predicted drop or along the way home, by profit an hour and direction."""
    services, query = call.services, call.query
    driver = await services.fleets.driver_for(call, query.driver)
    hand = await services.reloads.in_hand(driver)
    now = time.time()
    entry = services.live.get(driver)
    fresh = entry is not None and now - entry.at <= services.policy.max_fix_age_s
    here = Position(entry.lat, entry.lon) if entry is not None and fresh else None
    free = free_after(hand.orders, here, now)
    may_take = all(order.status is Status.AT_DROP for order in hand.orders) and len(hand.orders) < 2
    if free is None:
        return Reloads([], may_take)
    home = _home(call, hand.orders)
    places = circles(free, home, query.radius_m)
    found = await services.reloads.around(driver, hand.vehicle, places, free.at)
    best = suggest(found, free, hand.vehicle, home, query.limit)
    return _view(best, free, may_take)


def _home(call: Call[None, ReloadsQuery], orders: tuple[Order, ...]) -> Position | None:
    wanted = call.query.home_city
    if wanted is None:
        return orders[0].haul.pickup.position if orders else None
    city = call.services.gazetteer.city(wanted)
    if city is None:
        raise Refusal("place_unknown", "no city has the number {city}", city=wanted)
    return Position(city.lat, city.lon)


def _view(best: list[Reload], free: Free, may_take: bool) -> Reloads:
    return Reloads(
        loads=[
            ReloadView(
                load=views.board_load(entry.order),
                deadhead_m=round(entry.deadhead_m),
                arrive_at=round(entry.arrive_at, 3),
                wait_s=round(entry.wait_s),
                profit=views.money(Money(entry.profit.amount, entry.order.price.currency)),
                per_hour=views.money(Money(entry.per_hour, entry.order.price.currency)),
                homeward=round(entry.homeward, 2),
            )
            for entry in best
        ],
        now=may_take,
        free_at=round(free.at, 3),
        free_lat=round(free.where.lat, 5),
        free_lon=round(free.where.lon, 5),
    )


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/me/reloads",
        reloads,
        "Next loads near the drop, in time",
        "bids",
        query=ReloadsQuery,
        response=Reloads,
        roles=acting.DRIVERS,
        errors=("not_found", "vehicle_required", "subscription_expired", "place_unknown"),
        cost=5,
    ),
)
