"""What a driver shares of where he is, and who was shown it."""

from typing import cast

from dispatch.sharing import Sharing, coarse, pause_end
from server.i18n import label
from server.protocol.rest.common import Grade
from server.protocol.rest.sharing import (
    OrderSharing,
    OrderSharingForm,
    SeenQuery,
    SharingForm,
    SharingView,
    ViewerKind,
    Viewers,
    ViewerView,
)
from storage.sharing.views import Viewed

from .route import Call, Route

_DRIVER = frozenset({"driver"})


async def rules(call: Call[None, None]) -> SharingView:
    """The caller's own rules."""
    return _rules(await call.services.sharing_rules.of(call.caller.user), call.services.now())


async def set_rules(call: Call[SharingForm, None]) -> SharingView:
    """Changes them; every worker obeys at once."""
    form, services, now = call.body, call.services, call.services.now()
    sharing = Sharing(form.on_duty_only, pause_end(form.pause_until, now), form.after_trip_min * 60.0)
    await services.sharing_rules.set(call.caller.user, sharing)
    services.notify.sharing_set(call.caller.user, sharing)
    return _rules(sharing, now)


async def pause(call: Call[OrderSharingForm, None]) -> OrderSharing:
    """Holds the exact position of a haul back from its shipper's side for a while, or shares it again."""
    services, driver, number = call.services, call.caller.user, call.path_id("order")
    if call.body.paused:
        entry = services.live.get(driver)
        seen = None if entry is None else coarse(entry.lat, entry.lon, services.gazetteer)
        done = await services.pauses.pause(driver, number, call.body.minutes, seen)
    else:
        done = await services.pauses.resume(driver, number)
    held = services.notify.told(done).unshared
    return OrderSharing(
        order=number,
        paused=held is not None,
        since=None if held is None else held.since,
        until=None if held is None else held.until,
    )


async def viewers(call: Call[None, SeenQuery]) -> Viewers:
    """Who was shown where the caller is."""
    query = call.query
    found = await call.services.views.of_driver(call.caller.user, query.before, query.limit)
    staff = label(call.lang, "ViewerKind", "staff")
    return Viewers(
        viewers=[_viewer(row, staff) for row in found],
        next=found[-1].id if len(found) == query.limit else None,
    )


def _rules(sharing: Sharing, now: float) -> SharingView:
    until = sharing.pause_until
    return SharingView(
        on_duty_only=sharing.on_duty_only,
        pause_until=until if until is not None and until > now else None,
        after_trip_min=round(sharing.after_trip_s / 60),
    )


def _viewer(row: Viewed, staff: str) -> ViewerView:
    return ViewerView(
        view=row.id,
        kind=cast(ViewerKind, row.kind),
        name=staff if row.kind == "staff" else row.name or "",
        grade=cast(Grade | None, row.grade),
        order=row.order,
        first_at=row.first_at,
        last_at=row.last_at,
        looks=row.looks,
    )


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/me/sharing",
        rules,
        "What I share of where I am",
        "sharing",
        response=SharingView,
        roles=_DRIVER,
    ),
    Route(
        "PUT",
        "/api/v1/me/sharing",
        set_rules,
        "Change what I share of where I am",
        "sharing",
        request=SharingForm,
        response=SharingView,
        roles=_DRIVER,
        errors=("driver_busy", "window_invalid"),
    ),
    Route(
        "GET",
        "/api/v1/me/viewers",
        viewers,
        "Who was shown where I am",
        "sharing",
        query=SeenQuery,
        response=Viewers,
        roles=_DRIVER,
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/sharing",
        pause,
        "Hold the exact position back from the shipper for a while",
        "sharing",
        request=OrderSharingForm,
        response=OrderSharing,
        roles=_DRIVER,
        errors=("not_found", "order_closed", "busy"),
    ),
)
