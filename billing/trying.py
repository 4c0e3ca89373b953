"""What becomes of an attempt whose answer was lost: it is looked for before anything is sent again.

Acquirers keep the answer to a request id for an hour (CloudPayments: X-Request-ID; Stripe keeps idempotency keys
for a day), so the same id is sent again for 50 minutes at most. Later it could be a second charge.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from .acquiring import State, Transaction
from .money import Money

RESEND_S = 50 * 60.0
# A call takes seconds. An attempt that is still "started" after so long lost its worker.
ABANDONED_S = 120.0
GIVE_UP_S = 24 * 3600.0  # and the reconciliation finds what comes later
CLOCKS_S = 300.0  # by which an acquirer's clock may be behind ours
WAITS_S = (5.0, 15.0, 60.0, 180.0, 600.0, 1800.0)

_MONEY = frozenset({State.PAID, State.HELD})


class Step(Enum):
    """What to do with an attempt of which nothing was found."""

    RESEND = "resend"
    LOOK_AGAIN = "look_again"
    GIVE_UP = "give_up"


@dataclass(frozen=True, slots=True)
class Found:
    """The attempt's own transaction, if one was found, and else what to do."""

    transaction: Transaction | None
    step: Step


def step(age_s: float) -> Step:
    """By the time since the attempt was written down."""
    if age_s < RESEND_S:
        return Step.RESEND
    return Step.LOOK_AGAIN if age_s < GIVE_UP_S else Step.GIVE_UP


def wait_s(looks: int) -> float:
    """Seconds until the next look, after so many."""
    return WAITS_S[min(looks, len(WAITS_S) - 1)]


def charge(found: Sequence[Transaction], others: Iterable[str], began: float, now: float) -> Found:
    """What of an invoice's transactions is this charge's. `others` are those of other attempts, `began` when the
    attempt was written down (epoch seconds)."""
    known = frozenset(others)
    own = [
        transaction
        for transaction in found
        if transaction.refunds is None and transaction.id not in known and transaction.at >= began - CLOCKS_S
    ]
    taken = next((transaction for transaction in own if transaction.state in _MONEY), None)
    if taken is not None:
        return Found(taken, Step.LOOK_AGAIN)
    if any(transaction.state is State.PENDING for transaction in own):
        return Found(None, Step.LOOK_AGAIN if now - began < GIVE_UP_S else Step.GIVE_UP)
    if own:
        return Found(own[-1], Step.LOOK_AGAIN)
    if any(transaction.state in _MONEY for transaction in found):
        return Found(None, Step.GIVE_UP)  # paid another way: it must not be sent again
    return Found(None, step(now - began))


def refund(
    found: Sequence[Transaction], others: Iterable[str], payment: str, money: Money, began: float, now: float
) -> Found:
    """What of an invoice's transactions is this refund's; `others` are those of other refunds."""
    known = frozenset(others)
    for transaction in found:
        of_it = transaction.state is State.REFUNDED and transaction.refunds == payment
        if of_it and transaction.money == money and transaction.id not in known:
            return Found(transaction, Step.LOOK_AGAIN)
    return Found(None, step(now - began))
