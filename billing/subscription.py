"""What a user has agreed to pay for, where that stands, and what is due next. Pure; epoch seconds.

none --trial--> trial --pay--> active --renewal fails--> past_due --grace is over--> expired
                  |              |  ^--------- pay ---------'            '--- pay ---> active
                  '-- ends ------+--> cancelled (runs to the end of what was paid) --> expired
                                 '--> paused --> active
"""

from dataclasses import dataclass
from enum import StrEnum

from .access import DAY_S, Access
from .money import Currency, Money

# Days from the end of what was paid at which a card is charged: the first try comes before the end, so that a card
# that has expired can be replaced without a gap; the last lies within any sensible grace.
TRIES_DAYS = (-1.0, 0.0, 2.0, 5.0)
# A try that was made late does not make the next one follow at once.
BETWEEN_S = 12 * 3600.0
# Who must act by himself is told so long before the end.
ENDING_S = 3 * DAY_S
PAUSE_DAYS = (7, 60)  # the shortest and, all of a year together, the longest


class State(StrEnum):
    """Of a subscription."""

    NONE = "none"
    TRIAL = "trial"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Subscription:
    """The agreement. `failures` are the renewals that failed since the last payment, `failed_at` the last of them;
    `charging`: one is being made, and its outcome not known. `hopeless`: this card will never pay. `warned_to` and
    `ended_to` are the ends of access that the user was told of, before and after."""

    plan: str
    region: str
    currency: Currency
    renews: bool
    card: int | None = None
    charging: bool = False
    failures: int = 0
    failed_at: float | None = None
    hopeless: bool = False
    warned_to: float | None = None
    ended_to: float | None = None
    paused_until: float | None = None

    @property
    def charges(self) -> bool:
        """Whether money will be asked for without the user."""
        return self.renews and self.card is not None and not self.hopeless and self.failures < len(TRIES_DAYS)


class Step(StrEnum):
    """What the clock does to a subscription."""

    WARN = "warn"  # the end is near, and nothing will renew it
    CHARGE = "charge"
    GRACE = "grace"  # the paid time is over, a renewal still being tried
    RESUME = "resume"
    EXPIRE = "expire"


@dataclass(frozen=True, slots=True)
class Due:
    """A step and when."""

    step: Step
    at: float


def state(held: Subscription | None, access: Access, now: float) -> State:
    """Where it stands: from the ledger of access and the agreement, nothing else."""
    if access.left_s is not None:
        return State.PAUSED
    if not access.entitled(now):
        return State.EXPIRED if access.until > 0.0 else State.NONE
    if now >= access.paid_to:
        return State.PAST_DUE
    if held is not None and not held.renews and not access.trial:
        return State.CANCELLED
    return State.TRIAL if access.trial else State.ACTIVE


def due(held: Subscription, access: Access, grace_days: int) -> Due | None:
    """What comes next, and when; None: nothing, until the user or a payment changes something."""
    if access.left_s is not None:
        return None if held.paused_until is None else Due(Step.RESUME, held.paused_until)
    if held.charges or held.charging:
        asked = access.paid_to if held.charging else _next_try(held, access)
        # Who is still being asked for money keeps working for the grace.
        if asked >= access.paid_to and access.until <= access.paid_to and grace_days > 0:
            return Due(Step.GRACE, access.paid_to)
        return None if held.charging else Due(Step.CHARGE, asked)
    if held.warned_to != access.until:
        return Due(Step.WARN, access.until - ENDING_S)
    return None if held.ended_to == access.until else Due(Step.EXPIRE, access.until)


def _next_try(held: Subscription, access: Access) -> float:
    planned = access.paid_to + TRIES_DAYS[held.failures] * DAY_S
    return planned if held.failed_at is None else max(planned, held.failed_at + BETWEEN_S)


def credit(access: Access, paid: Money, period_s: float, now: float) -> tuple[Money, float]:
    """What the rest of a running period is still worth, and that rest in seconds: for who changes to a dearer
    plan. Nothing in a trial."""
    rest = max(0.0, access.paid_to - now)
    if access.trial or access.left_s is not None:
        return Money(0, paid.currency), rest
    return paid.share(int(min(rest, period_s)), int(period_s)), rest


def may_pause(days: int, paused_this_year: float, current: State) -> bool:
    """Whether a pause of these days is granted; `paused_this_year` in days."""
    return current is State.ACTIVE and days >= PAUSE_DAYS[0] and paused_this_year + days <= PAUSE_DAYS[1]
