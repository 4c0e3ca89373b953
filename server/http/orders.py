"""Orders over HTTP: post, list, read, call off, and the driver's steps."""

from dispatch.model import Actor, Load, Party, Status
from server import views
from server.protocol.messages import OrderState
from server.protocol.rest.common import PageQuery
from server.protocol.rest.orders import AdvanceForm, CancelForm, OrderDetail, OrderForm, OrderPage

from .route import Call, Route


async def place(call: Call[OrderForm, None]) -> OrderState:
    """Posts a load."""
    form = call.body
    order = await call.services.dispatcher.place(
        call.caller.user,
        form.pickup_city,
        form.drop_city,
        Load(form.cargo, form.weight_kg, form.volume_m3, form.body),
        price=form.price,
        valid_s=form.valid_s,
    )
    return views.order_state(order, call.services.live)


async def page(call: Call[None, PageQuery]) -> OrderPage:
    """The caller's orders: posted by a shipper, carried by a driver, all for staff. Newest first."""
    query = call.query
    found = await call.services.orders.page(_party(call), query.before, query.limit)
    return OrderPage(
        orders=[views.order_state(order, call.services.live) for order in found],
        next=found[-1].id if len(found) == query.limit else None,
    )


async def detail(call: Call[None, None]) -> OrderDetail:
    """One order with its road and its history."""
    services = call.services
    order = await services.orders.visible(call.path_id("order"), call.caller.user, call.caller.role)
    history = await services.orders.history(order.id)
    line = services.dispatcher.route(order).line
    return OrderDetail(
        order=views.order_state(order, services.live),
        line=[(at.lat, at.lon) for at in line],
        events=[views.order_event(entry) for entry in history],
    )


async def cancel(call: Call[CancelForm, None]) -> OrderState:
    """Calls the order off, as long as nothing is loaded."""
    order = await call.services.dispatcher.cancel(_party(call), call.path_id("order"), call.body.reason)
    return views.order_state(order, call.services.live)


async def advance(call: Call[AdvanceForm, None]) -> OrderState:
    """The assigned driver's next step."""
    status = Status(call.body.status)
    order = await call.services.dispatcher.advance(call.caller.user, call.path_id("order"), status)
    return views.order_state(order, call.services.live)


def _party(call: Call[object, object]) -> Party:
    return Party(call.caller.user, Actor(call.caller.role))


_ANYBODY = frozenset({"shipper", "driver", "admin"})

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
        roles=frozenset({"shipper"}),
        errors=("place_unknown",),
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
        query=PageQuery,
        response=OrderPage,
        roles=_ANYBODY,
        scope="orders:read",
    ),
    Route(
        "GET",
        "/api/v1/admin/orders",
        page,
        "All orders, newest first",
        "administration",
        query=PageQuery,
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
        roles=_ANYBODY,
        errors=("not_found",),
        scope="orders:read",
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/cancel",
        cancel,
        "Call an order off",
        "orders",
        request=CancelForm,
        response=OrderState,
        roles=_ANYBODY,
        errors=("not_found", "transition_forbidden", "busy"),
        scope="orders:write",
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/advance",
        advance,
        "The driver's next step",
        "orders",
        request=AdvanceForm,
        response=OrderState,
        roles=frozenset({"driver"}),
        errors=("not_found", "transition_forbidden", "busy"),
    ),
)
