"""The span of prices around a quote: what hauls on this lane were agreed at, else what the trade says."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from .model import Money
from .pricing import Tariff

# reference/freight-facts.md 4.4: lognormal, 5-95 % at 270-550 around a median of 380 KZT/km. An assumption there.
SPREAD = (270.0 / 380.0, 550.0 / 380.0)
FEWEST = 10  # finished hauls that make a lane's own percentiles
DAYS = 90.0
_LOW, _MIDDLE, _HIGH = 0.05, 0.5, 0.95


class Haulage(NamedTuple):
    """A finished haul on a lane: its agreed price in minor units and what the tariff needs to price it anew."""

    price: int
    distance_m: float
    weight_kg: float
    volume_m3: float
    body: str
    kind: str = "general"


class PriceRange(NamedTuple):
    """One haul in twenty goes below `low`, one above `high`. `hauls`: how many the percentiles rest on."""

    low: Money
    typical: Money
    high: Money
    origin: str  # tariff | lane
    hauls: int


def price_range(
    quoted: Money, history: Sequence[Haulage], tariff: Tariff, anew: Callable[[Haulage], Money]
) -> PriceRange:
    """The range around a price. Hauls of all weights and bodies count, each against what `anew` prices it at
    today; the tariff says how amounts are rounded."""
    ratios = sorted(haul.price / anew(haul).amount for haul in history)
    if len(ratios) < FEWEST:
        return PriceRange(
            _times(quoted, SPREAD[0], tariff), quoted, _times(quoted, SPREAD[1], tariff), "tariff", 0
        )
    low, middle, high = (_quantile(ratios, share) for share in (_LOW, _MIDDLE, _HIGH))
    return PriceRange(
        _times(quoted, low, tariff),
        _times(quoted, middle, tariff),
        _times(quoted, high, tariff),
        "lane",
        len(ratios),
    )


def _times(amount: Money, factor: float, tariff: Tariff) -> Money:
    step = tariff.rounding * tariff.minor_units
    return Money(round(max(1, round(amount.amount * factor / step)) * step), amount.currency)


def _quantile(ordered: Sequence[float], share: float) -> float:
    at = share * (len(ordered) - 1)
    below = int(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (at - below)
