"""An acquirer's list and ours, compared: every amount that was taken or given back must stand in both."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from .acquiring import State, Transaction
from .money import Currency, Money

DifferenceKind = Literal["missing_here", "missing_there", "other_amount", "total"]


@dataclass(frozen=True, slots=True)
class Ours:
    """What we hold for taken, or (`refund`) given back; `at` by the acquirer's clock, epoch seconds."""

    transaction: str
    refund: bool
    money: Money
    at: float
    invoice: UUID | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """What does not agree, in minor units: of one transaction, or of the sum of a currency."""

    kind: DifferenceKind
    transaction: str
    currency: Currency
    ours: int | None = None
    theirs: int | None = None


def moving(listed: Iterable[Transaction]) -> list[Transaction]:
    """Of a list, what moved money."""
    return [each for each in listed if each.state in (State.PAID, State.REFUNDED)]


def compare(
    listed: Sequence[Transaction], ours: Sequence[Ours], since: float, until: float
) -> list[Difference]:
    """What differs by transaction, in both directions.

    `ours` may hold more than the time (whatever was listed): an acquirer may file a transaction by another of its
    moments than the one it told us.
    """
    theirs = {(each.id, each.state is State.REFUNDED): each.money for each in moving(listed)}
    held = {(each.transaction, each.refund): each for each in ours}
    found: list[Difference] = []
    for (number, refund), money in theirs.items():
        mine = held.get((number, refund))
        if mine is None:
            found.append(Difference("missing_here", number, money.currency, None, money.minor))
        elif mine.money != money:
            found.append(Difference("other_amount", number, money.currency, mine.money.minor, money.minor))
    for each in ours:
        if since <= each.at < until and (each.transaction, each.refund) not in theirs:
            found.append(
                Difference("missing_there", each.transaction, each.money.currency, each.money.minor, None)
            )
    return found


def totals(listed: Iterable[Transaction], booked: Mapping[Currency, int], span: str) -> list[Difference]:
    """What the listed transactions come to, against what the books hold of them at this acquirer."""
    sums: dict[Currency, int] = defaultdict(int)
    for each in moving(listed):
        sums[each.money.currency] += each.money.minor * (-1 if each.state is State.REFUNDED else 1)
    return [
        Difference("total", span, currency, booked.get(currency, 0), sums[currency])
        for currency in sorted({*sums, *booked})
        if booked.get(currency, 0) != sums[currency]
    ]
