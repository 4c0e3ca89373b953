"""Paying: invoices brought to acquirers, what they say taken in, money given back, and both sides compared."""

from collections.abc import Coroutine, Mapping

from prometheus_client import CollectorRegistry

from billing.acquiring import Acquirer
from storage.billing.attempts import AttemptStore
from storage.billing.cards import CardStore
from storage.billing.consequences import Consequences
from storage.billing.inbox import Inbox
from storage.billing.invoices import InvoiceStore
from storage.billing.ledger import LedgerStore
from storage.billing.notices import NoticeStore
from storage.billing.reconciling import ReconciliationStore
from storage.billing.refunds import RefundStore
from storage.billing.transfers import TransferStore
from storage.postgres import Pool

from .cashier import Cashier
from .lookups import Lookups
from .meters import PaymentMeters
from .reconciling import Reconciling
from .refunding import Refunding


class Paying:
    """The parts, wired. Constructing it opens nothing; app.py runs the loops and closes the acquirers."""

    def __init__(
        self,
        pool: Pool,
        acquirers: Mapping[str, Acquirer],
        consequences: Consequences,
        registry: CollectorRegistry,
        *,
        pepper: str,
        worker: int,
        test_allowed: bool,
    ) -> None:
        self.acquirers = dict(acquirers)
        self.meters = PaymentMeters(registry, worker)
        self.invoices = InvoiceStore(pool)
        self.attempts = AttemptStore(pool, consequences)
        self.cards = CardStore(pool, pepper)
        self.inbox = Inbox(pool, pepper, self.cards, consequences, test_allowed=test_allowed)
        self.ledger = LedgerStore(pool)
        self.notices = NoticeStore(pool, self.inbox)
        self.refunds = RefundStore(pool)
        self.transfers = TransferStore(pool, self.inbox, self.refunds)
        self.reconciliations = ReconciliationStore(pool)
        self.cashier = Cashier(
            pool, self.acquirers, self.invoices, self.attempts, self.inbox, self.cards, self.meters
        )
        self.lookups = Lookups(self.attempts, self.invoices, self.cards, self.cashier, self.meters)
        self.refunding = Refunding(self.acquirers, self.refunds, self.invoices, self.cashier, self.meters)
        self.reconciling = Reconciling(self.acquirers, self.inbox, self.reconciliations, self.meters)

    def loops(self) -> dict[str, Coroutine[object, object, None]]:
        """By name, for app.py."""
        return {
            "lookups": self.lookups.run(),
            "invoices": self.lookups.run_expiry(),
            "refunding": self.refunding.run(),
            "reconciling": self.reconciling.run(),
        }
