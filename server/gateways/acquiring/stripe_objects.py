"""What Stripe's objects say, from its answers and from its events alike: transactions, cards and advice.

A payment is called by its PaymentIntent (`pi_`), however many charges were tried for it. What is told of it comes
from its charge, the one object that has amount, invoice, payer and card together; Stripe copies the metadata of a
PaymentIntent to each of its charges when it is confirmed.
"""

import logging
from collections.abc import Iterable
from typing import TypeVar

import msgspec
from msgspec import Struct

from billing.acquiring import Advice, Card, State, Transaction
from billing.money import Currency, Money

log = logging.getLogger("desk.stripe")

T = TypeVar("T")

CURRENCIES = frozenset(Currency)
# Stripe's documentation, "Decline codes": what may pass by itself, and what never will.
_LATER = frozenset(
    {
        "approve_with_id",
        "card_velocity_exceeded",
        "insufficient_funds",
        "issuer_not_available",
        "processing_error",
        "reenter_transaction",
        "try_again_later",
        "withdrawal_count_limit_exceeded",
    }
)
_NEVER = frozenset(
    {
        "expired_card",
        "fraudulent",
        "incorrect_number",
        "invalid_account",
        "invalid_number",
        "lost_card",
        "pickup_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "stolen_card",
        "stop_payment_order",
    }
)
# What the card networks say themselves goes before our reading of the code.
_ADVICE = {
    "try_again_later": Advice.LATER,
    "do_not_try_again": Advice.NEVER,
    "confirm_card_data": Advice.OTHER,
}


class Unreadable(Exception):
    """An answer whose form we do not know."""


class _CardDetails(Struct, frozen=True):
    brand: str | None = None
    last4: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None


class _Method(Struct, frozen=True):
    card: _CardDetails | None = None


class _Outcome(Struct, frozen=True):
    reason: str | None = None  # the decline code, where a bank gave one
    advice_code: str | None = None


class Charge(Struct, frozen=True):
    """One try to take money."""

    id: str
    amount: int
    currency: str
    created: int
    status: str  # succeeded, pending, failed
    captured: bool
    livemode: bool
    payment_intent: str | None = None
    customer: str | None = None
    payment_method: str | None = None
    payment_method_details: _Method | None = None
    metadata: dict[str, str] | None = None
    failure_code: str | None = None
    outcome: _Outcome | None = None

    def told(self, name: str) -> str | None:
        """What we said of it."""
        return (self.metadata or {}).get(name)


class Failure(Struct, frozen=True):
    """Why the last try for a PaymentIntent failed."""

    code: str | None = None
    decline_code: str | None = None
    advice_code: str | None = None


class Intent(Struct, frozen=True):
    """A payment, through all tries for it. `latest_charge` is an object only where it was asked for."""

    id: str
    amount: int
    currency: str
    created: int
    status: str
    livemode: bool
    metadata: dict[str, str] | None = None
    latest_charge: Charge | str | None = None
    last_payment_error: Failure | None = None


class Refund(Struct, frozen=True):
    """Money on its way back. `charge` is an object only where it was asked for."""

    id: str
    amount: int
    currency: str
    created: int
    status: str | None = None
    payment_intent: str | None = None
    charge: Charge | str | None = None
    metadata: dict[str, str] | None = None
    failure_reason: str | None = None


class Page(Struct, frozen=True):
    """A hosted page (Checkout Session)."""

    id: str
    created: int
    livemode: bool
    url: str | None = None
    amount_total: int | None = None
    currency: str | None = None
    metadata: dict[str, str] | None = None


def converted(fields: object, kind: type[T]) -> T:
    """An object out of an answer. Unreadable."""
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise Unreadable(f"an answer of another form: {error}") from None


def money(minor: int, currency: str) -> Money:
    """ValueError for a currency that is none of ours."""
    return Money(minor, Currency(currency.upper()))


