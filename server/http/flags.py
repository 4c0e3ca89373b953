"""Flags of sniping and scraping: what the staff sees, and what it makes of them."""

from dispatch.rights import Right, grades
from server.protocol.rest.flags import ClearFlagForm, Flags, FlagsQuery, FlagView
from storage.habits import FlagRow

from .route import Call, Route


async def flags(call: Call[None, FlagsQuery]) -> Flags:
    """Open flags, the latest first."""
    return Flags([_view(flag) for flag in await call.services.flags.open(call.query.limit)])


async def clear(call: Call[ClearFlagForm, None]) -> None:
    """Somebody has looked at it."""
    form = call.body
    await call.services.flags.clear(call.path_id("flag"), call.caller.user, form.note, lift=form.lift)


def _view(flag: FlagRow) -> FlagView:
    return FlagView(
        flag=flag.id,
        user=flag.user,
        role=flag.role,
        name=flag.name,
        kind=flag.kind.value,
        count=flag.count,
        counts={name: count for name, count in flag.detail.items() if isinstance(count, int)},
        first_at=flag.first_at,
        last_at=flag.last_at,
        paused_until=flag.paused_until,
    )


_STAFF = frozenset({"admin"})
_GRADES = grades(Right.WATCH_HABITS)

ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/admin/flags",
        flags,
        "Users whose habits were flagged",
        "administration",
        query=FlagsQuery,
        response=Flags,
        roles=_STAFF,
        grades=_GRADES,
    ),
    Route(
        "POST",
        "/api/v1/admin/flags/{flag}/clear",
        clear,
        "A flag was looked at",
        "administration",
        request=ClearFlagForm,
        status=204,
        roles=_STAFF,
        grades=_GRADES,
        errors=("not_found",),
    ),
)
