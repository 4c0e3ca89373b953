"""What has become of an invoice: a function of the facts that are stored of it, whatever their order and however
often they were told.

Facts are what an acquirer has said, verified. Two things follow from them: the standing of the invoice, and the
bookings that must be in the books. Both only ever grow: a fact more never unsays a booking, so that applying is
adding what is missing. That decides what wins:

- money that was taken beats every other word of the same transaction (Fail, Cancel);
- a refund is booked once its payment is known, never more than that payment;
- of two payments of one invoice the one that was stored first is the payment, for it has been acted on by then;
  each other is owed back. Amounts and balances are the same whichever that is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from . import ledger
from .acquiring import Answer, Kind, Notification, State, Transaction
from .ledger import Booking
from .money import Money

# A payer types a card number, or confirms by 3-D Secure; meanwhile nobody else pays the same invoice.
UNDER_WAY_S = 180.0


class Verdict(StrEnum):
    """What was found of one notification. All but APPLIED and DUPLICATE raise an alert and grant nothing."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"  # another message of what is known already
    WRONG_AMOUNT = "wrong_amount"
    WRONG_CURRENCY = "wrong_currency"
    WRONG_ACCOUNT = "wrong_account"
    UNKNOWN_INVOICE = "unknown_invoice"
    TEST = "test"  # play money where only real money counts
    MALFORMED = "malformed"


FINE = frozenset({Verdict.APPLIED, Verdict.DUPLICATE})


class AttemptState(StrEnum):
    """Of a try of ours to move money, written down before anything is sent."""

    STARTED = "started"
    DONE = "done"  # the page is there, or the money was taken
    DECLINED = "declined"
    UNKNOWN = "unknown"  # sent, and not answered
    UNAVAILABLE = "unavailable"  # surely not taken
    REJECTED = "rejected"  # understood and not wanted: a setting, or a bug


LIVE_ATTEMPTS = frozenset({AttemptState.STARTED, AttemptState.UNKNOWN})


class InvoiceState(StrEnum):
    """How an invoice stands."""

    CREATED = "created"
    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"  # not final
    EXPIRED = "expired"  # nor this one: money that comes all the same counts
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Invoice:
    """What a user is to pay and for what: `period_s` seconds of a version of a plan, at the price of a region.
    Times in epoch seconds."""

    id: UUID
    user: int
    provider: str
    money: Money
    created_at: float
    expires_at: float
    purpose: str = "subscription"
    plan: str = ""
    plan_version: int = 0
    region: str = ""
    period_s: float = 0.0
    description: str = ""
    lang: str = "ru"

    @property
    def account(self) -> str:
        """The payer, as acquirers know them."""
        return str(self.user)


@dataclass(frozen=True, slots=True)
class Fact:
    """One stored notification of a transaction. `seq` grows in the order of storing, `payment` is the transaction
    itself or the one that it gives back, `at` when it was stored (epoch seconds). `let_on`: of a check, that we
    let the payment go on."""

    seq: int
    provider: str
    kind: Kind
    transaction: str
    payment: str
    state: State
    money: Money
    at: float
    verdict: Verdict
    let_on: bool = True

    @property
    def taken(self) -> bool:
        """Whether it says that money was taken."""
        return self.kind is Kind.CONFIRM or (self.kind is Kind.PAY and self.state is State.PAID)


