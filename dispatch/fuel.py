"""The price of diesel by country and region."""

from collections.abc import Iterable
from typing import NamedTuple

CURRENCY = "KZT"
ANY_REGION = ""


class FuelPrice(NamedTuple):
    """Tiyn a litre of diesel (abroad: the price at the pump, in tenge) from `valid_from` (epoch seconds) on.

    `region`: GeoNames code, empty for the whole country. `origin`: default (this file) or staff.
    """

    country: str
    region: str
    amount: int
    valid_from: float
    origin: str


# Round figures of 2026 out of the press and exchange rates, assumed; staff set the real ones.
DEFAULTS = tuple(
    FuelPrice(country, ANY_REGION, tenge * 100, 0.0, "default")
    for country, tenge in (
        ("KZ", 330),
        ("RU", 490),
        ("KG", 450),
        ("UZ", 510),
        ("CN", 500),
        ("TJ", 600),
        ("TM", 300),
        ("MN", 500),
    )
)


class FuelPrices:
    """The prices in force: a region's own before its country's, a country without one takes Kazakhstan's."""

    def __init__(self, set_by_staff: Iterable[FuelPrice] = ()) -> None:
        self._prices = {(price.country, price.region): price for price in DEFAULTS}
        self._prices |= {(price.country, price.region): price for price in set_by_staff}

    def price(self, country: str, region: str) -> FuelPrice:
        """The price for a piece of road there."""
        for key in ((country, region), (country, ANY_REGION), ("KZ", ANY_REGION)):
            if key in self._prices:
                return self._prices[key]
        raise LookupError("the defaults have Kazakhstan")

    @property
    def all(self) -> list[FuelPrice]:
        """Every price, by country and region."""
        return [self._prices[key] for key in sorted(self._prices)]
