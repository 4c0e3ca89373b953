"""Payments between shipper and driver over HTTP: marked, confirmed, contested."""

import msgspec

from dispatch.disputes import speaks_for
from dispatch.model import Party
from dispatch.remittance import Mark, RemittanceKind, Said
from dispatch.rights import Right, grades
from server import views
from server.protocol.rest.remittance import (
    ContestForm,
    MissedForm,
    RemittanceForm,
    RemittancesView,
    RemittanceView,
)
from storage.remittance.store import Payments

from .acting import DRIVERS
from .orders import ANYBODY, SHIPPER
from .parties import party_to
from .route import Call, Route


async def of_order(call: Call[None, None]) -> RemittancesView:
    """Where the payment of a haul stands."""
    order = call.path_id("order")
    party = await party_to(call, order)
    return _view(await call.services.remittances.of_order(party, order), party)


async def say(call: Call[RemittanceForm, None]) -> RemittancesView:
    """Money was sent, or has come."""
    services, order, form = call.services, call.path_id("order"), call.body
    party = await party_to(call, order)
    agreed = (await services.remittances.of_order(party, order)).order.terms.method
    said = Said(
        RemittanceKind(form.kind),
        form.amount,
        form.method or agreed,
        services.now() if form.paid_at is None else form.paid_at,
        form.reference,
    )
    return _view(services.notify.told(await services.remittances.say(party, order, said)), party)


async def confirm(call: Call[None, None]) -> RemittancesView:
    """The driver has it."""
    order, mark = call.path_id("order"), call.path_id("payment")
    party = await party_to(call, order)
    done = await call.services.remittances.confirm(party, order, mark)
    return _view(call.services.notify.told(done), party)


async def withdraw(call: Call[None, None]) -> RemittancesView:
    """The shipper has not sent it after all."""
    order, mark = call.path_id("order"), call.path_id("payment")
    party = await party_to(call, order)
    done = await call.services.remittances.withdraw(party, order, mark)
    return _view(call.services.notify.told(done), party)


async def contest(call: Call[ContestForm, None]) -> RemittancesView:
    """The driver does not have it."""
    order, mark, form = call.path_id("order"), call.path_id("payment"), call.body
    party = await party_to(call, order)
    done = await call.services.remittances.contest(
        party, order, mark, form.reason, form.note, dispute=form.dispute
    )
    return _view(call.services.notify.told(done), party)


async def miss(call: Call[MissedForm, None]) -> RemittancesView:
    """Nothing has come."""
    order, form = call.path_id("order"), call.body
    party = await party_to(call, order)
    done = await call.services.remittances.miss(party, order, form.note, dispute=form.dispute)
    return _view(call.services.notify.told(done), party)


def _view(payments: Payments, party: Party) -> RemittancesView:
    order, account, now = payments
    terms = order.terms
    told = {
        "order": order.id,
        "side": speaks_for(order, party),
        "state": account.state,
        "price": views.money(order.price),
        "prepayment": account.price * account.prepay_percent // 100,
        "method": terms.method,
        "when": terms.when,
        "days": terms.days,
        "due_at": account.due_at,
        "overdue": account.overdue(now),
        "received": account.received,
        "outstanding": account.outstanding,
        "paid_at": account.paid_at,
        "missed_at": account.unpaid_at,
        "missed_note": account.unpaid_note,
        "payments": [_mark(mark) for mark in account.marks],
    }
    return msgspec.convert(told, RemittancesView)


def _mark(mark: Mark) -> RemittanceView:
    told = {name: getattr(mark, name) for name in RemittanceView.__struct_fields__ if name != "payment"}
    return msgspec.convert({**told, "payment": mark.id, "reason": mark.reason or None}, RemittanceView)


_SIDES = SHIPPER | DRIVERS
_SAID = ("not_found", "payment_settled", "payment_void", "payment_waits", "busy")

ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/orders/{order}/payments",
        of_order,
        "Where the payment of a haul stands",
        "payments",
        response=RemittancesView,
        roles=ANYBODY,
        grades=grades(Right.SEE_MONEY),
        errors=("not_found",),
        scope="orders:read",
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/payments",
        say,
        "Say that money was sent (shippers), or has come (drivers)",
        "payments",
        request=RemittanceForm,
        response=RemittancesView,
        status=201,
        roles=_SIDES,
        errors=(*_SAID, "payment_differs", "payment_amount", "payment_date", "limit_reached"),
        scope="orders:write",
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/payments/{payment}/confirm",
        confirm,
        "Confirm that this money has come",
        "payments",
        response=RemittancesView,
        roles=DRIVERS,
        errors=("not_found", "payment_withdrawn", "payment_settled", "payment_void", "busy"),
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/payments/{payment}/contest",
        contest,
        "Say that this is not so, and ask staff to decide if need be",
        "payments",
        request=ContestForm,
        response=RemittancesView,
        roles=DRIVERS,
        errors=(
            "not_found", "payment_withdrawn", "payment_settled", "payment_void", "transition_forbidden",
            "limit_reached", "busy",
        ),
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/payments/{payment}/withdraw",
        withdraw,
        "Take a payment back that was not sent",
        "payments",
        response=RemittancesView,
        roles=SHIPPER,
        errors=("not_found", "payment_settled", "busy"),
        scope="orders:write",
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/payments/missed",
        miss,
        "Say that nothing has come, though it is due",
        "payments",
        request=MissedForm,
        response=RemittancesView,
        roles=DRIVERS,
        errors=(*_SAID, "payment_early", "transition_forbidden", "limit_reached"),
    ),
)  # fmt: skip
