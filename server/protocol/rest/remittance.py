"""What a shipper owes a driver for a haul, and what both say of it."""

from typing import Annotated, Literal

from msgspec import Meta

from ..messages import STORABLE, Money, Seconds
from .common import Amount, Form, PaymentMethod, PaymentWhen, View

RemittanceKind = Literal["prepayment", "payment"]
MarkState = Literal["waiting", "confirmed", "contested", "withdrawn"]
RemittanceState = Literal["open", "prepaid", "marked", "contested", "paid", "void"]
PaymentFault = Literal["not_received", "wrong_amount", "wrong_date", "other"]
PaymentNote = Annotated[str, Meta(max_length=500, pattern=STORABLE)]


class RemittanceForm(Form, frozen=True):
    """A shipper says that money was sent, a driver that it has come. Without an amount it is what is left to pay
    (of a prepayment: what the terms ask for), or what the other side has said; without a method the agreed one,
    without `paid_at` now. `reference`: the number of the transfer."""

    kind: RemittanceKind = "payment"
    amount: Amount | None = None
    method: PaymentMethod | None = None
    paid_at: Seconds | None = None
    reference: Annotated[str, Meta(max_length=120, pattern=STORABLE)] = ""


class ContestForm(Form, frozen=True):
    """Why it is not so. With `dispute` staff are asked to decide, which stops the order where it stands."""

    reason: PaymentFault
    note: PaymentNote = ""
    dispute: bool = False


class MissedForm(Form, frozen=True):
    """Nothing has come though it is due. With `dispute` staff are asked to decide."""

    note: PaymentNote = ""
    dispute: bool = False


class RemittanceView(View, frozen=True):
    """One payment. `shipper_at`, `driver_at`: when each side has said its word on it."""

    payment: int
    kind: RemittanceKind
    amount: int
    method: PaymentMethod
    paid_at: Seconds
    reference: str
    state: MarkState
    shipper_at: Seconds | None
    driver_at: Seconds | None
    reason: PaymentFault | None
    note: str


class RemittancesView(View, frozen=True):
    """Where the payment of a haul stands. `price` as agreed; `prepayment`: what the terms ask for in advance.
    `due_at`: null until the step that the terms name is done. `outstanding`: what the driver has not confirmed.
    `overdue`: it is due, and no side says that it was paid. `missed_at`: the driver has said that nothing came,
    in the words `missed_note`."""

    order: int
    side: str  # of the caller: shipper | driver | staff
    state: RemittanceState
    price: Money
    prepayment: int
    method: PaymentMethod
    when: PaymentWhen
    days: int
    due_at: Seconds | None
    overdue: bool
    received: int
    outstanding: int
    paid_at: Seconds | None
    missed_at: Seconds | None
    missed_note: str
    payments: list[RemittanceView]


class PaymentRecord(View, frozen=True):
    """How a shipper has paid the hauls of the last year that one of both sides has spoken of: so many of them; the
    share that was paid by the due date, null below three; the median of days late of the others, null of none."""

    cases: int
    share: float | None
    late_days: float | None
