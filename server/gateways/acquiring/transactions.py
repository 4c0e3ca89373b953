"""Answers of CloudPayments' API: its envelope, its transactions, and what they are for us."""

from decimal import Decimal
from typing import TypeVar

import msgspec

from billing.acquiring import Advice, State, Transaction
from billing.money import Currency, Money, read_decimal

from .notices import card_of, kept, moment
from .reasons import advice_of

# "Статусы операций"; one that is not here is neither money nor a refusal, so it has to be looked at again.
_STATES = {
    "Completed": State.PAID,
    "Authorized": State.HELD,
    "Declined": State.DECLINED,
    "Cancelled": State.CANCELLED,
    "AwaitingAuthentication": State.PENDING,
}
T = TypeVar("T")
PAYMENT, REFUND = 0, 1  # `Type`; 2 is a payout to a card


class Unreadable(Exception):
    """An answer that is none."""


class Answer(msgspec.Struct, frozen=True, rename="pascal"):
    """The envelope of every answer. `model` is what was asked for, or what says why not."""

    success: bool
    message: str | None = None
    model: msgspec.Raw = msgspec.Raw(b"null")

    @property
    def empty(self) -> bool:
        """Whether there is no model."""
        return bytes(self.model) in (b"", b"null")


class Page(msgspec.Struct, frozen=True, rename="pascal"):
    """An order with a hosted page."""

    id: str
    url: str


class Deal(msgspec.Struct, frozen=True, rename="pascal"):
    """A transaction as the API shows it. Of a refund that was asked for only the id is told; of a payment that
    waits for 3-D Secure the id and the bank's address."""

    transaction_id: int
    amount: Decimal | None = None
    currency: str | None = None
    status: str | None = None
    type: int = PAYMENT
    invoice_id: str | None = None
    account_id: str | None = None
    created_date_iso: str | None = None
    original_transaction_id: int | None = None
    acs_url: str | None = None
    token: str | None = None
    card_last_four: str | None = None
    card_type: str | None = None
    card_exp_date: str | None = None
    reason: str | None = None
    reason_code: int = 0
    test_mode: bool = False
    json_data: str | dict[str, object] | None = None


def answer_of(raw: bytes) -> Answer:
    """The envelope. Unreadable."""
    return _decoded(raw, Answer)


def page_of(answer: Answer) -> Page:
    """The hosted page. Unreadable."""
    return _decoded(answer.model, Page)


def deal_of(answer: Answer) -> Deal:
    """The transaction of an answer. Unreadable."""
    return _decoded(answer.model, Deal)


def deals_of(answer: Answer) -> list[Deal]:
    """A page of a list. Unreadable."""
    return _decoded(answer.model, list[Deal])


def transaction_of(deal: Deal) -> Transaction | None:
    """What a transaction is for us; None for payouts and for currencies in which we sell nothing. Unreadable."""
    if deal.type not in (PAYMENT, REFUND) or deal.currency not in tuple(Currency):
        return None
    if deal.amount is None or deal.status is None or deal.created_date_iso is None:
        raise Unreadable("a transaction without amount, status or time")
    state = _STATES.get(deal.status, State.PENDING)
    if deal.type == REFUND and state is State.PAID:
        state = State.REFUNDED
    declined = state is State.DECLINED
    try:
        return Transaction(
            str(deal.transaction_id),
            state,
            read_decimal(str(deal.amount), Currency(deal.currency)),
            deal.invoice_id or None,
            deal.account_id or None,
            moment(deal.created_date_iso),
            str(deal.original_transaction_id) if deal.type == REFUND else None,
            card_of(
                deal.token if kept(deal.json_data) else None,
                deal.card_last_four,
                deal.card_type,
                deal.card_exp_date,
            ),
            f"{deal.reason_code} {deal.reason or ''}".strip() if declined else None,
            advice_of(deal.reason_code) if declined else None,
            deal.test_mode,
        )
    except (ValueError, ArithmeticError) as error:
        raise Unreadable(str(error)[:200]) from None


def waiting(deal: Deal, money: Money, invoice: str, account: str, at: float) -> Transaction:
    """A payment for which the bank wants to see the payer."""
    id = str(deal.transaction_id)
    reason = "3-D Secure"
    return Transaction(id, State.PENDING, money, invoice, account, at, reason=reason, advice=Advice.OTHER)


def _decoded(raw: bytes | msgspec.Raw, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(raw, type=kind, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(type(error).__name__) from None
