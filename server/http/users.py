"""Accounts in the hands of staff: finding them, their role and grade, shutting them out, a lost second factor."""

import time

from dispatch.errors import Refusal
from dispatch.rights import Right, grades, may
from server.gateways.texting import masked
from server.protocol.rest.users import (
    ActionsQuery,
    ReasonForm,
    RoleForm,
    StaffAction,
    StaffActions,
    Users,
    UsersQuery,
    UserView,
)
from storage.staff import ActionRow, Change, Search, UserRow

from .route import Call, Route, Versioned

_STAFF = frozenset({"admin"})


async def find(call: Call[None, UsersQuery]) -> Users:
    """Accounts by a part of the name or number, or by id; newest first."""
    query, phones = call.query, may(call.caller.grade, Right.SEE_PHONES)
    search = Search(query.q, query.role, query.before, query.limit, phones)
    found = await call.services.staff.users(search)
    return Users(
        users=[_view(call, user) for user in found],
        next=found[-1].id if len(found) == query.limit else None,
    )


async def one(call: Call[None, None]) -> Versioned:
    """One account."""
    return _versioned(call, await call.services.staff.user(call.path_id("user")))


async def set_role(call: Call[RoleForm, None]) -> Versioned:
    """Appoints staff, changes a grade, dismisses, or corrects what somebody signed up as. The sign-ins end."""
    form = call.body
    if (form.role == "admin") != (form.grade is not None):
        raise Refusal("bad_request", "a grade belongs to role admin and to no other").at("grade")
    return _changed(
        call,
        await call.services.staff.set_role(
            call.caller.user,
            call.path_id("user"),
            form.role,
            form.grade,
            form.reason,
            time.time(),
            call.seen_version,
        ),
    )


async def block(call: Call[ReasonForm, None]) -> Versioned:
    """Shuts an account out: its sign-ins end, its sockets close with 4403."""
    return _changed(call, await _set_blocked(call, True), blocked=True)


async def unblock(call: Call[ReasonForm, None]) -> Versioned:
    """Lets an account in again."""
    return _changed(call, await _set_blocked(call, False))


async def reset_factor(call: Call[ReasonForm, None]) -> Versioned:
    """Takes a lost second factor away; the next sign-in sets up a new one."""
    staff = call.services.staff
    user, reason = call.path_id("user"), call.body.reason
    return _changed(call, await staff.reset_factor(call.caller.user, user, reason, time.time()))


async def actions(call: Call[None, ActionsQuery]) -> StaffActions:
    """What staff did, newest first."""
    query = call.query
    found = await call.services.staff.actions(query.before, query.limit, query.user)
    return StaffActions(
        actions=[_action(row) for row in found],
        next=found[-1].id if len(found) == query.limit else None,
    )


async def _set_blocked(call: Call[ReasonForm, None], blocked: bool) -> Change:
    user, reason = call.path_id("user"), call.body.reason
    return await call.services.staff.set_blocked(
        call.caller.user, user, blocked, reason, time.time(), call.seen_version
    )


def _changed(call: Call[object, object], change: Change, *, blocked: bool = False) -> Versioned:
    for session in change.ended:
        call.services.revocations.end(session, blocked=blocked)
    if blocked or change.user.role != "driver":
        call.services.notify.off_map(change.user.id)
    return _versioned(call, change.user)


def _versioned(call: Call[object, object], user: UserRow) -> Versioned:
    # Never 304: whether the account has a second factor is no part of the version.
    return Versioned(_view(call, user), user.version, whole=False)


def _view(call: Call[object, object], user: UserRow) -> UserView:
    seen = may(call.caller.grade, Right.SEE_PHONES)
    return UserView(
        user=user.id,
        phone=user.phone if seen else masked(user.phone),
        role=user.role,
        grade=user.grade,
        name=user.name,
        locale=user.locale,
        blocked=user.blocked,
        created_at=user.created_at,
        second_factor=user.second_factor,
    )


def _action(row: ActionRow) -> StaffAction:
    return StaffAction(
        action=row.id,
        at=row.at,
        staff=row.staff,
        what=row.action,
        user=row.user,
        reason=row.reason,
        before=row.detail.get("was"),
        after=row.detail.get("is"),
    )


_FIND, _MANAGE = grades(Right.FIND_USERS), grades(Right.MANAGE_USERS)
_USER = "/api/v1/admin/users/{user}"
ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/admin/users",
        find,
        "Find accounts",
        "admin",
        query=UsersQuery,
        response=Users,
        roles=_STAFF,
        grades=_FIND,
    ),
    Route("GET", _USER, one, "One account", "admin", response=UserView, roles=_STAFF, grades=_FIND),
    Route(
        "PUT",
        _USER + "/role",
        set_role,
        "Set role and grade",
        "admin",
        request=RoleForm,
        response=UserView,
        roles=_STAFF,
        grades=_MANAGE,
        step_up=True,
        errors=("user_busy",),
    ),
    Route(
        "POST",
        _USER + "/block",
        block,
        "Block an account",
        "admin",
        request=ReasonForm,
        response=UserView,
        roles=_STAFF,
        grades=_MANAGE,
        step_up=True,
    ),
    Route(
        "POST",
        _USER + "/unblock",
        unblock,
        "Unblock an account",
        "admin",
        request=ReasonForm,
        response=UserView,
        roles=_STAFF,
        grades=_MANAGE,
        step_up=True,
    ),
    Route(
        "POST",
        _USER + "/second-factor/reset",
        reset_factor,
        "Take a lost second factor away",
        "admin",
        request=ReasonForm,
        response=UserView,
        roles=_STAFF,
        grades=_MANAGE,
        step_up=True,
    ),
    Route(
        "GET",
        "/api/v1/admin/actions",
        actions,
        "What staff did",
        "admin",
        query=ActionsQuery,
        response=StaffActions,
        roles=_STAFF,
        grades=grades(Right.SEE_STAFF_ACTIONS),
    ),
)
