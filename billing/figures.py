"""What the business comes to: recurring revenue, churn, conversion, what a payer is worth. Pure; minor units.

A payer is somebody who has paid at least once and whose access runs, the grace included; who pauses is none
meanwhile. Definitions follow those of Stripe's billing metrics (docs.stripe.com, billing/subscriptions/analytics/
glossary), but for the month: ours has 30 days, as plans do. A month that was given away keeps the price of the
last payment, since that is what the next one will cost.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from .access import DAY_S
from .money import Currency, Money

MONTH_S = 30 * DAY_S


class Month(NamedTuple):
    """A month: `2026-11`, from `begins` to before `ends` (epoch seconds); the running one ends now."""

    name: str
    begins: float
    ends: float


class Priced(NamedTuple):
    """So many payers whose last payment was `minor` for `period_s` seconds of a plan."""

    plan: str
    currency: Currency
    minor: int
    period_s: float
    payers: int


@dataclass(frozen=True, slots=True)
class Recurring:
    """What a plan brings in 30 days."""

    plan: str
    currency: Currency
    payers: int
    minor: int


@dataclass(frozen=True, slots=True)
class Moves:
    """How the payers of one currency came and went in a month. `at_start` of them were payers when it began,
    `churned` of those were none any more when it ended. `new` pay for the first time, `reactivated` after their
    access had ended; `renewed` are all other payments."""

    month: str
    currency: Currency
    at_start: int = 0
    new: int = 0
    renewed: int = 0
    reactivated: int = 0
    churned: int = 0

    @property
    def churn(self) -> float | None:
        """Which share left: churned / payers at the start. Who came and left within the month is in neither."""
        return share(self.churned, self.at_start)


@dataclass(frozen=True, slots=True)
class Trials:
    """Who began with free days in a month, who of them has paid by now, and whose free days still run."""

    month: str
    begun: int
    converted: int
    running: int

    @property
    def conversion(self) -> float | None:
        """Of those that are over, the share that has paid; early payers count as over."""
        return share(self.converted, self.begun - self.running)


@dataclass(frozen=True, slots=True)
class Worth:
    """What one currency comes to now: `mrr` of all payers, `arpu` of one in 30 days, `ltv` of one in all."""

    currency: Currency
    payers: int
    mrr: int
    arpu: int | None
    churn: float | None
    ltv: int | None


def months(now: float, zone: str, count: int) -> list[Month]:
    """The last `count` months as that zone has them, the running one at the end."""
    here = ZoneInfo(zone)
    first = datetime.fromtimestamp(now, UTC).astimezone(here)
    number = first.year * 12 + first.month - 1

    def start(of: int) -> datetime:
        return datetime(of // 12, of % 12 + 1, 1, tzinfo=here)

    return [
        Month(start(of).strftime("%Y-%m"), start(of).timestamp(), min(start(of + 1).timestamp(), now))
        for of in range(number - count + 1, number + 1)
    ]


def recurring(priced: Iterable[Priced]) -> list[Recurring]:
    """MRR by plan and currency: each payer's last price for 30 days, half a minor unit rounded up."""
    payers: dict[tuple[str, Currency], int] = defaultdict(int)
    minor: dict[tuple[str, Currency], int] = defaultdict(int)
    for each in priced:
        key = each.plan, each.currency
        payers[key] += each.payers
        month = Money(each.minor, each.currency).share(int(MONTH_S), max(1, int(each.period_s)))
        minor[key] += each.payers * month.minor
    return [Recurring(*key, payers[key], minor[key]) for key in sorted(payers)]


def worth(now: Sequence[Recurring], moves: Sequence[Moves]) -> list[Worth]:
    """By currency. The churn is that of all `moves` together, which should be whole months."""
    found = []
    for currency in sorted({each.currency for each in now}):
        payers = sum(each.payers for each in now if each.currency is currency)
        mrr = sum(each.minor for each in now if each.currency is currency)
        own = [each for each in moves if each.currency is currency]
        churn = share(sum(each.churned for each in own), sum(each.at_start for each in own))
        per_payer = arpu(mrr, payers)
        found.append(Worth(currency, payers, mrr, per_payer, churn, ltv(per_payer, churn)))
    return found


def arpu(mrr: int, payers: int) -> int | None:
    """Average revenue per payer in 30 days: MRR / payers."""
    return None if payers == 0 else round(mrr / payers)


def ltv(arpu_minor: int | None, churn: float | None) -> int | None:
    """What a payer brings until he leaves, an estimate: ARPU / monthly churn.

    A constant churn c makes a mean stay of 1/c months (D. Skok, "SaaS Metrics 2.0 - Detailed Definitions",
    forentrepreneurs.com/saas-metrics-2-definitions-2: LTV = ARPA x gross margin / churn). The margin is taken
    for 1, since the books know no costs but fees: this is revenue, not profit. None while nobody has left.
    """
    return None if arpu_minor is None or not churn else round(arpu_minor / churn)


def share(part: int, whole: int) -> float | None:
    """A part of a whole; None of nothing."""
    return None if whole <= 0 else part / whole
