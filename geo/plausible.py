"""Whether a fix can be true, judged against the last one that was believed."""

from dataclasses import dataclass

from .distance import METRES_PER_DEGREE, haversine_m
from .types import Fix, Reason

# Two fixes of a parked truck stray this far without either receiver saying so: multipath beside buildings.
_SLACK_M = 50.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What a truck and a phone can do.

    `max_speed` m/s between two fixes: 252 km/h, far above any truck, so that only a broken fix is refused.
    `max_accuracy` metres: a coarser fix comes from a cell tower, not GPS. `future` and `too_old` seconds:
    how far a device's clock may run ahead, and how old a buffered fix may be.
    """

    max_speed: float = 70.0
    max_accuracy: float = 200.0
    future: float = 120.0
    too_old: float = 7 * 86_400.0


def why_reject(previous: Fix | None, fix: Fix, now: float, limits: Limits) -> Reason | None:
    """Why live state must not follow `fix` after `previous` (the last one accepted), None when it may.

    `now` is the server's clock in epoch seconds. The gravest reason wins: poison, then LATE, then the rest.
    """
    if fix.at > now + limits.future:
        return Reason.FUTURE
    if fix.at < now - limits.too_old:
        return Reason.TOO_OLD
    if previous is not None and fix.at <= previous.at:
        return Reason.LATE
    if fix.accuracy is not None and fix.accuracy > limits.max_accuracy:
        return Reason.INACCURATE
    # Receivers without a position report exactly 0, 0. The speed gate would let it pass after a long silence,
    # and there is none before the first fix; no truck drives on that spot of the Atlantic.
    if not fix.lat and not fix.lon:
        return Reason.INACCURATE if previous is None else Reason.JUMP
    if previous is not None and _too_fast(previous, fix, limits.max_speed):
        return Reason.JUMP
    return None


def _too_fast(previous: Fix, fix: Fix, max_speed: float) -> bool:
    blur = (previous.accuracy or 0.0) + (fix.accuracy or 0.0)
    allowed = max_speed * (fix.at - previous.at) + (blur if blur > _SLACK_M else _SLACK_M)
    # The two legs along meridian and parallel, the latter as if at the equator, are never shorter than
    # the way: this decides nearly every fix of a moving truck without trigonometry.
    legs = abs(fix.lat - previous.lat) + abs(fix.lon - previous.lon)
    if legs * METRES_PER_DEGREE <= allowed:
        return False
    return haversine_m(previous.lat, previous.lon, fix.lat, fix.lon) > allowed
