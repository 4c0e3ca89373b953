"""The moderators' queue over HTTP."""

from dispatch.moderation import Moderator
from dispatch.rights import Grade, Right, grades, may
from server import views
from server.protocol.rest.moderation import (
    ApproveForm,
    CasePage,
    CaseQuery,
    CaseView,
    Decided,
    Decisions,
    DecisionsForm,
    RejectForm,
)

from .route import Call, Route

_STAFF = frozenset({"admin"})
_MODERATORS = grades(Right.MODERATE_ORDERS)


async def queue(call: Call[None, CaseQuery]) -> CasePage:
    """Loads to look at, oldest first; or those that were looked at."""
    query = call.query
    found = await call.services.cases.queue(
        query.state, query.kind, query.late, query.after or 0, query.limit
    )
    private = may(call.caller.grade, Right.SEE_PHONES)
    return CasePage(
        cases=[views.case_view(case, order, private=private) for case, order in found],
        next=found[-1][0].id if len(found) == query.limit else None,
    )


async def claim(call: Call[None, None]) -> CaseView:
    """Others leave the case alone for a while."""
    case = await call.services.cases.claim(_moderator(call), call.path_id("case"))
    order = await call.services.orders.visible(case.order, call.caller.user, call.caller.role)
    return views.case_view(case, order, private=may(call.caller.grade, Right.SEE_PHONES))


async def unclaim(call: Call[None, None]) -> None:
    """Somebody else may have it."""
    await call.services.cases.unclaim(_moderator(call), call.path_id("case"))


async def approve(call: Call[ApproveForm, None]) -> None:
    """The load goes out."""
    await call.services.poster.approve(_moderator(call), call.path_id("case"), call.body.note)


async def reject(call: Call[RejectForm, None]) -> None:
    """The load stays in, and its shipper hears why."""
    form = call.body
    await call.services.poster.reject(_moderator(call), call.path_id("case"), form.reasons, form.note)


async def decide(call: Call[DecisionsForm, None]) -> Decisions:
    """Many at once: each is decided by itself."""
    moderator = _moderator(call)
    told = []
    for each in call.body.decisions:
        reasons = None if each.verdict == "approve" else each.reasons
        told.append(
            Decided(each.case, await call.services.poster.decide(moderator, each.case, reasons, each.note))
        )
    return Decisions(told)


def _moderator(call: Call[object, object]) -> Moderator:
    return Moderator(call.caller.user, call.caller.grade == Grade.SUPERADMIN)


_DECIDED = ("not_found", "case_claimed", "case_closed", "second_opinion", "busy")

ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/admin/moderation",
        queue,
        "Loads that somebody should look at",
        "moderation",
        query=CaseQuery,
        response=CasePage,
        roles=_STAFF,
        grades=_MODERATORS,
    ),
    Route(
        "POST",
        "/api/v1/admin/moderation/decisions",
        decide,
        "Decide many cases at once",
        "moderation",
        request=DecisionsForm,
        response=Decisions,
        roles=_STAFF,
        grades=_MODERATORS,
    ),
    Route(
        "POST",
        "/api/v1/admin/moderation/{case}/claim",
        claim,
        "Take a case",
        "moderation",
        response=CaseView,
        roles=_STAFF,
        grades=_MODERATORS,
        errors=_DECIDED,
    ),
    Route(
        "DELETE",
        "/api/v1/admin/moderation/{case}/claim",
        unclaim,
        "Leave a case to others",
        "moderation",
        status=204,
        roles=_STAFF,
        grades=_MODERATORS,
        errors=("not_found",),
    ),
    Route(
        "POST",
        "/api/v1/admin/moderation/{case}/approve",
        approve,
        "Let a load out",
        "moderation",
        request=ApproveForm,
        status=204,
        roles=_STAFF,
        grades=_MODERATORS,
        errors=_DECIDED,
    ),
    Route(
        "POST",
        "/api/v1/admin/moderation/{case}/reject",
        reject,
        "Turn a load down",
        "moderation",
        request=RejectForm,
        status=204,
        roles=_STAFF,
        grades=_MODERATORS,
        errors=(*_DECIDED, "order_closed"),
    ),
)
