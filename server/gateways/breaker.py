"""A circuit breaker as a value: what has failed again and again is left alone for a while, then tried once."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Phase(StrEnum):
    """Closed: calls go through. Open: none does. Probing: one is under way, and its end decides."""

    CLOSED = "closed"
    PROBING = "probing"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Patience:
    """Failures in a row that open a breaker, seconds it stays so at first and at most, seconds that a probe may
    take."""

    failures: int = 3
    first_s: float = 5.0
    longest_s: float = 300.0
    probe_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """The state. `failures` in a row, `openings` in a row, `until`: end of the rest, or of the probe's lease."""

    phase: Phase = Phase.CLOSED
    failures: int = 0
    openings: int = 0
    until: float = 0.0

    def ask(self, now: float, patience: Patience) -> tuple["Breaker", bool]:
        """(the state afterwards, whether a call may go).

        A probe whose end nobody told (its caller was cancelled) counts as lost when its lease is over.
        """
        if self.phase is Phase.CLOSED:
            return self, True
        if now < self.until:
            return self, False
        return replace(self, phase=Phase.PROBING, until=now + patience.probe_s), True

    def succeeded(self) -> "Breaker":
        """An answer came: everything before is forgotten."""
        return Breaker()

    def failed(
        self, now: float, patience: Patience, *, at_once: bool = False, rest_s: float | None = None
    ) -> "Breaker":
        """A call failed. `at_once`: more calls are sure to fail too; `rest_s`: the least that was asked for."""
        failures = self.failures + 1
        if self.phase is Phase.OPEN:  # a call that left before it opened
            return replace(self, failures=failures, until=max(self.until, now + (rest_s or 0.0)))
        if self.phase is Phase.CLOSED and failures < patience.failures and not at_once:
            return replace(self, failures=failures)
        rest = min(patience.longest_s, patience.first_s * 2.0 ** min(self.openings, 30))
        if at_once:
            rest = max(rest, min(patience.longest_s, 60.0))
        if rest_s is not None:
            rest = max(rest, min(rest_s, 3_600.0))
        return Breaker(Phase.OPEN, failures, self.openings + 1, now + rest)
