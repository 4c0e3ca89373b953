"""What Prometheus reads of payments. Whatever a person must look at is also a count of `desk_payment_alerts`."""

import logging

from prometheus_client import CollectorRegistry, Counter, Gauge

from billing.acquiring import Kind
from billing.ledger import Act
from billing.payments import FINE, Verdict
from storage.billing.inbox import Receipt

log = logging.getLogger("desk.paying")


class PaymentMeters:
    """The families, in the worker's registry."""

    def __init__(self, registry: CollectorRegistry, worker: int) -> None:
        self._worker = str(worker)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, ["worker", "provider", *labels], registry=registry)

        self._notices = counter(
            "desk_payment_notices", "what acquirers said, by verdict; repeated: known", "kind", "verdict"
        )
        self._forged = counter("desk_payment_forged", "requests that the acquirer has not signed")
        self._attempts = counter("desk_payment_attempts", "our attempts by outcome", "kind", "outcome")
        self._refunds = counter("desk_payment_refunds", "refunds sent or looked for, by outcome", "outcome")
        self._differences = counter(
            "desk_payment_differences", "differences to an acquirer's list", "kind", "healed"
        )
        self._alerts = counter("desk_payment_alerts", "what a person must look at", "what")
        self._waiting = Gauge(
            "desk_payment_waiting",
            "attempts without an answer, refunds under way, differences nobody has settled",
            ["worker", "what"],
            registry=registry,
        )
        self._compared = Gauge(
            "desk_payment_compared_timestamp_seconds",
            "up to when an acquirer's list was compared",
            ["worker", "provider"],
            registry=registry,
        )

    def received(self, provider: str, kind: Kind, receipt: Receipt) -> None:
        """A message was stored, or was stored before; what it means beyond the invoice is told loudly."""
        verdict = receipt.verdict.value if receipt.new else "repeated"
        self._notices.labels(self._worker, provider, kind.value, verdict).inc()
        if receipt.new and receipt.verdict not in FINE:
            self.alert(provider, receipt.verdict.value, kind=kind.value, invoice=str(receipt.invoice))
        if any(booking.act is Act.DOUBLE_RECEIVED for booking in receipt.booked):
            self.alert(provider, "double_payment", invoice=str(receipt.invoice))

    def unreadable(self, provider: str, kind: str) -> None:
        """Something that was signed could not be read."""
        self._notices.labels(self._worker, provider, "?", Verdict.MALFORMED.value).inc()
        self.alert(provider, Verdict.MALFORMED.value, kind=kind)

    def forged(self, provider: str) -> None:
        """Something was not signed."""
        self._forged.labels(self._worker, provider).inc()

    def attempted(self, provider: str, kind: str, outcome: str) -> None:
        """An attempt of ours has come so far."""
        self._attempts.labels(self._worker, provider, kind, outcome).inc()

    def refunded(self, provider: str, outcome: str) -> None:
        """A refund has come so far."""
        self._refunds.labels(self._worker, provider, outcome).inc()

    def differed(self, provider: str, kind: str, *, healed: bool) -> None:
        """An acquirer's list says something else."""
        self._differences.labels(self._worker, provider, kind, str(healed).lower()).inc()

    def waiting(self, **counts: int) -> None:
        """How much waits."""
        for what, count in counts.items():
            self._waiting.labels(self._worker, what).set(count)

    def compared(self, provider: str, upto: float) -> None:
        """An acquirer's list was compared up to then (epoch seconds)."""
        self._compared.labels(self._worker, provider).set(upto)

    def alert(self, provider: str, what: str, **said: str) -> None:
        """A person must look: a count, and an error in the log."""
        self._alerts.labels(self._worker, provider, what).inc()
        log.error("payments.alert", extra={"provider": provider, "what": what, **said})
