"""The product as a user sees it, for staff; and for users, when staff looked at them."""

import time
from typing import cast

from dispatch.rights import Right, grades, may
from server.gateways.texting import masked
from server.http.route import Call, Route
from server.protocol.rest.account_views import AccountView, Looked, Looks, LooksQuery, LookView
from server.protocol.rest.common import UserRole
from server.protocol.rest.users import ReasonForm

WHAT: dict[str, Looked] = {
    "view.start": "account",
    "truck.view": "truck",
    "track.view": "track",
    "chat.view": "chat",
    "deliveries.view": "deliveries",
}


async def start(call: Call[ReasonForm, None]) -> AccountView:
    """Opens a view of ten minutes; the own other one ends."""
    user = call.path_id("user")
    token, view = await call.services.as_user.start(call.caller, user, call.body.reason, time.time())
    for old in view.ended:
        call.services.notify.view_ended(old)
    return AccountView(
        view=view.id,
        access=token,
        expires_at=view.expires_at,
        user=view.user,
        role=cast(UserRole, view.role),  # never staff: AccountViews.start
        name=view.name,
        phone=view.phone if may(call.caller.grade, Right.SEE_PHONES) else masked(view.phone),
        blocked=view.blocked,
    )


async def end(call: Call[None, None]) -> None:
    """Ends an own view."""
    view = call.path_id("view")
    await call.services.account_views.end(call.caller.user, view)
    call.services.notify.view_ended(view)


async def looks(call: Call[None, LooksQuery]) -> Looks:
    """When staff looked at the caller."""
    query = call.query
    found = await call.services.account_views.looks(call.caller.user, query.before, query.limit)
    return Looks(
        looks=[LookView(look=look.id, at=look.at, what=WHAT[look.action]) for look in found],
        next=found[-1].id if len(found) == query.limit else None,
    )


_STAFF = frozenset({"admin"})
_MAY = grades(Right.VIEW_AS_USER)
ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/api/v1/admin/users/{user}/view",
        start,
        "See the product as this user does",
        "audit",
        request=ReasonForm,
        response=AccountView,
        status=201,
        roles=_STAFF,
        grades=_MAY,
        step_up=True,
    ),
    Route(
        "DELETE",
        "/api/v1/admin/views/{view}",
        end,
        "End a view of an account",
        "audit",
        status=204,
        roles=_STAFF,
        grades=_MAY,
    ),
    Route(
        "GET",
        "/api/v1/me/looks",
        looks,
        "When staff looked at the own account",
        "own data",
        query=LooksQuery,
        response=Looks,
    ),
)
