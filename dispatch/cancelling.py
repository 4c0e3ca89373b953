"""Calling a haul off: who may give which reason, and whose fault it was. Pure; the rights are in TRANSITIONS.

Before somebody has won the load nobody is at fault. After that it is the one who calls off, but for what the
desk can see by itself: a driver who is late by the pickup's window, times that were changed under the driver.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from .asked import stops_of
from .errors import Refusal
from .model import Actor, Order, Status

OTHER = "other"
REASONS: Mapping[Actor, frozenset[str]] = MappingProxyType(
    {
        Actor.SHIPPER: frozenset(
            {"plans_changed", "cargo_not_ready", "sold_elsewhere", "price", "driver_late", "no_contact",
             "mistake", OTHER}
        ),
        Actor.DRIVER: frozenset(
            {"breakdown", "accident", "delayed", "no_contact", "cargo_differs", "times_changed", "personal", OTHER}
        ),
        Actor.ADMIN: frozenset(
            {"asked_by_shipper", "asked_by_driver", "fraud", "forbidden_cargo", "duplicate", OTHER}
        ),
    }
)  # fmt: skip
FREE_S = 15 * 60.0  # after the assignment a change of mind costs nobody's reliability


class Fault(StrEnum):
    """Whose reliability a called-off haul counts against."""

    NOBODY = "nobody"
    SHIPPER = "shipper"
    DRIVER = "driver"


@dataclass(frozen=True, slots=True)
class CallingOff:
    """Why an order is called off: a code of REASONS, and a note in the words of who does it.

    `fault` is said by staff only, who have heard both sides.
    """

    code: str = OTHER
    note: str = ""
    fault: Fault | None = None

    def checked(self, actor: Actor) -> "CallingOff":
        """Itself, when this actor may say so; a logistician speaks for drivers. Refusal `reason_invalid`."""
        speaks = Actor.DRIVER if actor is Actor.LOGISTICIAN else actor
        if self.code not in REASONS.get(speaks, frozenset()):
            raise Refusal("reason_invalid", self.code).at("code")
        if self.fault is not None and actor is not Actor.ADMIN:
            raise Refusal("reason_invalid", "staff alone say whose fault it was").at("fault")
        return self


UNSAID = CallingOff()


def fault_of(
    order: Order, actor: Actor, why: CallingOff, assigned_at: float | None, now: float
) -> tuple[Fault, bool]:
    """(whose fault, whether it was free of charge): `order` as it stood when it was called off."""
    if order.status not in (Status.ASSIGNED, Status.AT_PICKUP) or assigned_at is None:
        return Fault.NOBODY, True
    if actor is Actor.ADMIN:
        return why.fault or Fault.NOBODY, why.fault in (None, Fault.NOBODY)
    if actor is Actor.DRIVER and why.code == "times_changed" and order.ack_due is not None:
        return Fault.SHIPPER, False
    if actor is Actor.SHIPPER and why.code == "driver_late" and _late(order, now):
        return Fault.DRIVER, False
    if order.status is Status.ASSIGNED and now - assigned_at <= FREE_S:
        return Fault.NOBODY, True
    return (Fault.DRIVER if actor is Actor.DRIVER else Fault.SHIPPER), False


def _late(order: Order, now: float) -> bool:
    closes = stops_of(order)[0].window.closes
    return order.status is Status.ASSIGNED and closes is not None and now > closes
