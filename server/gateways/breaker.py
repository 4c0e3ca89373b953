"""A circuit breaker: a service that keeps failing is left alone for a while. Pure: the clock is an argument."""


class Breaker:
    """Shut after `failures` in a row, for `pause_s`; then one attempt decides whether it opens again."""

    def __init__(self, *, failures: int = 5, pause_s: float = 30.0) -> None:
        self._failures = failures
        self._pause_s = pause_s
        self._in_a_row = 0
        self._shut_until: float | None = None

    def allows(self, now: float) -> bool:
        """Whether to try. After the pause one caller may, and the next only when a pause has passed again."""
        if self._shut_until is None:
            return True
        if now < self._shut_until:
            return False
        self._shut_until = now + self._pause_s
        return True

    def worked(self) -> None:
        """The attempt was answered."""
        self._in_a_row = 0
        self._shut_until = None

    def failed(self, now: float, *, for_good: bool = False) -> None:
        """The attempt failed; `for_good` when the next one would too, until a person has done something."""
        self._in_a_row += 1
        if for_good or self._in_a_row >= self._failures:
            self._shut_until = now + self._pause_s
