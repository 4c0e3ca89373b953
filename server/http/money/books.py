"""The books for finance: accounts, statements, single bookings, and whether they are right."""

from uuid import UUID

from billing.money import Currency
from server.http.pages import Cursor, cursor_of, read_cursor
from server.http.route import Call, Route
from server.http.subscription import money
from server.protocol.rest.books import (
    Accounts,
    AccountsQuery,
    BookAccount,
    Bookings,
    BookingsQuery,
    MoneyCheck,
    MoneyChecks,
    MoneyFault,
    Statement,
    StatementLine,
    StatementQuery,
)
from server.protocol.rest.finance import BookingView
from storage.billing.checks import Check

from . import views
from .staff import AREA, MOVE, SEE, STAFF

CHECKS = 10


class ByName(Cursor, frozen=True):
    """The last line of a page of accounts."""

    account: str
    currency: str


async def accounts(call: Call[None, AccountsQuery]) -> Accounts:
    """One page of accounts with what they come to."""
    query = call.query
    last = ByName("", "") if query.after is None else read_cursor(query.after, ByName)
    found = await call.services.paying.ledger.accounts(last.account, query.limit, query.prefix, last.currency)
    return Accounts(
        [BookAccount(each.account, money(each.money), each.lines) for each in found],
        cursor_of(ByName(found[-1].account, found[-1].money.currency)) if len(found) == query.limit else None,
    )


async def statement(call: Call[None, StatementQuery]) -> Statement:
    """One page of an account."""
    query = call.query
    found = await call.services.finance.books.statement(
        query.account, Currency(query.currency), query.before, query.limit
    )
    lines = [
        StatementLine(
            each.id,
            each.at,
            each.act.value,
            each.key,
            each.invoice,
            each.user,
            each.provider,
            each.transaction,
            each.minor,
            each.balance,
        )
        for each in found
    ]
    return Statement(
        query.account, query.currency, lines, found[-1].id if len(found) == query.limit else None
    )


async def bookings(call: Call[None, BookingsQuery]) -> Bookings:
    """One page of the books."""
    query = call.query
    invoice = None if query.invoice is None else UUID(query.invoice)
    found = await call.services.paying.ledger.lines(
        query.before, query.limit, invoice=invoice, user=query.user
    )
    return Bookings(
        [views.booking(each) for each in found], found[-1].id if len(found) == query.limit else None
    )


async def booking(call: Call[None, None]) -> BookingView:
    """One booking with its postings."""
    return views.booking(await call.services.finance.books.one(call.path_id("booking")))


async def checks(call: Call[None, None]) -> MoneyChecks:
    """When the money was last checked, and what came of it."""
    return MoneyChecks([_check(each) for each in await call.services.finance.checks.newest(CHECKS)])


async def ask(call: Call[None, None]) -> MoneyChecks:
    """Asks for a check now; it begins within a minute."""
    await call.services.finance.checks.ask(call.caller.user)
    return await checks(call)


def _check(each: Check) -> MoneyCheck:
    report = each.report
    return MoneyCheck(
        each.asked_by,
        each.asked_at,
        each.began_at,
        each.ended_at,
        None if report is None else report.bookings,
        None if report is None else report.invoices,
        None if report is None else report.broken,
        [] if report is None else [MoneyFault(fault.kind.value, fault.what) for fault in report.faults],
    )


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/admin/money/accounts",
        accounts,
        "Accounts of the books",
        AREA,
        query=AccountsQuery,
        response=Accounts,
        roles=STAFF,
        grades=SEE,
        cost=5,
    ),
    Route(
        "GET",
        "/api/v1/admin/money/statement",
        statement,
        "A statement of an account",
        AREA,
        query=StatementQuery,
        response=Statement,
        roles=STAFF,
        grades=SEE,
    ),
    Route(
        "GET",
        "/api/v1/admin/money/bookings",
        bookings,
        "The books",
        AREA,
        query=BookingsQuery,
        response=Bookings,
        roles=STAFF,
        grades=SEE,
    ),
    Route(
        "GET",
        "/api/v1/admin/money/bookings/{booking}",
        booking,
        "A transaction of the books",
        AREA,
        response=BookingView,
        roles=STAFF,
        grades=SEE,
        errors=("not_found",),
    ),
    Route(
        "GET",
        "/api/v1/admin/money/checks",
        checks,
        "Whether the money is right, and when that was checked",
        AREA,
        response=MoneyChecks,
        roles=STAFF,
        grades=SEE,
    ),
    Route(
        "POST",
        "/api/v1/admin/money/checks",
        ask,
        "Have the money checked now",
        AREA,
        response=MoneyChecks,
        status=202,
        roles=STAFF,
        grades=MOVE,
    ),
)
