"""A latency histogram with buckets 1 % wide: cheap to record into, exact enough to report from."""

from math import log

LOWEST_S = 1e-6
WIDTH = log(1.01)  # each bucket ends 1 % above its start: the error of any percentile
BUCKETS = int(log(1e3 / LOWEST_S) / WIDTH) + 2  # up to 1,000 s; the last one takes what is above


class Histogram:
    """Counts of durations in seconds, from 1 us to 1,000 s."""

    __slots__ = ("_counts", "count", "longest_s")

    def __init__(self) -> None:
        self._counts = [0] * BUCKETS
        self.count = 0
        self.longest_s = 0.0

    def record(self, seconds: float) -> None:
        """Counts one duration; a negative one (clock steps) counts as the smallest."""
        bucket = 0
        if seconds > LOWEST_S:
            bucket = min(int(log(seconds / LOWEST_S) / WIDTH) + 1, BUCKETS - 1)
            if seconds > self.longest_s:
                self.longest_s = seconds
        self._counts[bucket] += 1
        self.count += 1

    def add(self, other: "Histogram") -> None:
        """Takes in all records of another."""
        self._counts = [mine + theirs for mine, theirs in zip(self._counts, other._counts, strict=True)]
        self.count += other.count
        self.longest_s = max(self.longest_s, other.longest_s)

    def percentile_s(self, percent: float) -> float | None:
        """The duration that `percent` % of the records do not exceed, rounded up to its bucket's end."""
        if not self.count:
            return None
        rank = percent / 100 * self.count - 1e-6  # 99.9 % of 20,000 is 19,980, whatever floats say
        seen = 0
        for bucket, count in enumerate(self._counts):
            seen += count
            if count and seen >= rank:
                return min(LOWEST_S * 1.01**bucket, self.longest_s or LOWEST_S)
        return self.longest_s

    def figures(self, name: str) -> dict[str, float | None]:
        """`{name}_p50_ms`, `_p95_ms`, `_p99_ms`, `_p999_ms`; None where nothing was recorded."""
        percents = {"p50": 50.0, "p95": 95.0, "p99": 99.0, "p999": 99.9}
        return {f"{name}_{key}_ms": _ms(self.percentile_s(percent)) for key, percent in percents.items()}


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1e3, 2)
