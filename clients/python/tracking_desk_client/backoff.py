"""When to come back after a connection was lost."""

from random import Random

FIRST_S = 0.5
CAP_S = 30.0
STABLE_S = 60.0
"""A connection that lived this long was a good one: the next loss starts from the shortest delay again."""


class Backoff:
    """Full jitter: each delay is drawn evenly between 0.5 s and a ceiling that doubles up to 30 s.

    Even draws over the whole span keep thousands of trucks that lost one server from returning together.
    Times are seconds of any steady clock, given by the caller.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._failures = 0
        self._up_since: float | None = None
        self._hint: float | None = None

    def connected(self, now: float) -> None:
        """The server said welcome at `now`."""
        self._up_since = now

    def asked_to_wait(self, seconds: float) -> None:
        """The server named a delay (drain, Retry-After): the next one is not shorter, and hardly longer."""
        self._hint = seconds

    def lost(self, now: float) -> float:
        """The connection ended, or could not be made, at `now`: seconds to wait before the next attempt."""
        if self._up_since is not None and now - self._up_since >= STABLE_S:
            self._failures = 0
        self._up_since = None
        hint, self._hint = self._hint, None
        if hint is not None:
            return hint + self._random.uniform(0, FIRST_S)
        self._failures = min(self._failures + 1, 16)
        return self._random.uniform(FIRST_S, min(CAP_S, FIRST_S * 2**self._failures))
