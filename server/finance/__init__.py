"""What finance sees and does: the parts behind `/api/v1/admin/money`."""

from collections.abc import Coroutine

from server.paying import Paying
from storage.billing.accounting import AccountingStore
from storage.billing.books import BookReads
from storage.billing.checks import CheckStore
from storage.billing.dunning import DunningStore
from storage.billing.figures import FigureStore
from storage.billing.invoice_search import InvoiceSearch
from storage.billing.notice_log import NoticeLog
from storage.billing.slips import SlipStore
from storage.postgres import Pool

from .checking import Checking
from .replaying import Replaying


class Finance:
    """The parts, wired. Constructing it opens nothing; app.py runs the loops."""

    def __init__(self, pool: Pool, paying: Paying, dsn: str) -> None:
        self.invoices = InvoiceSearch(pool)
        self.slips = SlipStore(pool, paying.transfers)
        self.notices = NoticeLog(pool)
        self.replaying = Replaying(pool, paying.acquirers, paying.notices, paying.inbox, paying.meters)
        self.books = BookReads(pool)
        self.checks = CheckStore(pool)
        self.checking = Checking(self.checks, dsn, paying.meters)
        self.figures = FigureStore(pool)
        self.dunning = DunningStore(pool)
        self.accounting = AccountingStore(pool)

    def loops(self) -> dict[str, Coroutine[object, object, None]]:
        """By name, for app.py."""
        return {"money_check": self.checking.run()}