@dataclass(frozen=True, slots=True)
class Tried:
    """One of our own attempts to have an invoice paid. `page`: a checkout, where the payer does the rest."""

    state: AttemptState
    page: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How an invoice stands. `unknown`: an attempt was sent and not answered; `held`: its amount is set aside and
    not taken yet. `refunded` of the payment, `owed` back of further payments, in minor units."""

    state: InvoiceState
    unknown: bool = False
    held: bool = False
    refunded: int = 0
    owed: int = 0


def payment_of(transaction: Transaction) -> str:
    """The payment that a transaction is, or gives back."""
    return transaction.refunds or transaction.id


def judge(invoice: Invoice | None, provider: str, told: Notification, *, test_allowed: bool) -> Verdict:
    """Whether a notification fits the invoice that it names."""
    transaction = told.transaction
    if transaction is None:
        return Verdict.APPLIED
    if transaction.test and not test_allowed:
        return Verdict.TEST
    if invoice is None or invoice.provider != provider:
        return Verdict.UNKNOWN_INVOICE
    refund = told.kind is Kind.REFUND
    # A refund names its payment, which was checked; acquirers leave the account out of it.
    if transaction.account != invoice.account and not (refund and transaction.account is None):
        return Verdict.WRONG_ACCOUNT
    if transaction.money.currency is not invoice.money.currency:
        return Verdict.WRONG_CURRENCY
    fits = (
        0 < transaction.money.minor <= invoice.money.minor if refund else transaction.money == invoice.money
    )
    return Verdict.APPLIED if fits else Verdict.WRONG_AMOUNT


_SAID = {
    Verdict.UNKNOWN_INVOICE: Answer.UNKNOWN_INVOICE,
    Verdict.WRONG_ACCOUNT: Answer.WRONG_ACCOUNT,
    Verdict.WRONG_AMOUNT: Answer.WRONG_AMOUNT,
    Verdict.WRONG_CURRENCY: Answer.WRONG_AMOUNT,
}


def answer_check(
    invoice: Invoice | None, verdict: Verdict, facts: Iterable[Fact], transaction: str, now: float
) -> Answer:
    """Whether a payment may go on: what is in doubt may not."""
    if verdict not in FINE:
        return _SAID.get(verdict, Answer.NOT_NOW)
    if invoice is None:
        return Answer.NOT_NOW
    known = [fact for fact in facts if fact.verdict in FINE]
    if any(fact.taken for fact in known) or _held(known):
        return Answer.NOT_NOW
    if other_under_way(known, transaction, now):
        return Answer.NOT_NOW
    return Answer.EXPIRED if now >= invoice.expires_at else Answer.ACCEPTED


def other_under_way(facts: Iterable[Fact], transaction: str, now: float) -> bool:
    """Whether somebody began to pay another way a moment ago, and nothing more is known of that."""
    known = [fact for fact in facts if fact.verdict in FINE]
    others = (fact for fact in _under_way(known) if fact.transaction != transaction)
    return any(now - fact.at < UNDER_WAY_S for fact in others)


def standing(invoice: Invoice, facts: Iterable[Fact], tried: Sequence[Tried], now: float) -> Standing:
    """How the invoice stands by all that is known of it."""
    facts = sorted(facts, key=lambda fact: fact.seq)
    unknown = any(attempt.state is AttemptState.UNKNOWN for attempt in tried)
    kept, further, _ = _payments(facts)
    if kept is not None:
        refunded = sum(refund.money.minor for refund in _refunds(kept, facts))
        whole = refunded >= kept.money.minor
        state = (InvoiceState.REFUNDED if whole else InvoiceState.PARTLY_REFUNDED) if refunded else None
        owed = sum(
            payment.money.minor - sum(refund.money.minor for refund in _refunds(payment, facts))
            for payment in further
        )
        return Standing(state or InvoiceState.PAID, unknown, False, refunded, owed)
    known = [fact for fact in facts if fact.verdict in FINE]
    return Standing(_unpaid(invoice, known, tried, now), unknown, _held(known))


def _unpaid(invoice: Invoice, known: list[Fact], tried: Sequence[Tried], now: float) -> InvoiceState:
    over = now >= invoice.expires_at
    if _held(known) or any(attempt.state in LIVE_ATTEMPTS for attempt in tried):
        return InvoiceState.PENDING
    if _under_way(known) and not over:
        return InvoiceState.PENDING
    if any(fact.kind in (Kind.FAIL, Kind.CANCEL) for fact in known) or any(
        attempt.state is AttemptState.DECLINED for attempt in tried
    ):
        return InvoiceState.FAILED
    if over:
        return InvoiceState.EXPIRED
    page = any(attempt.page and attempt.state is AttemptState.DONE for attempt in tried)
    return InvoiceState.PENDING if page else InvoiceState.CREATED


def wanted(invoice: Invoice | None, facts: Iterable[Fact]) -> list[Booking]:
    """The bookings that these facts must have left in the books, in the order in which they are made. Without an
    invoice: facts of one payment that fits none."""
    facts = sorted(facts, key=lambda fact: fact.seq)
    kept, further, strays = _payments(facts)
    bookings: list[Booking] = []
    if invoice is not None and kept is not None:
        owner, number = invoice.user, invoice.id
        bookings.append(ledger.paid(kept.provider, kept.transaction, owner, kept.money, number))
        bookings.append(ledger.granted(owner, kept.money, number))
        for refund in _refunds(kept, facts):
            bookings.append(ledger.refunded(refund.provider, refund.transaction, owner, refund.money, number))
        for payment in further:
            at = (payment.provider, payment.transaction, owner, payment.money, number)
            bookings.append(ledger.double_received(*at))
            for refund in _refunds(payment, facts):
                back = (refund.provider, refund.transaction, owner, refund.money, number)
                bookings.append(ledger.double_returned(*back))
    home = None if invoice is None else invoice.id
    for payment in strays:
        bookings.append(ledger.stray_received(payment.provider, payment.transaction, payment.money, home))
        for refund in _refunds(payment, facts):
            bookings.append(ledger.stray_returned(refund.provider, refund.transaction, refund.money, home))
    return bookings


def as_told(transaction: Transaction, *, held: bool) -> Notification | None:
    """A transaction that was found or listed, as the notification that should have come; `held`: that its amount
    is held is known already, so that being paid is news. None while it says nothing."""
    match transaction.state:
        case State.PAID:
            kind = Kind.CONFIRM if held else Kind.PAY
        case State.HELD:
            kind = Kind.PAY
        case State.DECLINED:
            kind = Kind.FAIL
        case State.REFUNDED:
            kind = Kind.REFUND
        case State.CANCELLED:
            kind = Kind.CANCEL
        case State.PENDING:
            return None
    return Notification(kind, transaction.id, transaction)


def _payments(facts: list[Fact]) -> tuple[Fact | None, list[Fact], list[Fact]]:
    """Of facts in the order of storing: the payment, further payments, and payments that fit no invoice."""
    first: dict[tuple[str, str], Fact] = {}
    for fact in facts:
        if fact.taken and fact.verdict is not Verdict.TEST:
            first.setdefault((fact.provider, fact.transaction), fact)
    fitting = [fact for fact in first.values() if fact.verdict in FINE]
    strays = [fact for fact in first.values() if fact.verdict not in FINE]
    return (fitting[0] if fitting else None), fitting[1:], strays


def _refunds(payment: Fact, facts: list[Fact]) -> list[Fact]:
    """What of a payment went back: each refund once, in its currency, together no more than it."""
    left, found = payment.money.minor, dict[str, Fact]()
    for fact in facts:
        of_it = (fact.provider, fact.payment) == (payment.provider, payment.transaction)
        if fact.kind is not Kind.REFUND or not of_it or fact.transaction in found:
            continue
        if fact.money.currency is payment.money.currency and 0 < fact.money.minor <= left:
            left -= fact.money.minor
            found[fact.transaction] = fact
    return list(found.values())


_ENDS = frozenset({Kind.PAY, Kind.FAIL, Kind.CONFIRM, Kind.CANCEL})


def _under_way(known: list[Fact]) -> list[Fact]:
    """Checks of transactions that we let on and that have not ended."""
    ended = {fact.transaction for fact in known if fact.kind in _ENDS}
    checks = (fact for fact in known if fact.kind is Kind.CHECK and fact.let_on)
    return [check for check in checks if check.transaction not in ended]


def _held(known: list[Fact]) -> bool:
    """Whether an amount is held and was not let go. (One that was taken is asked for before.)"""
    gone = {fact.transaction for fact in known if fact.kind is Kind.CANCEL}
    return any(fact.kind is Kind.PAY and fact.transaction not in gone for fact in known)
