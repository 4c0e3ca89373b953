"""The books and the figures of the business, for finance."""

from typing import Annotated, Literal

from msgspec import Meta

from ..messages import Money, RowId, Seconds
from .common import CursorText, Form, View
from .finance import BookingView, LedgerAct
from .payments import InvoiceId
from .plans import CurrencyCode, SubscriptionState
from .reports import SheetFormat

MoneyTable = Literal[
    "payments", "refunds", "postings", "receipts", "mrr", "months", "trials", "dunning"
]  # fmt: skip
SubscriptionStep = Literal["warn", "charge", "grace", "resume", "expire"]
MoneyBreak = Literal[
    "sum", "unbalanced", "not_whole", "missing", "surplus", "changed", "state", "unguarded", "access"
]  # fmt: skip
AccountName = Annotated[str, Meta(pattern=r"^[a-z]{1,24}(:[a-z0-9]{1,24})?(?![\s\S])")]
MonthName = Annotated[str, Meta(description="2026-11")]


class AccountsQuery(Form, frozen=True):
    """A page of accounts by name: `acquirer:NAME` and `bank:transfers` owe us, `user:ID` we owe, `suspense`
    fits no invoice, `revenue:subscriptions` is earned, `fees:NAME` spent."""

    prefix: Annotated[str, Meta(max_length=32, pattern=r"^[a-z0-9:]*(?![\s\S])")] = ""
    after: CursorText | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 100


class BookAccount(View, frozen=True):
    """What an account comes to in a currency, in how many lines."""

    account: str
    balance: Money
    lines: int


class Accounts(View, frozen=True):
    """`next` goes into `after`."""

    accounts: list[BookAccount]
    next: str | None


class StatementQuery(Form, frozen=True):
    """A page of one account in one currency, newest first."""

    account: AccountName
    currency: CurrencyCode = "KZT"
    before: RowId | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class StatementLine(View, frozen=True):
    """A booking of this account: `amount` on it, `balance` behind it, minor units."""

    booking: int
    at: float
    act: LedgerAct
    key: str
    invoice: str | None
    user: int | None
    provider: str
    transaction: str
    amount: int
    balance: int


class Statement(View, frozen=True):
    """`next` goes into `before`."""

    account: str
    currency: CurrencyCode
    lines: list[StatementLine]
    next: int | None


class BookingsQuery(Form, frozen=True):
    """A page of the books, newest first: of an invoice, else of a user, else everything."""

    invoice: InvoiceId | None = None
    user: RowId | None = None
    before: RowId | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class Bookings(View, frozen=True):
    """`next` goes into `before`."""

    bookings: list[BookingView]
    next: int | None


class MoneyFault(View, frozen=True):
    """What is wrong with what: a key of the books, an invoice, a trigger, a user."""

    kind: MoneyBreak
    what: str


class MoneyCheck(View, frozen=True):
    """A check of the books against the facts (`desk money verify`). `broken` and what follows are null until
    it has ended; of the faults the first hundred are named. `asked_by` null: the daily one, or by hand."""

    asked_by: int | None
    asked_at: float
    began_at: float | None
    ended_at: float | None
    bookings: int | None
    invoices: int | None
    broken: int | None
    faults: list[MoneyFault]


class MoneyChecks(View, frozen=True):
    """The last ten, newest first."""

    checks: list[MoneyCheck]


class FiguresQuery(Form, frozen=True):
    """How many months back, the running one among them; months begin in your time zone."""

    months: Annotated[int, Meta(ge=1, le=36)] = 12


class PlanFigures(View, frozen=True):
    """What a plan brings in 30 days: each payer's last price, for 30 days."""

    plan: str
    payers: int
    mrr: Money


class CurrencyFigures(View, frozen=True):
    """What one currency comes to. `arpu` is MRR / payers; `churn` that of all whole months shown; `ltv` an
    estimate: arpu / churn, null while nobody has left."""

    currency: CurrencyCode
    payers: int
    mrr: int
    arpu: int | None
    churn: float | None
    ltv: int | None


class MonthFigures(View, frozen=True):
    """How payers came and went. `churn` is churned / at_start."""

    month: MonthName
    currency: CurrencyCode
    at_start: int
    new: int
    renewed: int
    reactivated: int
    churned: int
    churn: float | None


class TrialFigures(View, frozen=True):
    """Free days by the month of their beginning. `conversion` is converted / (begun - running)."""

    month: MonthName
    begun: int
    converted: int
    running: int
    conversion: float | None


class Figures(View, frozen=True):
    """The business now, and month by month. Amounts in minor units; null is no figure."""

    at: float
    plans: list[PlanFigures]
    currencies: list[CurrencyFigures]
    months: list[MonthFigures]
    trials: list[TrialFigures]


class DunningQuery(Form, frozen=True):
    """A page, the newest failure first."""

    after: CursorText | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class DunningView(View, frozen=True):
    """A subscription whose last renewals failed. `reason` is the acquirer's for the last try; `gave_up`:
    nothing will be charged until the user acts. `next` is what the clock does then; access runs `until`."""

    user: int
    plan: str
    state: SubscriptionState
    failures: int
    failed_at: float
    reason: str
    advice: str | None
    gave_up: bool
    until: float
    next: SubscriptionStep | None
    next_at: float | None


class Dunning(View, frozen=True):
    """`next` goes into `after`."""

    failing: list[DunningView]
    next: str | None


class MoneyTableQuery(Form, frozen=True):
    """The span of payments, refunds, postings and receipts (at most 400 days, by default the last 30), and the
    months of the others."""

    since: Seconds | None = None
    until: Seconds | None = None
    months: Annotated[int, Meta(ge=1, le=36)] = 12
    format: SheetFormat = "csv"