def of_charge(charge: Charge) -> Transaction:
    """The payment, as this try for it left it."""
    if charge.status == "succeeded":
        state = State.PAID if charge.captured else State.HELD
    else:
        state = State.PENDING if charge.status == "pending" else State.DECLINED
    reason = advice = None
    if state is State.DECLINED:
        outcome = charge.outcome or _Outcome()
        reason = _reason(charge.failure_code, outcome.reason)
        advice = advice_of(charge.failure_code, outcome.reason, outcome.advice_code)
    return Transaction(
        charge.payment_intent or charge.id,
        state,
        money(charge.amount, charge.currency),
        charge.told("invoice"),
        charge.told("account"),
        float(charge.created),
        card=_card(charge) if charge.status == "succeeded" else None,  # a declined one is not kept
        reason=reason,
        advice=advice,
        test=not charge.livemode,
    )


def of_intent(intent: Intent) -> Transaction:
    """The payment, as it stands."""
    if intent.status in ("succeeded", "requires_capture") and isinstance(intent.latest_charge, Charge):
        return of_charge(intent.latest_charge)
    states = {
        "succeeded": State.PAID,
        "requires_capture": State.HELD,
        "canceled": State.CANCELLED,
        "requires_payment_method": State.DECLINED,
    }
    state = states.get(intent.status, State.PENDING)
    failure = intent.last_payment_error or Failure()
    declined, about = state is State.DECLINED, intent.metadata or {}
    return Transaction(
        intent.id,
        state,
        money(intent.amount, intent.currency),
        about.get("invoice"),
        about.get("account"),
        float(intent.created),
        reason=_reason(failure.code, failure.decline_code) if declined else None,
        advice=advice_of(failure.code, failure.decline_code, failure.advice_code) if declined else None,
        test=not intent.livemode,
    )


def of_refund(refund: Refund, *, test: bool) -> Transaction:
    """A refund, which tells of invoice and account only where its charge was asked for."""
    charge = refund.charge if isinstance(refund.charge, Charge) else None
    about = (refund if charge is None else charge).metadata or {}
    states = {"succeeded": State.REFUNDED, "failed": State.CANCELLED, "canceled": State.CANCELLED}
    return Transaction(
        refund.id,
        states.get(refund.status or "", State.PENDING),
        money(refund.amount, refund.currency),
        about.get("invoice"),
        about.get("account"),
        float(refund.created),
        refunds=refund.payment_intent or (charge.payment_intent if charge is not None else None),
        reason=refund.failure_reason,
        test=test,
    )


def payments(charges: Iterable[Charge]) -> list[Transaction]:
    """One transaction a payment: the try that took the money, else the last one. `charges` come newest first, as
    Stripe lists them; those of one second keep that order."""
    last: dict[str, Transaction] = {}
    for charge in sorted(reversed(list(charges)), key=lambda charge: charge.created):
        made = of_charge(charge)
        known = last.get(made.id)
        if known is None or known.state not in (State.PAID, State.HELD):
            last[made.id] = made
    return list(last.values())


def oldest_first(made: list[Transaction]) -> list[Transaction]:
    """In whole seconds a refund may be as old as its payment: it comes after it."""
    return sorted(made, key=lambda one: (one.at, one.refunds is not None))


def in_our_money(one: Charge | Refund) -> bool:
    """Whether it is in a currency that we sell in; if not, a person is told."""
    if one.currency.upper() in CURRENCIES:
        return True
    log.error("stripe.foreign_currency", extra={"id": one.id, "currency": one.currency})
    return False


def advice_of(code: str | None, decline_code: str | None, advice_code: str | None) -> Advice:
    """What to do after a decline; for every code that we do not know the payer has to look."""
    if advice_code in _ADVICE:
        return _ADVICE[advice_code]
    if {code, decline_code} & _NEVER:
        return Advice.NEVER
    return Advice.LATER if {code, decline_code} & _LATER else Advice.OTHER


def _reason(code: str | None, decline_code: str | None) -> str:
    return " ".join(dict.fromkeys(part for part in (code, decline_code) if part)) or "declined"


def _card(charge: Charge) -> Card | None:
    """A card that may be charged again: Stripe keeps one only with a customer, which a page makes when it is asked
    to. Both names make the token, for a charge wants both."""
    details = charge.payment_method_details
    card = details.card if details is not None else None
    if card is None or charge.customer is None or charge.payment_method is None:
        return None
    expires = None
    if card.exp_month is not None and card.exp_year is not None:
        expires = f"{card.exp_month:02d}/{card.exp_year % 100:02d}"
    return Card(f"{charge.customer}:{charge.payment_method}", card.last4 or "", card.brand or "", expires)
