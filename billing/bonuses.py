"""Two more rewards: a price that stays, and a month for who is rated well. What is given and what is missing, so
that it can be told. Pure; epoch seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from .access import DAY_S, Access
from .money import Money

# -- the price of the trial ---------------------------------------------------------------------------------


class LockState(StrEnum):
    """Of the price that somebody pays for a plan."""

    NONE = "none"  # nothing was paid in the trial
    OPEN = "open"  # the trial runs: the price of now stays for who pays now
    HELD = "held"
    LAPSED = "lapsed"  # the subscription was not continued


@dataclass(frozen=True, slots=True)
class PriceLock:
    """What somebody pays for a plan now, and why. `until`: paying by then keeps the price; None where there is
    no such moment."""

    state: LockState
    price: Money
    until: float | None = None


def goes_on(access: Access, now: float, grace_s: float) -> bool:
    """Whether a subscription that is paid now continues what there was; a pause is no end."""
    return access.left_s is not None or now <= access.until + grace_s


def price_lock(locked: Money | None, tariff: Money, access: Access, now: float, grace_s: float) -> PriceLock:
    """The price of a plan for somebody: `locked` is what was paid for it in the trial, in the tariff's currency.
    No rise of the tariff raises it; where the tariff has fallen below it, everybody pays that."""
    if locked is None or locked.currency is not tariff.currency:
        trial = access.trial and access.entitled(now)
        return PriceLock(LockState.OPEN, tariff, access.until) if trial else PriceLock(LockState.NONE, tariff)
    if not goes_on(access, now, grace_s):
        return PriceLock(LockState.LAPSED, tariff)
    until = None if access.left_s is not None else access.until + grace_s
    return PriceLock(LockState.HELD, min(locked, tariff), until)


# -- the month for a rating ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RatingTerms:
    """A mean of `least_hundredths` (480 is 4.8 stars) over `least_orders` or more gives `reward_s`, at most once
    in `period_s`."""

    least_hundredths: int = 480
    least_orders: int = 10
    period_s: float = 90 * DAY_S
    reward_s: float = 30 * DAY_S


class Lack(StrEnum):
    """What is missing for the month."""

    ORDERS = "orders"  # so many more rated orders
    RATING = "rating"  # the mean is so many hundredths
    TIME = "time"  # it was given lately: not before this moment


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that is missing: how much there is of how much, in the units of its kind."""

    lack: Lack
    has: float
    needs: float


@dataclass(frozen=True, slots=True)
class RatingBonus:
    """Where a driver stands. `cause`: what the ledger is to know the grant by, when nothing is missing."""

    cause: str | None
    seconds: float
    missing: tuple[Missing, ...] = ()


def rating_bonus(
    stars: tuple[int, int, int, int, int], given: Sequence[float], terms: RatingTerms, now: float
) -> RatingBonus:
    """Whether a driver gets the month now. `stars`: how often one to five were given; `given`: when he got it
    before. Integers decide: 4.796 is no 4.8. The cause counts the grants, so that of two workers who reckon at
    once one writes it."""
    count, total = sum(stars), sum(each * often for each, often in enumerate(stars, 1))
    missing = []
    if count < terms.least_orders:
        missing.append(Missing(Lack.ORDERS, count, terms.least_orders))
    if total * 100 < terms.least_hundredths * count or not count:
        missing.append(Missing(Lack.RATING, total * 100 // count if count else 0, terms.least_hundredths))
    if given and now < max(given) + terms.period_s:
        missing.append(Missing(Lack.TIME, now, max(given) + terms.period_s))
    cause = None if missing else f"rating:{len(given) + 1}"
    return RatingBonus(cause, terms.reward_s, tuple(missing))
