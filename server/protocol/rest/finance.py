"""Money in the hands of finance: invoices with all that is known of them, refunds, messages, differences."""

from typing import Annotated, Literal

from msgspec import Meta

from ..messages import STORABLE, Money, RowId, Seconds
from .common import Form, View
from .payments import InvoiceId, InvoicePurpose, InvoiceState
from .plans import CurrencyCode, PlanCode
from .transfers import BankEntry, SlipView, Why

ProviderName = Annotated[str, Meta(pattern=r"^[a-z]{1,24}(?![\s\S])")]
Minor = Annotated[int, Meta(ge=1, le=10**12, description="minor units")]
AttemptKind = Literal["checkout", "charge"]
AttemptState = Literal["started", "done", "declined", "unknown", "unavailable", "rejected"]
LedgerAct = Literal[
    "paid", "granted", "refunded", "double_received", "double_returned", "stray_received", "stray_returned", "fee"
]  # fmt: skip
NoticeSource = Literal["notice", "answer", "found", "listed", "staff"]
NoticeVerdict = Literal[
    "applied", "duplicate", "wrong_amount", "wrong_currency", "wrong_account", "unknown_invoice", "test",
    "malformed",
]  # fmt: skip
RefundCause = Literal["asked", "double"]
RefundState = Literal["requested", "approved", "sent", "unknown", "done", "failed", "turned_down"]


class InvoicesWanted(Form, frozen=True):
    """A page of invoices, newest first; any of these narrow it. `least` and `most` in minor units; the time is
    that of the invoice, `until` excluded."""

    user: RowId | None = None
    state: InvoiceState | None = None
    provider: ProviderName | None = None
    plan: PlanCode | None = None
    purpose: InvoicePurpose | None = None
    currency: CurrencyCode | None = None
    least: Minor | None = None
    most: Minor | None = None
    since: Seconds | None = None
    until: Seconds | None = None
    before: InvoiceId | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class MoneySearch(Form, frozen=True):
    """Exactly one: an acquirer's (or the bank's) number of a transaction, or the reference of a transfer."""

    transaction: Annotated[str, Meta(min_length=1, max_length=128, pattern=STORABLE)] | None = None
    reference: Annotated[str, Meta(pattern=r"^TD-[0-9A-Fa-f]{8}(?![\s\S])", max_length=11)] | None = None


class MoneyInvoice(View, frozen=True):
    """An invoice as finance sees it. `reference` is what a payer by transfer writes down."""

    invoice: str
    reference: str
    user: int
    state: InvoiceState
    purpose: InvoicePurpose
    plan: str
    plan_version: int
    name: str
    days: int
    amount: Money
    provider: str
    created_at: float
    expires_at: float
    changed_at: float


class MoneyInvoices(View, frozen=True):
    """Newest first; `next` goes into `before`."""

    invoices: list[MoneyInvoice]
    next: str | None


class AttemptView(View, frozen=True):
    """A try of ours: `reference` is the acquirer's name for the page or the transaction, `looks` how often it was
    looked for since its answer was lost."""

    attempt: str
    kind: AttemptKind
    state: AttemptState
    reference: str | None
    reason: str
    advice: str | None
    looks: int
    created_at: float
    done_at: float | None


class NoticeView(View, frozen=True):
    """What an acquirer said, or was found at it. `alert`: nobody has cleared it up; `body`: it can be looked into.
    `kind` is the address where it could not be read."""

    notice: int
    provider: str
    kind: str
    source: NoticeSource
    verdict: NoticeVerdict
    answer: str
    invoice: str | None
    transaction: str | None
    payment: str | None
    state: str | None
    amount: Money | None
    account: str | None
    named_invoice: str | None
    reason: str
    happened_at: float | None
    received_at: float
    alert: bool
    settled_by: int | None
    note: str | None
    settled_at: float | None
    body: bool


class PostingView(View, frozen=True):
    """Plus is had or spent, minus is owed or earned."""

    account: str
    amount: Money


class BookingView(View, frozen=True):
    """A transaction of the books: its postings come to zero. `key` is what it came of."""

    booking: int
    at: float
    act: LedgerAct
    key: str
    amount: Money
    invoice: str | None
    user: int | None
    provider: str
    transaction: str
    postings: list[PostingView]


class RefundView(View, frozen=True):
    """Money that is to go back. `payment` is the acquirer's transaction that it gives back, `reference` the
    one that does; `requested_by` is null for the second payment of an invoice, which goes back by itself."""

    refund: str
    invoice: str
    provider: str
    payment: str
    amount: Money
    cause: RefundCause
    state: RefundState
    requested_by: int | None
    approved_by: int | None
    reason: str
    reference: str | None
    error: str
    created_at: float
    sent_at: float | None
    done_at: float | None


class MoneyFile(View, frozen=True):
    """All that is known of an invoice; at most a hundred of each, the newest. `refunded` of its payment and `owed`
    back of further payments in minor units; `unknown`: a try was not answered; `held`: the amount is set aside."""

    invoice: MoneyInvoice
    refunded: int
    owed: int
    unknown: bool
    held: bool
    attempts: list[AttemptView]
    notices: list[NoticeView]
    bookings: list[BookingView]
    refunds: list[RefundView]
    slips: list[SlipView]


class MoneyFound(View, frozen=True):
    """What a search found, newest first, at most a hundred of each."""

    invoices: list[MoneyInvoice]
    notices: list[NoticeView]
    bookings: list[BookingView]


class RefundForm(Form, frozen=True):
    """Gives a payment back, all that is left of it or `amount` of it."""

    reason: Why
    amount: Minor | None = None


class ReturnedForm(Form, frozen=True):
    """A refund of a transfer was sent by the bank, as this entry says."""

    entry: BankEntry


class RefundsQuery(Form, frozen=True):
    """A page of refunds, newest first; `requested` are those that wait for a second person."""

    state: RefundState | None = None
    before: InvoiceId | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class Refunds(View, frozen=True):
    """Newest first; `next` goes into `before`."""

    refunds: list[RefundView]
    next: str | None
