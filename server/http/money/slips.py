"""The queue of payment slips, and what finance says of the bank account."""

from aiohttp import web

from billing.acquiring import Kind
from billing.ledger import TRANSFER
from server.http import uploads
from server.http.route import Call, Route
from server.protocol.rest.finance import MoneyInvoice
from server.protocol.rest.transfers import ReceivedForm, Slips, SlipsQuery, SlipView, TurnDownForm
from storage.billing.slips import Queued

from . import views
from .staff import AREA, MOVE, SEE, STAFF


async def queue(call: Call[None, SlipsQuery]) -> Slips:
    """One page of slips."""
    query = call.query
    found = await call.services.finance.slips.queue(query.state, query.after, query.limit)
    return Slips(
        [views.slip(each) for each in found], found[-1].slip.id if len(found) == query.limit else None
    )


async def file(call: Call[None, None]) -> web.StreamResponse:
    """The slip itself; each look is written down."""
    slip = call.path_id("slip")
    stored = await call.services.finance.slips.look(call.caller.user, slip)
    return uploads.attachment(call.services.files, stored, f"slip-{slip}")


async def received(call: Call[ReceivedForm, None]) -> MoneyInvoice:
    """The money of an invoice has come."""
    services, invoice, form = call.services, call.path_uuid("invoice"), call.body
    receipt = await services.finance.slips.received(
        call.caller.user, invoice, form.entry, form.note, again=form.again
    )
    services.paying.meters.received(TRANSFER, Kind.PAY, receipt)
    return views.invoice(await services.paying.invoices.one(invoice))


async def turn_down(call: Call[TurnDownForm, None]) -> SlipView:
    """The money has not come; the payer is told why."""
    services = call.services
    slip = await services.finance.slips.turn_down(call.caller.user, call.path_id("slip"), call.body.reason)
    invoice = (await services.paying.invoices.one(slip.invoice)).invoice
    return views.slip(Queued(slip, invoice.money.minor, invoice.money.currency, invoice.plan))


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/admin/money/slips",
        queue,
        "Slips of transfers",
        AREA,
        query=SlipsQuery,
        response=Slips,
        roles=STAFF,
        grades=SEE,
    ),
    Route(
        "GET",
        "/api/v1/admin/money/slips/{slip}/file",
        file,
        "The photo or PDF of a slip",
        AREA,
        roles=STAFF,
        grades=MOVE,
        errors=("not_found",),
        produces=uploads.KINDS,
    ),
    Route(
        "POST",
        "/api/v1/admin/money/slips/{slip}/turn-down",
        turn_down,
        "Turn a slip down",
        AREA,
        request=TurnDownForm,
        response=SlipView,
        roles=STAFF,
        grades=MOVE,
        errors=("not_found", "case_closed"),
        step_up=True,
    ),
    Route(
        "POST",
        "/api/v1/admin/money/invoices/{invoice}/received",
        received,
        "Say that a transfer has come",
        AREA,
        request=ReceivedForm,
        response=MoneyInvoice,
        roles=STAFF,
        grades=MOVE,
        errors=("not_found", "invoice_closed", "entry_used"),
        step_up=True,
    ),
)
