"""Amounts of money: integers of minor units and a currency, never a float."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Currency(StrEnum):
    """ISO 4217 codes of what plans may be sold in; all of them have two decimals (ISO 4217, list one)."""

    KZT = "KZT"
    RUB = "RUB"
    USD = "USD"
    CNY = "CNY"


DECIMALS = 2


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in minor units (tiyn, kopecks, cents, fen)."""

    minor: int
    currency: Currency

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def share(self, part: int, whole: int) -> "Money":
        """`part` of `whole` of it, half a minor unit rounded up."""
        return Money((2 * self.minor * part + whole) // (2 * whole), self.currency)

    def decimal(self) -> str:
        """As acquirers and people write it: `1990.00`."""
        return str(Decimal(self.minor).scaleb(-DECIMALS).quantize(Decimal(1).scaleb(-DECIMALS)))

    def _same(self, other: "Money") -> None:
        if other.currency is not self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add up")


def read_decimal(text: str, currency: Currency) -> Money:
    """The inverse of `decimal`; ValueError for what is no amount or has a part of a minor unit."""
    try:
        amount = Decimal(text)
    except ArithmeticError:
        raise ValueError(f"not an amount: {text!r}") from None
    minor = amount.scaleb(DECIMALS) if amount.is_finite() else Decimal("0.5")
    if minor != minor.to_integral_value() or abs(minor) > 10**15:
        raise ValueError(f"not an amount: {text!r}")
    return Money(int(minor), currency)
