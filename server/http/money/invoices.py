"""Invoices for finance: lists with filters, one with all that is known of it, searches by number."""

from uuid import UUID

from billing.payments import InvoiceState, Tried, standing
from dispatch.errors import Refusal
from server.http.route import Call, Route
from server.protocol.rest.finance import (
    InvoicesWanted,
    MoneyFile,
    MoneyFound,
    MoneyInvoices,
    MoneySearch,
)
from storage.billing.invoice_search import Wanted
from storage.billing.slips import Queued

from . import views
from .staff import AREA, SEE, STAFF

MOST = 100  # of each kind of thing that an invoice or a search shows


async def page(call: Call[None, InvoicesWanted]) -> MoneyInvoices:
    """One page of invoices."""
    query = call.query
    wanted = Wanted(
        None if query.state is None else InvoiceState(query.state),
        query.provider,
        query.plan,
        query.purpose,
        query.currency,
        query.least,
        query.most,
        query.since,
        query.until,
        query.user,
    )
    before = None if query.before is None else UUID(query.before)
    found = await call.services.finance.invoices.page(wanted, before, query.limit)
    return MoneyInvoices(
        [views.invoice(each) for each in found],
        str(found[-1].invoice.id) if len(found) == query.limit else None,
    )


async def one(call: Call[None, None]) -> MoneyFile:
    """An invoice with everything that belongs to it."""
    paying, finance, number = call.services.paying, call.services.finance, call.path_uuid("invoice")
    listed = await paying.invoices.one(number)
    invoice, attempts = listed.invoice, await paying.attempts.of_invoice(number)
    tried = [Tried(each.state, each.kind == "checkout") for each in attempts]
    stands = standing(invoice, await paying.invoices.facts(number), tried, call.services.now())
    money = invoice.money
    return MoneyFile(
        views.invoice(listed),
        stands.refunded,
        stands.owed,
        stands.unknown,
        stands.held,
        [views.attempt(each) for each in attempts[-MOST:]],
        [views.notice(each) for each in await finance.notices.of_invoice(number, MOST)],
        [views.booking(each) for each in await paying.ledger.lines(None, MOST, invoice=number)],
        [views.refund(each) for each in (await paying.refunds.of_invoice(number))[-MOST:]],
        [
            views.slip(Queued(each, money.minor, money.currency, invoice.plan))
            for each in await finance.slips.of_invoice(number)
        ],
    )


async def search(call: Call[None, MoneySearch]) -> MoneyFound:
    """What a number stands for, whoever gave it."""
    finance, query = call.services.finance, call.query
    if (query.transaction is None) == (query.reference is None):
        raise Refusal("bad_request", "name one: {names:list}", names=["transaction", "reference"]).at(
            "transaction"
        )
    if query.reference is not None:
        invoices = await finance.invoices.by_reference(query.reference)
        return MoneyFound([views.invoice(each) for each in invoices], [], [])
    found = await finance.notices.of_transaction(query.transaction or "", MOST)
    notices = [each.notice for each in found]
    providers = sorted({each.provider for each in notices})
    numbers = sorted({each.transaction for each in notices if each.transaction is not None})
    of = {each.invoice for each in notices if each.invoice is not None}
    return MoneyFound(
        [views.invoice(each) for each in await finance.invoices.some(sorted(of))],
        [views.notice(each) for each in found],
        [views.booking(each) for each in await finance.invoices.bookings(providers, numbers, MOST)],
    )


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/admin/money/invoices",
        page,
        "Invoices",
        AREA,
        query=InvoicesWanted,
        response=MoneyInvoices,
        roles=STAFF,
        grades=SEE,
    ),
    Route(
        "GET",
        "/api/v1/admin/money/invoices/{invoice}",
        one,
        "An invoice with all that is known of it",
        AREA,
        response=MoneyFile,
        roles=STAFF,
        grades=SEE,
        errors=("not_found",),
    ),
    Route(
        "GET",
        "/api/v1/admin/money/search",
        search,
        "What a number of a transaction, or a reference, stands for",
        AREA,
        query=MoneySearch,
        response=MoneyFound,
        roles=STAFF,
        grades=SEE,
    ),
)
