"""Who may know the exact address, the contacts and the phones of an order (control C16). Pure.

The shipper and the members of its company always; the driver who has won it from the assignment until some time
after the end; staff with the right. Everybody else sees the town, or a cell of the grid, and no person.
"""

from dataclasses import dataclass

from .model import Actor, Order, Party
from .rights import Right, may

GRACE_S = 300.0  # after the end of a haul its parties still see each other


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks: the party, and the grade of staff."""

    party: Party
    grade: str | None = None


def owns(order: Order, party: Party) -> bool:
    """Whether the order is the shipper's own or of a company it acts for."""
    return party.actor is Actor.SHIPPER and (
        order.shipper == party.user or (order.company is not None and order.company in party.companies)
    )


def carries(order: Order, party: Party) -> bool:
    """Whether the driver has won the order, at any time."""
    return party.actor is Actor.DRIVER and order.driver is not None and order.driver == party.user


def in_grace(order: Order, now: float) -> bool:
    """Whether shipper and driver may still know each other."""
    return order.driver is not None and (order.ended_at is None or now < order.ended_at + GRACE_S)


def sees_private(order: Order, viewer: Viewer, now: float) -> bool:
    """Whether the viewer may know addresses, contacts and phones."""
    if owns(order, viewer.party):
        return True
    if carries(order, viewer.party):
        return in_grace(order, now)
    return viewer.party.actor is Actor.ADMIN and may(viewer.grade, Right.SEE_PHONES)


def sides_seen(order: Order, viewer: Viewer, now: float) -> tuple[int, ...]:
    """Whose name and number the viewer may know: the other side's, and for staff with the right both."""
    both = (order.shipper, *(() if order.driver is None else (order.driver,)))
    if viewer.party.actor is Actor.ADMIN:
        return both if may(viewer.grade, Right.SEE_PHONES) else ()
    if not in_grace(order, now) or not (owns(order, viewer.party) or carries(order, viewer.party)):
        return ()
    return both[1:] if owns(order, viewer.party) else both[:1]
