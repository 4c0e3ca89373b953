"""What operators see and set."""

from uuid import uuid4

from server.protocol.rest.common import PageQuery
from server.protocol.rest.staff import Drivers, DriverView, SubscriptionForm
from storage.accounts import DriverRow

from .route import Call, Route

_ADMIN = frozenset({"admin"})


async def drivers(call: Call[None, PageQuery]) -> Drivers:
    """All drivers, newest first."""
    page = await call.services.accounts.drivers(call.query.before, call.query.limit)
    return Drivers(
        drivers=[_view(driver) for driver in page],
        next=page[-1].id if len(page) == call.query.limit else None,
    )


async def set_subscription(call: Call[SubscriptionForm, None]) -> DriverView:
    """Sets until when a driver's subscription is paid."""
    driver = (await call.services.accounts.driver(call.path_id("driver"))).id
    events = await call.services.subscriptions.set_end(
        call.caller.user, driver, call.body.paid_until, f"staff:{uuid4()}", call.body.note
    )
    call.services.notify.tell(events)
    return _view(await call.services.accounts.driver(driver))


def _view(driver: DriverRow) -> DriverView:
    return DriverView(
        driver=driver.id,
        phone=driver.phone,
        name=driver.name,
        body=driver.body,
        paid_until=driver.paid_until,
        on_duty=driver.on_duty,
    )


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/admin/drivers",
        drivers,
        "All drivers",
        "admin",
        query=PageQuery,
        response=Drivers,
        roles=_ADMIN,
    ),
    Route(
        "PUT",
        "/api/v1/admin/drivers/{driver}/subscription",
        set_subscription,
        "Set a driver's subscription",
        "admin",
        request=SubscriptionForm,
        response=DriverView,
        roles=_ADMIN,
        errors=("not_found",),
    ),
)
