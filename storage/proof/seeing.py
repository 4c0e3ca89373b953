"""Who may look at what a haul leaves behind: its parties, and staff who see papers."""

from dispatch.errors import Refusal
from dispatch.model import Actor, Order
from dispatch.rights import Right, may
from dispatch.visibility import Viewer

from ..order_reads import OrderReads, must_own


async def seen(orders: OrderReads, viewer: Viewer, order: int) -> Order:
    """The order; `not_found` for everybody else."""
    found = await orders.posted(order)
    if found is None:
        raise Refusal("not_found")
    if viewer.party.actor is Actor.ADMIN:
        if not may(viewer.grade, Right.SEE_DOCUMENTS):
            raise Refusal("not_found")
    else:
        must_own(found, viewer.party)
    return found
