"""What is known of other companies' services: calls by outcome, their time, and who is left alone."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from .breaker import Phase

_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 1.5, 2.5, 5.0)
_PHASES = {Phase.CLOSED: 0, Phase.PROBING: 1, Phase.OPEN: 2}


class VendorMeters:
    """The families of every chain, in the worker's registry. Far from the hot path, so a lock a call is cheap."""

    def __init__(self, registry: CollectorRegistry, worker: int) -> None:
        self._worker = str(worker)
        labels = ["worker", "kind", "vendor"]
        self._calls = Counter(
            "desk_vendor_calls", "questions to vendors by outcome", [*labels, "outcome"], registry=registry
        )
        self._seconds = Histogram(
            "desk_vendor_seconds", "time of calls to vendors", labels, buckets=_SECONDS, registry=registry
        )
        self._phase = Gauge(
            "desk_vendor_breaker", "0 asked, 1 tried once, 2 left alone", labels, registry=registry
        )

    def called(self, kind: str, vendor: str, outcome: str, seconds: float) -> None:
        """A call ended."""
        self.outcome(kind, vendor, outcome)
        self._seconds.labels(self._worker, kind, vendor).observe(seconds)

    def outcome(self, kind: str, vendor: str, outcome: str) -> None:
        """A question ended, perhaps without a call: cached, skipped."""
        self._calls.labels(self._worker, kind, vendor, outcome).inc()

    def phase(self, kind: str, vendor: str, phase: Phase) -> None:
        """How a vendor's breaker stands."""
        self._phase.labels(self._worker, kind, vendor).set(_PHASES[phase])
