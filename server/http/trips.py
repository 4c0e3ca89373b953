"""Trips over HTTP: how it goes, the way driven, and the driver's word on a suggestion."""

from dispatch.errors import Refusal
from dispatch.model import Actor, Order, Party
from dispatch.visibility import carries
from server.protocol.rest.trips import DismissForm, TrackView, TripView
from server.trips.views import trip_view

from .acting import DRIVERS
from .orders import ANYBODY
from .parties import party_to
from .route import Call, Route


async def trip(call: Call[None, None]) -> TripView:
    """The trip of an order."""
    order, party = await _order(call)
    found = await call.services.trips_read.of(order, call.services.now())
    return trip_view(found, driver=carries(order, party))


async def track(call: Call[None, None]) -> TrackView:
    """The way driven."""
    order, party = await _order(call)
    if party.actor is Actor.ADMIN and order.driver is not None:
        await call.services.viewing.truck(call.caller.user, order.driver, order.id)
    spots = await call.services.trips_read.track(order.id, call.services.now())
    return TrackView(
        order=order.id,
        whole=order.ended_at is not None,
        spots=[(round(at, 1), round(lat, 6), round(lon, 6)) for at, lat, lon in spots],
    )


async def dismiss(call: Call[DismissForm, None]) -> None:
    """The suggested step is not true."""
    order, _ = await _order(call)
    await call.services.trips_read.dismiss(order.id, call.body.status)


async def _order(call: Call[object, None]) -> tuple[Order, Party]:
    """The order as the caller may know it, once somebody carries it."""
    number = call.path_id("order")
    party = await party_to(call, number)
    order = await call.services.orders.visible_to(party, number)
    if order.driver is None:
        raise Refusal("not_found")
    return order, party


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/orders/{order}/trip",
        trip,
        "How the trip of an order goes",
        "trips",
        response=TripView,
        roles=ANYBODY,
        errors=("not_found",),
        scope="orders:read",
    ),
    Route(
        "GET",
        "/api/v1/orders/{order}/trip/track",
        track,
        "The way driven with an order",
        "trips",
        response=TrackView,
        roles=ANYBODY,
        errors=("not_found",),
        scope="orders:read",
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/trip/dismiss",
        dismiss,
        "A suggested step is not true",
        "trips",
        request=DismissForm,
        status=204,
        roles=DRIVERS,
        errors=("not_found",),
    ),
)
