"""The books, by double entry: bookings whose postings come to zero in each currency, added and never changed.

Sign of an amount: plus is what we have (an acquirer's or the bank's debt to us) or have spent, minus is what we
owe (a user's balance, money whose owner is not known) or have earned. A user whose balance is not zero is owed
something.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from .money import Currency, Money

REVENUE = "revenue:subscriptions"
SUSPENSE = "suspense"  # money that came and fits no invoice
# The provider of invoices that are paid past every acquirer: finance has seen the money on the bank account.
TRANSFER = "transfer"


class Act(StrEnum):
    """What happened, in the words of the business."""

    PAID = "paid"
    GRANTED = "granted"  # what was paid for was given: now it is revenue
    REFUNDED = "refunded"
    DOUBLE_RECEIVED = "double_received"  # a second payment of one invoice
    DOUBLE_RETURNED = "double_returned"
    STRAY_RECEIVED = "stray_received"  # a payment that fits no invoice
    STRAY_RETURNED = "stray_returned"
    FEE = "fee"


def acquirer(name: str) -> str:
    """What an acquirer owes us; for transfers the bank account itself."""
    return "bank:transfers" if name == TRANSFER else f"acquirer:{name}"


def user(number: int) -> str:
    """What we owe a user: paid and not yet granted, or paid twice."""
    return f"user:{number}"


def fees(name: str) -> str:
    """What an acquirer has kept."""
    return f"fees:{name}"


@dataclass(frozen=True, slots=True)
class Posting:
    """One line: so much on this account."""

    account: str
    money: Money


@dataclass(frozen=True, slots=True)
class Booking:
    """One transaction of the books. `key` is unique for ever: booked a second time it changes nothing.
    `transaction` is the acquirer's id of what caused it, `money` the amount that it is about."""

    key: str
    act: Act
    money: Money
    postings: tuple[Posting, ...]
    invoice: UUID | None = None
    user: int | None = None
    provider: str = ""
    transaction: str = ""

    def __post_init__(self) -> None:
        if not balanced(self.postings):
            raise ValueError(f"{self.key} does not come to zero")
        if self.money.minor <= 0:
            raise ValueError(f"{self.key} is about no amount")


def sums(postings: Iterable[Posting]) -> dict[Currency, int]:
    """Minor units by currency."""
    total: dict[Currency, int] = defaultdict(int)
    for posting in postings:
        total[posting.money.currency] += posting.money.minor
    return dict(total)


def balanced(postings: Iterable[Posting]) -> bool:
    """Whether they come to zero in each currency, and say anything at all."""
    total = sums(postings)
    return bool(total) and not any(total.values())


def _moved(money: Money, *accounts: tuple[str, str]) -> tuple[Posting, ...]:
    """The same amount from each first account to each second one."""
    lost = Money(-money.minor, money.currency)
    return tuple(
        posting for source, target in accounts for posting in (Posting(target, money), Posting(source, lost))
    )


def paid(provider: str, transaction: str, owner: int, money: Money, invoice: UUID) -> Booking:
    """A user's money has come, by an acquirer or (TRANSFER, the receipt as `transaction`) by the bank."""
    key = f"paid:{provider}:{transaction}"
    postings = _moved(money, (user(owner), acquirer(provider)))
    return Booking(key, Act.PAID, money, postings, invoice, owner, provider, transaction)


def granted(owner: int, money: Money, invoice: UUID) -> Booking:
    """What an invoice was for was given, once: the money is earned."""
    postings = _moved(money, (REVENUE, user(owner)))
    return Booking(f"granted:{invoice}", Act.GRANTED, money, postings, invoice, owner)


def refunded(provider: str, transaction: str, owner: int, money: Money, invoice: UUID) -> Booking:
    """All or a part of what was earned went back to the user, by way of their account."""
    key = f"refunded:{provider}:{transaction}"
    postings = _moved(money, (user(owner), REVENUE), (acquirer(provider), user(owner)))
    return Booking(key, Act.REFUNDED, money, postings, invoice, owner, provider, transaction)


def double_received(provider: str, transaction: str, owner: int, money: Money, invoice: UUID) -> Booking:
    """An invoice was paid once more: the money stays on the user's account until it is given back."""
    key = f"double_received:{provider}:{transaction}"
    postings = _moved(money, (user(owner), acquirer(provider)))
    return Booking(key, Act.DOUBLE_RECEIVED, money, postings, invoice, owner, provider, transaction)


def double_returned(provider: str, transaction: str, owner: int, money: Money, invoice: UUID) -> Booking:
    """What was paid twice, or a part of it, went back."""
    key = f"double_returned:{provider}:{transaction}"
    postings = _moved(money, (acquirer(provider), user(owner)))
    return Booking(key, Act.DOUBLE_RETURNED, money, postings, invoice, owner, provider, transaction)


def stray_received(provider: str, transaction: str, money: Money, invoice: UUID | None = None) -> Booking:
    """An acquirer has taken money that fits no invoice: another amount, another account, no such invoice."""
    key = f"stray_received:{provider}:{transaction}"
    postings = _moved(money, (SUSPENSE, acquirer(provider)))
    return Booking(key, Act.STRAY_RECEIVED, money, postings, invoice, None, provider, transaction)


def stray_returned(provider: str, transaction: str, money: Money, invoice: UUID | None = None) -> Booking:
    """Such money went back."""
    key = f"stray_returned:{provider}:{transaction}"
    postings = _moved(money, (acquirer(provider), SUSPENSE))
    return Booking(key, Act.STRAY_RETURNED, money, postings, invoice, None, provider, transaction)


def fee(provider: str, statement: str, money: Money) -> Booking:
    """An acquirer has kept its fee, as a line of its statement says."""
    key = f"fee:{provider}:{statement}"
    postings = _moved(money, (acquirer(provider), fees(provider)))
    return Booking(key, Act.FEE, money, postings, None, None, provider, statement)
