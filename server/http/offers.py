"""Offers, and loads taken from the board, over HTTP: the driver's way without a socket, and from a push."""

from uuid import UUID

from server import views
from server.protocol.messages import OrderState
from server.protocol.rest.offers import AcceptForm, ActingQuery, DeclineForm, Offers, TakeForm

from . import acting
from .route import Call, Route

_DRIVER = frozenset({"driver"})
_LOSSES = (
    "not_found",
    "offer_taken",
    "offer_expired",
    "offer_closed",
    "order_closed",
    "subscription_expired",
    "vehicle_required",
    "vehicle_unfit",
    "driver_busy",
    "bids_only",
    "cooling_down",
    "forbidden",
    "idempotency_conflict",
    "busy",
)


async def live(call: Call[None, ActingQuery]) -> Offers:
    """A driver's live offers, oldest first."""
    driver = await call.services.fleets.driver_for(call, call.query.driver)
    made = await call.services.orders.live_offers(driver)
    return Offers([views.offer_card(offer) for offer in made])


async def accept(call: Call[AcceptForm, None]) -> OrderState:
    """Takes an offered load; the database decides, once for each accept_id. An offer knows its own version."""
    offer, accept_id = call.path_id("offer"), UUID(call.body.accept_id)
    driver = await acting.of_offer(call, offer)
    order = await call.services.dispatcher.accept(driver, offer, accept_id, actor=call.caller.user)
    return views.order_state(order, call.services.live, private=True)


async def decline(call: Call[DeclineForm, None]) -> None:
    """Not this load; it is not offered to this driver again."""
    offer = call.path_id("offer")
    driver = await acting.of_offer(call, offer)
    await call.services.dispatcher.decline(driver, offer, call.body.reason, call.body.note)


async def take(call: Call[TakeForm, None]) -> OrderState:
    """Takes a load from the board."""
    accept_id = UUID(call.body.accept_id)
    order = await call.services.dispatcher.take(
        await call.services.fleets.driver_for(call, call.body.driver),
        call.path_id("order"),
        accept_id,
        seen_version=call.body.version,
        actor=call.caller.user,
    )
    return views.order_state(order, call.services.live, private=True)


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/offers",
        live,
        "Live offers",
        "offers",
        query=ActingQuery,
        response=Offers,
        roles=acting.DRIVERS,
        errors=("not_found",),
    ),
    Route(
        "POST",
        "/api/v1/offers/{offer}/accept",
        accept,
        "Take an offered load",
        "offers",
        request=AcceptForm,
        response=OrderState,
        roles=acting.DRIVERS,
        errors=_LOSSES,
    ),
    Route(
        "POST",
        "/api/v1/offers/{offer}/decline",
        decline,
        "Turn an offer down",
        "offers",
        request=DeclineForm,
        status=204,
        roles=acting.DRIVERS,
        errors=("not_found", "busy"),
    ),
    Route(
        "POST",
        "/api/v1/board/{order}/accept",
        take,
        "Take a load from the board",
        "offers",
        request=TakeForm,
        response=OrderState,
        roles=acting.DRIVERS,
        errors=_LOSSES,
    ),
)
