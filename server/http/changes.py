"""What is done to posted orders over HTTP: edited, confirmed, agreed to, called off, closed."""

from dispatch.cancelling import CallingOff, Fault
from dispatch.rights import Right, grades
from server.forms import said_in
from server.protocol.messages import OrderState
from server.protocol.rest.orders import (
    AcknowledgeForm,
    AppealForm,
    CancelForm,
    CloseForm,
    OrderEdit,
)

from .acting import DRIVERS
from .orders import ANYBODY, RULES, SHIPPER
from .parties import party_of, party_to, state
from .route import Call, Route, Versioned


async def edit(call: Call[OrderEdit, None]) -> Versioned:
    """Changes what is posted, as the next version; who was offered the load as it was hears of it."""
    party = await party_of(call)
    order = await call.services.poster.edit(
        party, call.path_id("order"), call.expected_version, said_in(call.body)
    )
    return Versioned(state(call, order, party), order.version)


async def confirm(call: Call[None, None]) -> OrderState:
    """The load still stands."""
    party = await party_of(call)
    return state(call, await call.services.poster.confirm(party, call.path_id("order")), party)


async def acknowledge(call: Call[AcknowledgeForm, None]) -> OrderState:
    """The assigned driver agrees to the times as they are now."""
    party = await party_to(call, call.path_id("order"))
    order = await call.services.poster.acknowledge(party, call.path_id("order"), call.body.version)
    return state(call, order, party)


async def cancel(call: Call[CancelForm, None]) -> OrderState:
    """Calls the order off, as long as nothing is loaded."""
    form = call.body
    party = await party_to(call, call.path_id("order"))
    why = CallingOff(form.code, form.reason, None if form.fault is None else Fault(form.fault))
    order = await call.services.dispatcher.cancel(party, call.path_id("order"), why)
    return state(call, order, party)


async def close(call: Call[CloseForm, None]) -> OrderState:
    """Nothing is left to settle."""
    party = await party_of(call)
    order = await call.services.dispatcher.close(party, call.path_id("order"), call.body.note)
    return state(call, order, party)


async def appeal(call: Call[AppealForm, None]) -> OrderState:
    """Asks for a second look at a load that was turned down."""
    party = await party_of(call)
    return state(call, await call.services.poster.appeal(party, call.path_id("order"), call.body.text), party)


_STEP = ("not_found", "transition_forbidden", "busy")

ROUTES: tuple[Route, ...] = (
    Route(
        "PATCH",
        "/api/v1/orders/{order}",
        edit,
        "Change a posted load",
        "orders",
        request=OrderEdit,
        response=OrderState,
        roles=SHIPPER,
        errors=(*RULES, "not_found", "order_closed", "edit_forbidden", "busy"),
        headers=("If-Match",),
        scope="orders:write",
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/confirm",
        confirm,
        "The load still stands",
        "orders",
        response=OrderState,
        roles=SHIPPER,
        errors=("not_found", "order_closed", "busy"),
        scope="orders:write",
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/acknowledge",
        acknowledge,
        "Agree to changed times",
        "orders",
        request=AcknowledgeForm,
        response=OrderState,
        roles=DRIVERS,
        errors=("not_found", "version_stale", "busy"),
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/cancel",
        cancel,
        "Call an order off",
        "orders",
        request=CancelForm,
        response=OrderState,
        roles=ANYBODY,
        grades=grades(Right.MEND_ORDERS),
        errors=(*_STEP, "reason_invalid"),
        scope="orders:write",
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/close",
        close,
        "Nothing is left to settle",
        "orders",
        request=CloseForm,
        response=OrderState,
        roles=frozenset({"shipper", "admin"}),
        grades=grades(Right.MEND_ORDERS),
        errors=_STEP,
        scope="orders:write",
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/appeal",
        appeal,
        "Ask for a second look at a load that was turned down",
        "orders",
        request=AppealForm,
        response=OrderState,
        roles=SHIPPER,
        errors=("not_found", "transition_forbidden", "appeal_used", "busy"),
        scope="orders:write",
    ),
)
