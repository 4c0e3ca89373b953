"""The log of what acquirers said: alerts first, bodies, replays."""

import base64

from server.http.pages import Cursor, cursor_of, read_cursor
from server.http.route import Call, Route
from server.protocol.messages import RowId
from server.protocol.rest.acquirers import (
    ForgedCount,
    NoteForm,
    NoticeBody,
    NoticeReplay,
    Notices,
    NoticesQuery,
)
from storage.billing.notice_log import Place, Wanted

from . import views
from .staff import AREA, MOVE, SEE, STAFF


class AlertsFirst(Cursor, frozen=True):
    """The part of the list, and the last message seen of it."""

    calm: bool
    notice: RowId


async def page(call: Call[None, NoticesQuery]) -> Notices:
    """One page of messages."""
    log, query = call.services.finance.notices, call.query
    wanted = Wanted(query.provider, query.kind, query.verdict, query.source, query.since, query.until)
    after = None if query.after is None else read_cursor(query.after, AlertsFirst)
    found = await log.page(wanted, None if after is None else Place(after.calm, after.notice), query.limit)
    last = found[-1] if len(found) == query.limit else None
    return Notices(
        [views.notice(each) for each in found],
        [ForgedCount(each.provider, each.kept, each.day, each.last_at) for each in await log.forgeries()],
        None if last is None else cursor_of(AlertsFirst(not last.open, last.notice.id)),
    )


async def body(call: Call[None, None]) -> NoticeBody:
    """A message as it came; each look is written down."""
    services, notice = call.services, call.path_id("notice")
    found = await services.paying.notices.body(notice)
    await services.finance.notices.looked(call.caller.user, notice)
    try:
        text: str | None = found.raw.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    return NoticeBody(
        notice,
        found.provider,
        found.kind,
        found.headers,
        text,
        base64.b64encode(found.raw).decode() if text is None else None,
    )


async def replay(call: Call[None, None]) -> NoticeReplay:
    """Reads and applies a stored message once more."""
    notice = call.path_id("notice")
    made = await call.services.finance.replaying.replay(call.caller.user, notice)
    return NoticeReplay(
        notice, made.read, made.stored, made.booked, [each.verdict.value for each in made.receipts]
    )


async def settle(call: Call[NoteForm, None]) -> None:
    """Clears an alert up."""
    await call.services.finance.notices.settle(call.caller.user, call.path_id("notice"), call.body.note)


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/admin/money/notices",
        page,
        "What acquirers said, open alerts first",
        AREA,
        query=NoticesQuery,
        response=Notices,
        roles=STAFF,
        grades=SEE,
    ),
    Route(
        "GET",
        "/api/v1/admin/money/notices/{notice}/body",
        body,
        "A message as it came",
        AREA,
        response=NoticeBody,
        roles=STAFF,
        grades=MOVE,
        errors=("not_found", "notice_unreadable"),
        step_up=True,
    ),
    Route(
        "POST",
        "/api/v1/admin/money/notices/{notice}/replay",
        replay,
        "Read and apply a message once more",
        AREA,
        response=NoticeReplay,
        roles=STAFF,
        grades=MOVE,
        errors=("not_found", "notice_unreadable", "payment_unavailable"),
        step_up=True,
    ),
    Route(
        "POST",
        "/api/v1/admin/money/notices/{notice}/settle",
        settle,
        "Clear an alert up",
        AREA,
        request=NoteForm,
        status=204,
        roles=STAFF,
        grades=MOVE,
        errors=("not_found", "case_closed"),
    ),
)
