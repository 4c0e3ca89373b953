"""For which driver a request is, when a logistician may act: who the offer or the bid belongs to says it."""

from dispatch.errors import Refusal
from dispatch.model import Actor, Party

from .route import Call

DRIVERS = frozenset({"driver", "logistician"})


async def of_offer(call: Call[object, object], offer: int) -> int:
    """The driver of this offer: the caller, or one of the logistician's fleet. Refusal `not_found`."""
    if call.caller.role == "driver":
        return call.caller.user
    return await _mine(call, await call.services.orders.offered_to(offer))


async def of_bid(call: Call[object, object], bid: int) -> int:
    """The same for a bid."""
    if call.caller.role == "driver":
        return call.caller.user
    return await _mine(call, await call.services.bids.made_by(bid))


async def side_of_bid(call: Call[object, object], bid: int) -> Party:
    """Who looks at a bid: its driver, also by way of the logistician, or the load's shipper, or staff."""
    if call.caller.role in DRIVERS:
        return Party(await of_bid(call, bid), Actor.DRIVER)
    return await call.services.party_of(call.caller)


async def _mine(call: Call[object, object], driver: int | None) -> int:
    if driver is None:
        raise Refusal("not_found")
    return await call.services.fleets.driver_for(call, driver)
