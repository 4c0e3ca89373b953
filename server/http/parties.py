"""Who asks, as the order path knows it, and what that reader may see of an order."""

from dispatch.model import Actor, Order, Party
from dispatch.visibility import Viewer, sees_private
from server import views
from server.protocol.messages import OrderState

from .route import Call


async def party_of(call: Call[object, object]) -> Party:
    """The caller in the role of the sign-in, with the companies whose orders are theirs too."""
    return await call.services.party_of(call.caller)


async def party_to(call: Call[object, object], order: int) -> Party:
    """The caller as a side of this order: a logistician stands for the driver of the fleet who carries it."""
    return await call.services.party_to(call.caller, order)


def reads_private(call: Call[object, object], order: Order, party: Party) -> bool:
    """Whether the caller may know addresses, contacts and phones of the order now."""
    return sees_private(order, Viewer(party, call.caller.grade), call.services.now())


def state(call: Call[object, object], order: Order, party: Party) -> OrderState:
    """The order as the caller may see it. Whoever is shown the truck is noted down for its driver."""
    services = call.services
    told = views.order_state(
        order,
        services.live,
        private=reads_private(call, order, party),
        exact=party.actor is not Actor.SHIPPER,
    )
    if told.truck is not None:
        services.viewers.saw(call.caller, told.truck.driver, order.id)
    return told
