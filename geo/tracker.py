"""The live position of one device: which of its fixes live state follows, and which are only kept."""

from .cells import cell_of
from .plausible import Limits, why_reject
from .types import Fix, Movement, Reason

_LIMITS = Limits()


class Tracker:
    """Follows one device; never moves back in time.

    `last` is the newest fix that was believed, None before the first; give it to go on after a restart.
    """

    __slots__ = ("_limits", "_suspect", "last")

    def __init__(self, last: Fix | None = None, limits: Limits = _LIMITS) -> None:
        self.last = last
        self._limits = limits
        self._suspect: Fix | None = None

    def observe(self, fix: Fix, now: float) -> Movement | Reason:
        """Judge the next fix of the device; `now` is the server's clock in epoch seconds.

        A jump is refused once and remembered. When the next fix agrees with it, the truck really is there
        (it rode a ferry, its clock was wrong, or the first fix was the bad one) and live state
        follows; a single stray fix never moves it.
        """
        reason = why_reject(self.last, fix, now, self._limits)
        if reason is not None:
            if reason is not Reason.JUMP or not self._confirms(fix, now):
                return reason
        self._suspect = None
        self.last = fix
        return Movement(fix, cell_of(fix.lat, fix.lon))

    def _confirms(self, fix: Fix, now: float) -> bool:
        """Whether a jump agrees with the jump before it; otherwise the newer of the two is remembered."""
        suspect = self._suspect
        # Nothing to confirm with, and 0, 0 is a receiver without a position however often it says so.
        if not fix.lat and not fix.lon:
            return False
        if suspect is not None and why_reject(suspect, fix, now, self._limits) is None:
            return True
        if suspect is None or fix.at > suspect.at:
            self._suspect = fix
        return False
