"""How many messages a second a vendor may be asked to take: a bucket that fills by itself, and slowly after a
refusal. Pure: the clock (seconds, monotonic) comes in."""

from dataclasses import dataclass

SLOW = 0.1  # of the rate, right after the vendor said "too many"
RAMP_S = 60.0  # so long until it is whole again


@dataclass
class Pace:
    """`rate` messages a second, as many at once. `spent` counts messages that had to wait for their turn."""

    rate: float
    tokens: float = 0.0
    at: float = float("-inf")
    refused_until: float = float("-inf")
    spent: int = 0

    def take(self, wanted: int, now: float) -> int:
        """How many of so many may go now."""
        now_rate = self._rate(now)
        self.tokens = min(self.tokens + (now - self.at) * now_rate, now_rate)
        self.at = now
        granted = min(wanted, int(self.tokens))
        self.tokens -= granted
        self.spent += wanted - granted
        return granted

    def wait_s(self, now: float) -> float:
        """How long those that may not go should wait."""
        return max(self.refused_until - now, 1.0)

    def refuse(self, wait_s: float, now: float) -> None:
        """The vendor has had too many: nothing goes for so long, and then ever more of it."""
        self.refused_until = max(self.refused_until, now + wait_s)
        self.tokens, self.at = 0.0, now

    def _rate(self, now: float) -> float:
        if now < self.refused_until:
            return 0.0
        ramp = (now - self.refused_until) / RAMP_S
        return self.rate * min(1.0, SLOW + (1.0 - SLOW) * ramp)
