"""A company's drivers as the logistician sees them, and the fleet as its driver does."""

from dispatch.sharing import seen_by_fleet
from server.protocol.rest.vehicles import (
    AfterQuery,
    FleetDriver,
    FleetDrivers,
    FleetPosition,
    MyFleet,
    ShareForm,
)
from storage import fleet as stored

from .route import Call, Route

_LOGISTICIAN = frozenset({"logistician"})
_DRIVER = frozenset({"driver"})


async def drivers(call: Call[None, AfterQuery]) -> FleetDrivers:
    """The drivers of the caller's company."""
    query = call.query
    found = await call.services.fleet.drivers(call.caller.user, query.after, query.limit)
    return FleetDrivers(
        drivers=[_driver(call, driver) for driver in found],
        next=found[-1].driver if len(found) == query.limit else None,
    )


async def remove(call: Call[None, None]) -> None:
    """Lets a driver go; trucks of the company go back into the yard."""
    await call.services.fleet.remove(call.caller.user, call.path_id("driver"))


async def mine(call: Call[None, None]) -> MyFleet:
    """The fleet that the caller drives for."""
    return _fleet(await call.services.fleet.fleet(call.caller.user))


async def share(call: Call[ShareForm, None]) -> MyFleet:
    """Whether the fleet may see where the caller is."""
    return _fleet(await call.services.fleet.share(call.caller.user, call.body.share_position))


async def leave(call: Call[None, None]) -> None:
    """Leaves the fleet."""
    await call.services.fleet.leave(call.caller.user)


def _driver(call: Call[None, AfterQuery], driver: stored.FleetDriver) -> FleetDriver:
    services = call.services
    shared = driver.shares_position and seen_by_fleet(
        services.sharing.of(driver.driver),
        services.now(),
        on_duty=driver.on_duty,
        carrying=driver.order is not None,
    )
    live = services.live.get(driver.driver) if shared else None
    if live is not None:
        services.viewers.saw(call.caller, driver.driver, driver.order)
    return FleetDriver(
        driver=driver.driver,
        name=driver.name,
        phone=driver.phone,
        on_duty=driver.on_duty,
        subscribed=driver.subscribed,
        order=driver.order,
        vehicle=driver.vehicle,
        shares_position=driver.shares_position,
        position=None if live is None else FleetPosition(round(live.lat, 6), round(live.lon, 6), live.at),
        joined_at=driver.joined_at,
    )


def _fleet(fleet: stored.Fleet) -> MyFleet:
    return MyFleet(fleet.company, fleet.legal_name, fleet.shares_position, fleet.joined_at)


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/fleet/drivers",
        drivers,
        "The company's drivers",
        "fleet",
        query=AfterQuery,
        response=FleetDrivers,
        roles=_LOGISTICIAN,
    ),
    Route(
        "DELETE",
        "/api/v1/fleet/drivers/{driver}",
        remove,
        "Let a driver go",
        "fleet",
        status=204,
        roles=_LOGISTICIAN,
        errors=("driver_busy",),
    ),
    Route(
        "GET",
        "/api/v1/me/fleet",
        mine,
        "The fleet I drive for",
        "fleet",
        response=MyFleet,
        roles=_DRIVER,
        errors=("not_found",),
    ),
    Route(
        "PUT",
        "/api/v1/me/fleet",
        share,
        "Share the position with the fleet, or not",
        "fleet",
        request=ShareForm,
        response=MyFleet,
        roles=_DRIVER,
        errors=("not_found",),
    ),
    Route(
        "DELETE",
        "/api/v1/me/fleet",
        leave,
        "Leave the fleet",
        "fleet",
        status=204,
        roles=_DRIVER,
        errors=("not_found", "driver_busy"),
    ),
)
