"""Refunds: asked for by one of the staff, above a limit approved by another; those of transfers the bank sends."""

from uuid import UUID

from server.http.route import Call, Route
from server.protocol.rest.finance import RefundForm, Refunds, RefundsQuery, RefundView, ReturnedForm
from server.protocol.rest.transfers import TurnDownForm

from . import views
from .staff import AREA, MOVE, SEE, STAFF


async def ask(call: Call[RefundForm, None]) -> RefundView:
    """Asks for one; below the limit it is on its way at once."""
    refund = await call.services.paying.refunds.request(
        call.caller.user, call.path_uuid("invoice"), call.body.amount, call.body.reason
    )
    return views.refund(refund)


async def page(call: Call[None, RefundsQuery]) -> Refunds:
    """One page of refunds."""
    query = call.query
    before = None if query.before is None else UUID(query.before)
    found = await call.services.paying.refunds.page(query.state, before, query.limit)
    return Refunds(
        [views.refund(each) for each in found], str(found[-1].id) if len(found) == query.limit else None
    )


async def approve(call: Call[None, None]) -> RefundView:
    """A second one of the staff agrees."""
    refund = await call.services.paying.refunds.approve(call.caller.user, call.path_uuid("refund"))
    return views.refund(refund)


async def turn_down(call: Call[TurnDownForm, None]) -> RefundView:
    """It does not go back."""
    refund = await call.services.paying.refunds.turn_down(
        call.caller.user, call.path_uuid("refund"), call.body.reason
    )
    return views.refund(refund)


async def returned(call: Call[ReturnedForm, None]) -> RefundView:
    """The bank has sent the refund of a transfer."""
    refund = await call.services.paying.transfers.returned(
        call.caller.user, call.path_uuid("refund"), call.body.entry
    )
    return views.refund(refund)


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/api/v1/admin/money/invoices/{invoice}/refunds",
        ask,
        "Ask to give a payment back",
        AREA,
        request=RefundForm,
        response=RefundView,
        status=201,
        roles=STAFF,
        grades=MOVE,
        errors=("not_found", "invoice_closed", "refund_too_much"),
        step_up=True,
    ),
    Route(
        "GET",
        "/api/v1/admin/money/refunds",
        page,
        "Refunds",
        AREA,
        query=RefundsQuery,
        response=Refunds,
        roles=STAFF,
        grades=SEE,
    ),
    Route(
        "POST",
        "/api/v1/admin/money/refunds/{refund}/approve",
        approve,
        "Approve a refund of a colleague",
        AREA,
        response=RefundView,
        roles=STAFF,
        grades=MOVE,
        errors=("not_found", "refund_closed", "second_approver"),
        step_up=True,
    ),
    Route(
        "POST",
        "/api/v1/admin/money/refunds/{refund}/turn-down",
        turn_down,
        "Turn a refund down",
        AREA,
        request=TurnDownForm,
        response=RefundView,
        roles=STAFF,
        grades=MOVE,
        errors=("not_found", "refund_closed"),
        step_up=True,
    ),
    Route(
        "POST",
        "/api/v1/admin/money/refunds/{refund}/returned",
        returned,
        "Say that the bank has sent a refund",
        AREA,
        request=ReturnedForm,
        response=RefundView,
        roles=STAFF,
        grades=MOVE,
        errors=("not_found", "invoice_closed", "refund_closed", "entry_used"),
        step_up=True,
    ),
)
