"""Trips over HTTP: how it goes, the way driven, and the driver's word on a suggestion."""

from aiohttp import web

from dispatch.errors import Refusal
from dispatch.model import Actor, Order, Party
from dispatch.trip import FOLLOWED
from dispatch.visibility import Viewer, carries
from server.protocol.rest.trips import DismissForm, PaperQuery, TrackSpot, TrackView, TripView
from server.trips.papers import Papers
from server.trips.views import trip_view

from .acting import DRIVERS
from .orders import ANYBODY
from .parties import party_to, reads_private
from .pdf import pdf
from .route import Call, Route


async def trip(call: Call[None, None]) -> TripView:
    """The trip of an order."""
    order, party = await _order(call)
    await _seen_by_staff(call, order, party)
    found = await call.services.trips_read.of(order, call.services.now())
    return trip_view(found, driver=carries(order, party), whole=not _withheld(order, party))


async def track(call: Call[None, None]) -> TrackView:
    """The way driven."""
    order, party = await _order(call)
    await _seen_by_staff(call, order, party)
    spots = []
    if not _withheld(order, party):
        spots = await call.services.trips_read.track(order.id, call.services.now())
    return TrackView(
        order=order.id,
        whole=order.ended_at is not None,
        spots=[TrackSpot(round(at, 1), round(lat, 6), round(lon, 6)) for at, lat, lon in spots],
    )


async def dismiss(call: Call[DismissForm, None]) -> None:
    """The suggested step is not true."""
    order, _ = await _order(call)
    await call.services.trips_read.dismiss(order.id, call.body.status)


async def waybill(call: Call[None, PaperQuery]) -> web.StreamResponse:
    """The consignment note, for the cab and the gate."""
    papers, order = await _papers(call)
    return await pdf(call, await papers.waybill(order), f"waybill-{order.id}")


async def report(call: Call[None, PaperQuery]) -> web.StreamResponse:
    """How the trip went, on paper."""
    papers, order = await _papers(call)
    if call.caller.role == "admin" and order.driver is not None:
        await call.services.viewing.truck(call.caller.user, order.driver, order.id)
    return await pdf(call, await papers.report(order), f"trip-{order.id}")


async def _papers(call: Call[None, PaperQuery]) -> tuple[Papers, Order]:
    order, party = await _order(call)
    viewer = Viewer(party, call.caller.grade)
    private = reads_private(call, order, party)
    account = await call.services.accounts.settings(call.caller.user)
    lang = call.query.lang or call.lang
    shown = not _withheld(order, party)
    return Papers(call.services, viewer, lang, account.time_zone, private=private, track=shown), order


async def _seen_by_staff(call: Call[None, None], order: Order, party: Party) -> None:
    """Where the truck is, or has stood, is never shown to staff without a row of it."""
    if party.actor is Actor.ADMIN and order.driver is not None:
        await call.services.viewing.truck(call.caller.user, order.driver, order.id)


def _withheld(order: Order, party: Party) -> bool:
    """The driver has paused the sharing of where he is: the shipper's side does without it on the way."""
    return party.actor is Actor.SHIPPER and order.unshared is not None and order.status in FOLLOWED


async def _order(call: Call[object, object]) -> tuple[Order, Party]:
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
        "GET",
        "/api/v1/orders/{order}/waybill",
        waybill,
        "The waybill as PDF",
        "trips",
        query=PaperQuery,
        roles=ANYBODY,
        errors=("not_found", "unavailable"),
        produces=("application/pdf",),
        scope="orders:read",
        cost=5,
    ),
    Route(
        "GET",
        "/api/v1/orders/{order}/trip/report",
        report,
        "The report of the trip as PDF",
        "trips",
        query=PaperQuery,
        roles=ANYBODY,
        errors=("not_found", "unavailable"),
        produces=("application/pdf",),
        scope="orders:read",
        cost=5,
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
