"""What a driver shares of where he is: with whom, and until when. Pure.

While a haul lasts its shipper's side sees the truck, and for a few minutes after it. The driver may shorten those
minutes, hide between hauls, and hold back the exact position on one order for a while; staff see it all the same,
and their looks are written down. A public link shows what the shipper's side sees, without any person.
"""

from dataclasses import dataclass

from geo.cells import COARSE_RES, cell_of, center
from geo.gazetteer import Gazetteer

from .errors import Refusal
from .model import Order, Status
from .visibility import GRACE_S

# While the haul lasts its parties see the truck. Not in a dispute: it may be on another haul by then.
WATCHABLE = frozenset({Status.ASSIGNED, Status.AT_PICKUP, Status.LOADED, Status.IN_TRANSIT, Status.AT_DROP})

PAUSED, RESUMED = "sharing_paused", "sharing_resumed"  # events of an order
PAUSE_MAX_S = 7 * 86_400.0  # between hauls
ORDER_PAUSE_MAX_MIN = 120

LINK_AFTER_S = 7_200.0  # a link that follows the haul ends so long after it
LINK_BEYOND_DAYS = 30  # after the expected end no link lives longer
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Sharing:
    """A driver's own rules. `after_trip_s`: how long after a haul its shipper's side still sees the truck."""

    on_duty_only: bool = False
    pause_until: float | None = None
    after_trip_s: float = GRACE_S


EVERYTHING = Sharing()


@dataclass(frozen=True, slots=True)
class Window:
    """When a link is open. `follows`: it ends some time after the haul, at the latest at `closes`."""

    opens: float
    closes: float
    follows: bool


def paused(sharing: Sharing, now: float) -> bool:
    """Whether the driver is hidden between hauls."""
    return sharing.pause_until is not None and now < sharing.pause_until


def seen_by_fleet(sharing: Sharing, now: float, *, on_duty: bool, carrying: bool) -> bool:
    """Whether those with whom a driver shares his position at all may see it now."""
    return carrying or not (paused(sharing, now) or (sharing.on_duty_only and not on_duty))


def after_trip(sharing: Sharing, ended_at: float, now: float) -> bool:
    """Whether the shipper's side still sees the truck of a haul that has ended."""
    return now < ended_at + min(sharing.after_trip_s, GRACE_S)


def shared_position(order: Order, sharing: Sharing, now: float) -> bool:
    """Whether a public link may show where the truck is."""
    if order.driver is None or order.unshared is not None:
        return False
    if order.status in WATCHABLE:
        return True
    return (
        order.status is Status.DELIVERED
        and order.ended_at is not None
        and after_trip(sharing, order.ended_at, now)
    )


def pause_end(until: float | None, now: float) -> float | None:
    """When a pause between hauls ends; one that is over is none. Refusal `window_invalid`."""
    if until is None or until <= now:
        return None
    if until > now + PAUSE_MAX_S:
        days = round(PAUSE_MAX_S / DAY_S)
        raise Refusal(
            "window_invalid",
            "a pause lasts at most {n} day",
            plural="a pause lasts at most {n} days",
            n=days,
        ).at("pause_until")
    return until


def coarse(lat: float, lon: float, gazetteer: Gazetteer) -> tuple[int, int]:
    """What of a place is told during a pause: a cell with edges of 8 km, and the town that is nearest to it."""
    cell = cell_of(lat, lon, COARSE_RES)
    return cell, gazetteer.nearest(*center(cell)).id


def expected_end(order: Order, now: float) -> float:
    """When the haul should be over, as far as the order says it."""
    stops = order.haul.stops
    first, last = (stops[0].window, stops[-1].window) if stops else (None, None)
    begins = max(now, (first.opens or 0.0) if first else 0.0)
    ends = begins + order.haul.duration_s
    return max(ends, (last.closes or last.opens or 0.0) if last else 0.0)


def link_window(order: Order, opens: float | None, closes: float | None, now: float) -> Window:
    """The window of a new link. Refusals `window_past`, `window_invalid`."""
    latest = expected_end(order, now) + LINK_BEYOND_DAYS * DAY_S
    begins = now if opens is None else max(opens, now)
    if begins >= latest:
        raise _beyond().at("opens_at")
    if closes is None:
        return Window(begins, latest, follows=True)
    if closes <= now:
        raise Refusal("window_past").at("closes_at")
    if closes <= begins:
        raise Refusal("window_invalid").at("closes_at")
    if closes > latest:
        raise _beyond().at("closes_at")
    return Window(begins, closes, follows=False)


def _beyond() -> Refusal:
    return Refusal(
        "window_invalid",
        "at most {n} day after the expected end of the haul",
        plural="at most {n} days after the expected end of the haul",
        n=LINK_BEYOND_DAYS,
    )
