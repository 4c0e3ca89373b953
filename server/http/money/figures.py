"""Figures of the business, renewals that failed, and tables of all of it to download."""

from collections.abc import Sequence

from aiohttp import web

from billing.money import Money
from dispatch.errors import Refusal
from server.finance import tables
from server.finance.business import business
from server.http.pages import Cursor, cursor_of, read_cursor
from server.http.route import Call, Route
from server.http.subscription import money
from server.protocol.messages import RowId
from server.protocol.rest.books import (
    CurrencyFigures,
    Dunning,
    DunningQuery,
    DunningView,
    Figures,
    FiguresQuery,
    MoneyTableQuery,
    MonthFigures,
    PlanFigures,
    TrialFigures,
)
from server.sheets import MOST_ROWS, Table
from server.sheets.table import Value
from server.sheets.writing import TYPES
from storage.billing.accounting import STATEMENTS as EXTRACTS
from storage.billing.dunning import Failing

from .staff import AREA, MOVE, SEE, STAFF

DAY = 86_400.0
USUAL_S, LONGEST_S = 30 * DAY, 400 * DAY


class ByFailure(Cursor, frozen=True):
    """The last one of a page."""

    failed_at: float
    user: RowId


async def figures(call: Call[None, FiguresQuery]) -> Figures:
    """The business in figures."""
    found = await business(call.services.finance.figures, await _zone(call), call.query.months)
    return Figures(
        found.at,
        [
            PlanFigures(each.plan, each.payers, money(Money(each.minor, each.currency)))
            for each in found.plans
        ],
        [
            CurrencyFigures(each.currency.value, each.payers, each.mrr, each.arpu, each.churn, each.ltv)
            for each in found.currencies
        ],
        [
            MonthFigures(
                each.month,
                each.currency.value,
                each.at_start,
                each.new,
                each.renewed,
                each.reactivated,
                each.churned,
                each.churn,
            )
            for each in found.months
        ],
        [
            TrialFigures(each.month, each.begun, each.converted, each.running, each.conversion)
            for each in found.trials
        ],
    )


async def dunning(call: Call[None, DunningQuery]) -> Dunning:
    """One page of failed renewals."""
    query = call.query
    last = None if query.after is None else read_cursor(query.after, ByFailure)
    before = None if last is None else (last.failed_at, last.user)
    found = await call.services.finance.dunning.page(before, query.limit)
    return Dunning(
        [_failing(each) for each in found],
        cursor_of(ByFailure(found[-1].failed_at, found[-1].user)) if len(found) == query.limit else None,
    )


async def sheet(call: Call[None, MoneyTableQuery]) -> web.StreamResponse:
    """One of the tables as CSV or XLSX; who takes one away is written down."""
    services, query, name = call.services, call.query, call.request.match_info["table"]
    if name not in tables.COLUMNS:
        raise Refusal("not_found")
    since, until = _span(call)
    rows, zone = await _rows(call, name, since, until), await _zone(call)
    table = Table(name, tables.columns(name, call.lang), tables.said(name, call.lang, rows), zone)
    file = await services.sheets.file(table, query.format, f"{name}-{int(since // DAY)}-{int(until // DAY)}")
    detail = {"table": name, "since": f"{since:.0f}", "until": f"{until:.0f}", "rows": str(len(rows))}
    await services.finance.accounting.taken(call.caller.user, detail)
    return file


async def _rows(
    call: Call[None, MoneyTableQuery], name: str, since: float, until: float
) -> Sequence[Sequence[Value]]:
    finance = call.services.finance
    if name in EXTRACTS:
        return await finance.accounting.rows(name, since, until, MOST_ROWS + 1)
    if name == "dunning":
        return tables.dunning_rows(await finance.dunning.page(None, MOST_ROWS + 1))
    found = await business(finance.figures, await _zone(call), call.query.months)
    if name == "mrr":
        return tables.mrr_rows(found.plans)
    return tables.month_rows(found.months) if name == "months" else tables.trial_rows(found.trials)


def _span(call: Call[None, MoneyTableQuery]) -> tuple[float, float]:
    until = call.services.now() if call.query.until is None else call.query.until
    since = max(until - USUAL_S, 0.0) if call.query.since is None else call.query.since
    if not 0 < until - since <= LONGEST_S:
        raise Refusal("bad_request", "the span must be between nothing and {n} days", n=400).at("until")
    return since, until


async def _zone(call: Call[None, object]) -> str:
    return (await call.services.accounts.settings(call.caller.user)).time_zone


def _failing(each: Failing) -> DunningView:
    return DunningView(
        each.user,
        each.plan,
        each.state.value,
        each.failures,
        each.failed_at,
        each.reason,
        each.advice,
        each.gave_up,
        each.until,
        None if each.next is None else each.next.step.value,
        None if each.next is None else each.next.at,
    )


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/admin/money/figures",
        figures,
        "The business in figures",
        AREA,
        query=FiguresQuery,
        response=Figures,
        roles=STAFF,
        grades=SEE,
        cost=10,
    ),
    Route(
        "GET",
        "/api/v1/admin/money/dunning",
        dunning,
        "Renewals that failed",
        AREA,
        query=DunningQuery,
        response=Dunning,
        roles=STAFF,
        grades=SEE,
    ),
    Route(
        "GET",
        "/api/v1/admin/money/tables/{table}/file",
        sheet,
        "A table of money as CSV or XLSX",
        AREA,
        query=MoneyTableQuery,
        roles=STAFF,
        grades=MOVE,
        errors=("not_found", "too_many_rows", "unavailable"),
        produces=tuple(TYPES.values()),
        cost=10,
    ),
)
