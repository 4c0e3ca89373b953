"""Orders over HTTP: post, list, read, and the driver's steps."""

from dispatch.errors import Refusal
from dispatch.model import Actor, Order, Party, Status
from dispatch.rights import Right, grades, may
from dispatch.sharing import WATCHABLE
from dispatch.visibility import Viewer, owns, sides_seen
from server import views
from server.forms import asked_of, form_of
from server.protocol.messages import OrderState
from server.protocol.rest.orders import (
    AdvanceForm,
    Contact,
    OrderDetail,
    OrderForm,
    OrderPage,
    OrdersQuery,
    OrderVersion,
    OrderVersions,
)
from storage.order_reads import OrderFilter

from .acting import DRIVERS
from .parties import party_of, party_to, reads_private, state
from .route import Call, Route, Versioned

# What the rules of dispatch.orders_rules, dispatch.places and dispatch.moderation may say to a load.
RULES = (
    "order_incomplete",
    "stops_invalid",
    "place_unknown",
    "address_far",
    "phone_invalid",
    "window_invalid",
    "window_past",
    "load_too_large",
    "temperature_invalid",
    "adr_required",
    "payment_invalid",
    "word_hidden",
)
SHIPPER = frozenset({"shipper"})
ANYBODY = frozenset({"shipper", "driver", "logistician", "admin"})


async def place(call: Call[OrderForm, None]) -> OrderState:
    """Posts a load."""
    party = await party_of(call)
    order = await call.services.poster.place(
        party.user,
        asked_of(call.body),
        company=min(party.companies, default=None),
        allow_duplicate=call.body.allow_duplicate,
    )
    return state(call, order, party)


async def page(call: Call[None, OrdersQuery]) -> OrderPage:
    """The caller's orders: posted by a shipper, carried by a driver, all for staff. Newest first."""
    query = call.query
    party = await party_of(call)
    only = OrderFilter(frozenset(query.status), query.since, query.until, query.q.strip())
    found = await call.services.orders.page(party, query.before, query.limit, only)
    if party.actor is Actor.ADMIN:
        for order in found:
            if order.driver is not None and order.status in WATCHABLE:
                await call.services.viewing.truck(call.caller.user, order.driver, order.id)
    fleet = party.actor is Actor.LOGISTICIAN  # stands for each driver whose order it is
    return OrderPage(
        orders=[
            state(call, order, Party(order.driver or 0, Actor.DRIVER) if fleet else party) for order in found
        ],
        next=found[-1].id if len(found) == query.limit else None,
    )


async def detail(call: Call[None, None]) -> Versioned:
    """One order with its road, its history, and the other side of the haul."""
    services = call.services
    party = await party_to(call, call.path_id("order"))
    order = await services.orders.visible_to(party, call.path_id("order"))
    if party.actor is Actor.ADMIN and order.driver is not None and order.status in WATCHABLE:
        await services.viewing.truck(call.caller.user, order.driver, order.id)
    private = reads_private(call, order, party)
    history = await services.orders.history(order.id)
    cases = await services.cases.of_order(order.id) if owns(order, party) else []
    line = services.dispatcher.line(order, exact=private)
    told = OrderDetail(
        order=state(call, order, party),
        line=[(at.lat, at.lon) for at in line],
        events=[views.order_event(entry, party.actor) for entry in history],
        contacts=await _contacts(call, order, party),
        judgement=views.judgement(cases, order),
    )
    return Versioned(told, order.version, whole=False)


async def versions(call: Call[None, None]) -> OrderVersions:
    """What the order was from one edit to the next: for its shipper, and staff who may see phones."""
    party = await party_of(call)
    order = await call.services.orders.visible_to(party, call.path_id("order"))
    if not owns(order, party) and not may(call.caller.grade, Right.SEE_PHONES):
        raise Refusal("not_found")
    found = await call.services.orders.versions(order.id)
    return OrderVersions(
        [OrderVersion(each.version, each.at, each.actor, form_of(each.content)) for each in found]
    )


async def advance(call: Call[AdvanceForm, None]) -> OrderState:
    """The assigned driver's next step, also by way of the fleet's logistician."""
    number = call.path_id("order")
    party = await party_to(call, number)
    order = await call.services.dispatcher.advance(
        party.user, number, Status(call.body.status), actor=party.by
    )
    return state(call, order, party)


async def _contacts(call: Call[None, None], order: Order, party: Party) -> list[Contact]:
    """The other side of the haul, while its parties may know each other."""
    seen = sides_seen(order, Viewer(party, call.caller.grade), call.services.now())
    found = await call.services.orders.people(seen) if seen else []
    return [
        Contact("shipper" if person.id == order.shipper else "driver", person.id, person.name, person.phone)
        for person in sorted(found, key=lambda person: seen.index(person.id))
    ]


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/api/v1/orders",
        place,
        "Post a load",
        "orders",
        request=OrderForm,
        response=OrderState,
        status=201,
        roles=SHIPPER,
        errors=(*RULES, "order_duplicate"),
        headers=("Idempotency-Key",),
        location="/api/v1/orders/{order}",
        scope="orders:write",
    ),
    Route(
        "GET",
        "/api/v1/orders",
        page,
        "Own orders, newest first",
        "orders",
        query=OrdersQuery,
        response=OrderPage,
        roles=ANYBODY,
        scope="orders:read",
    ),
    Route(
        "GET",
        "/api/v1/admin/orders",
        page,
        "All orders, newest first",
        "administration",
        query=OrdersQuery,
        response=OrderPage,
        roles=frozenset({"admin"}),
    ),
    Route(
        "GET",
        "/api/v1/orders/{order}",
        detail,
        "An order with its road and history",
        "orders",
        response=OrderDetail,
        roles=ANYBODY,
        errors=("not_found",),
        scope="orders:read",
    ),
    Route(
        "GET",
        "/api/v1/orders/{order}/versions",
        versions,
        "What an order was from one edit to the next",
        "orders",
        response=OrderVersions,
        roles=frozenset({"shipper", "admin"}),
        grades=grades(Right.SEE_PHONES),
        errors=("not_found",),
        scope="orders:read",
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/advance",
        advance,
        "The driver's next step",
        "orders",
        request=AdvanceForm,
        response=OrderState,
        roles=DRIVERS,
        errors=("not_found", "transition_forbidden", "acknowledge_required", "busy"),
    ),
)
