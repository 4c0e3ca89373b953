"""What is sold: plans in versions, each with prices by region and currency. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .access import DAY_S
from .money import Currency, Money

# A price for every region that has none of its own.
ANYWHERE = ""
# The users of a country pay in its money where a plan has a price in it.
HOME: Mapping[str, Currency] = {"KZ": Currency.KZT, "RU": Currency.RUB, "CN": Currency.CNY}


@dataclass(frozen=True, slots=True)
class Price:
    """What one period costs users of a region (ISO 3166-1 alpha-2, or ANYWHERE)."""

    region: str
    money: Money


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """One version of a plan. `days` are what one payment buys; `trial_days` come before the first payment,
    `grace_days` after a renewal that failed. `names` by language; epoch seconds."""

    plan: str
    version: int
    role: str
    days: int
    trial_days: int
    grace_days: int
    prices: tuple[Price, ...]
    names: Mapping[str, str]
    on_sale: bool
    valid_from: float
    note: str = ""
    set_by: int | None = None
    set_at: float = 0.0

    @property
    def period_s(self) -> float:
        """What one payment buys, seconds."""
        return self.days * DAY_S

    def price(self, region: str, currency: Currency) -> Money | None:
        """What users of this region pay in this currency; None: it is not sold to them in it."""
        found = {each.region: each.money for each in self.prices if each.money.currency is currency}
        return found.get(region, found.get(ANYWHERE))

    def currencies(self, region: str) -> list[Currency]:
        """What users of this region may pay in, the money of their country first."""
        offered = [each for each in Currency if self.price(region, each) is not None]
        return sorted(offered, key=lambda each: each is not HOME.get(region))


def in_force(versions: Iterable[PlanVersion], now: float) -> dict[str, PlanVersion]:
    """Of each plan the newest version that has begun."""
    newest: dict[str, PlanVersion] = {}
    for each in versions:
        known = newest.get(each.plan)
        if each.valid_from <= now and (known is None or each.version > known.version):
            newest[each.plan] = each
    return newest


def doubled(prices: Sequence[Price]) -> Price | None:
    """A price that has another one for its region and currency, if there is one."""
    seen: set[tuple[str, Currency]] = set()
    for each in prices:
        key = each.region, each.money.currency
        if key in seen:
            return each
        seen.add(key)
    return None
