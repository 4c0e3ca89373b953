"""Reports for staff: as JSON, as a table to download, and a vehicle's track to be played again."""

from aiohttp import web

from dispatch.errors import Refusal
from dispatch.rights import Right, grades
from server.i18n import label
from server.protocol.rest.reports import (
    ReplayBin,
    ReplayHaul,
    ReplayQuery,
    ReplaySpot,
    ReplayView,
    ReportColumn,
    ReportView,
    SheetQuery,
    SpanQuery,
)
from server.reports import COLUMNS, columns
from server.reports.columns import VOCABULARIES
from server.sheets import Table
from server.sheets.writing import TYPES
from storage.reports.replay import replay
from storage.reports.store import Report, Value

from .route import Call, Route

DAY = 86_400.0
USUAL_S, LONGEST_S, LONGEST_REPLAY_S = 30 * DAY, 400 * DAY, 31 * DAY


async def report(call: Call[None, SpanQuery]) -> ReportView:
    """A report as rows under columns."""
    name, since, until = _asked(call)
    heads = columns(name, call.lang)
    rows = await _rows(call, name, since, until)
    return ReportView(
        report=name,
        since=since,
        until=until,
        columns=[
            ReportColumn(key, head.title, kind)
            for (key, kind), head in zip(COLUMNS[name], heads, strict=True)
        ],
        rows=rows,
    )


async def sheet(call: Call[None, SheetQuery]) -> web.StreamResponse:
    """The same as CSV or XLSX, words in the reader's language."""
    name, since, until = _asked(call)
    words = {at: VOCABULARIES.get((name, key)) for at, (key, _) in enumerate(COLUMNS[name])}
    rows: list[list[Value]] = [
        [_said(call, words[at], value) for at, value in enumerate(row)]
        for row in await _rows(call, name, since, until)
    ]
    table = Table(name, columns(name, call.lang), rows, await _zone(call))
    return await call.services.sheets.file(table, call.query.format, f"{name}-{_day(since)}-{_day(until)}")


async def track(call: Call[None, ReplayQuery]) -> ReplayView:
    """Where a driver was, as it was recorded; each of these looks is written down."""
    services, query, driver = call.services, call.query, call.path_id("driver")
    until = services.now() if query.until is None else query.until
    since = max(until - DAY, 0.0) if query.since is None else query.since
    if not 0 < until - since <= LONGEST_REPLAY_S:
        raise Refusal("bad_request", "the span must be between nothing and {n} days", n=31).at("until")
    await services.drivers.must_exist(driver)
    detail = {"since": f"{since:.0f}", "until": f"{until:.0f}"}
    await services.viewing.track(call.caller.user, driver, detail)
    found = await replay(services.pool, driver, since, until, query.spots)
    return ReplayView(
        driver=driver,
        since=since,
        until=until,
        every_s=found.every_s,
        bin_s=found.bin_s,
        spots=[ReplaySpot(*spot) for spot in found.spots],
        bins=[ReplayBin(*each) for each in found.bins],
        hauls=[ReplayHaul(*each) for each in found.hauls],
        metres=round(found.metres),
    )


def _asked(call: Call[None, SpanQuery]) -> tuple[Report, float, float]:
    name = call.request.match_info["report"]
    if name not in COLUMNS:
        raise Refusal("not_found")
    until = call.services.now() if call.query.until is None else call.query.until
    since = max(until - USUAL_S, 0.0) if call.query.since is None else call.query.since
    if not 0 < until - since <= LONGEST_S:
        raise Refusal("bad_request", "the span must be between nothing and {n} days", n=400).at("until")
    return name, since, until


async def _rows(call: Call[None, SpanQuery], name: Report, since: float, until: float) -> list[list[Value]]:
    found = await call.services.reports.rows(name, since, until, await _zone(call))
    return [list(row) for row in found]


async def _zone(call: Call[None, SpanQuery]) -> str:
    return (await call.services.accounts.settings(call.caller.user)).time_zone


def _said(call: Call[None, SheetQuery], vocabulary: str | None, value: Value) -> Value:
    return label(call.lang, vocabulary, value) if vocabulary and isinstance(value, str) else value


def _day(at: float) -> str:
    return f"{int(at // DAY)}"


_STAFF = frozenset({"admin"})
ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/admin/reports/{report}",
        report,
        "A report",
        "administration",
        query=SpanQuery,
        response=ReportView,
        roles=_STAFF,
        grades=grades(Right.SEE_REPORTS),
        errors=("not_found",),
        cost=5,
    ),
    Route(
        "GET",
        "/api/v1/admin/reports/{report}/file",
        sheet,
        "A report as CSV or XLSX",
        "administration",
        query=SheetQuery,
        roles=_STAFF,
        grades=grades(Right.SEE_REPORTS),
        errors=("not_found", "too_many_rows", "unavailable"),
        produces=tuple(TYPES.values()),
        cost=5,
    ),
    Route(
        "GET",
        "/api/v1/admin/drivers/{driver}/track",
        track,
        "A driver's track, to be played again",
        "administration",
        query=ReplayQuery,
        response=ReplayView,
        roles=_STAFF,
        grades=grades(Right.REPLAY_TRACKS),
        errors=("not_found",),
        cost=5,
    ),
)
