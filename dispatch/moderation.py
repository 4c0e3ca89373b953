"""Whether a load may go out at once, or a person should look at it first. Pure rules, each with its code.

Ordinary loads pass, also the first one of a new account: a market that makes honest people wait is empty. What
is stopped is stopped for a reason that the shipper is told.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from .model import Money, NewOrder
from .orders_rules import ADR_PAPERS
from .suspicious_text import contacts_in, forbidden_in

DAY_S = 86_400.0


class Ground(StrEnum):
    """Why a load is looked at."""

    CONTACTS = "contacts"  # a phone, link or messenger in text that everybody reads
    FORBIDDEN = "forbidden"  # goods that may not be carried
    PRICE_LOW = "price_low"
    PRICE_HIGH = "price_high"
    ADR_PAPERS = "adr_papers"  # dangerous goods without a paper that says what they are
    REJECTED_BEFORE = "rejected_before"
    NEW_ACCOUNT = "new_account"
    DUPLICATE = "duplicate"  # somebody else has posted the same


# These do not stop a load: staff see them while it is on the board.
FLAGS = frozenset({Ground.DUPLICATE})
# A shipper with a good record may do all but this.
NEVER_WAIVED = frozenset({Ground.FORBIDDEN})


@dataclass(frozen=True, slots=True)
class Moderation:
    """How strict the desk is. Money in minor units."""

    first_loads: int = 0  # of a new account that wait for staff; 0: none by itself
    price_low: float = 0.15  # of the suggestion: light and bulky loads do go for a fifth of it
    price_high: float = 6.0
    price_slack: int = 10_000_000  # 100,000 KZT: a small haul may well cost five times its small suggestion
    trusted_after: int = 10  # loads delivered, and none turned down lately
    remember_s: float = 90 * DAY_S  # a rejection
    rejections: int = (
        2  # so many remembered ones, and every load of the shipper is looked at: one is a mishap
    )
    alike_s: float = DAY_S  # how long after one load another is taken for the same
    alike_share: float = 0.02  # weights that differ by less are the same
    sla_s: float = 2 * 3600.0  # a load should be judged by then
    appeal_sla_s: float = DAY_S
    claim_s: float = 900.0  # after that another moderator may take the case over


class Facts(NamedTuple):
    """What the database knows about a load to be posted. `own`, `other`: open orders that look the same."""

    own: int | None = None
    other: int | None = None
    rejected_before: bool = False


class Record(NamedTuple):
    """A shipper's past: loads posted, loads delivered, and whether one was turned down lately.

    The two numbers are counted no further than the policy asks."""

    posted: int
    delivered: int
    rejected: bool


class Moderator(NamedTuple):
    """Who of the staff decides. `senior` may also decide what they have decided before."""

    user: int
    senior: bool = False


def grounds(order: NewOrder, suggestion: Money, facts: Facts, policy: Moderation) -> tuple[Ground, ...]:
    """Every suspicion, in the order of the catalogue."""
    text = f"{order.load.cargo}\n{order.terms.comment}"
    price, usual = order.price.amount, suggestion.amount
    far = abs(price - usual) > policy.price_slack
    found = {
        Ground.CONTACTS: contacts_in(text) is not None,
        Ground.FORBIDDEN: forbidden_in(text) is not None,
        Ground.PRICE_LOW: far and price < usual * policy.price_low,
        Ground.PRICE_HIGH: far and price > usual * policy.price_high,
        Ground.ADR_PAPERS: order.load.adr is not None and ADR_PAPERS.isdisjoint(order.load.documents),
        Ground.REJECTED_BEFORE: facts.rejected_before,
        Ground.DUPLICATE: facts.other is not None,
    }
    return tuple(ground for ground, holds in found.items() if holds)


def needs_record(found: tuple[Ground, ...], policy: Moderation) -> bool:
    """Whether the shipper's past decides: ordinary loads are not kept waiting for it."""
    return policy.first_loads > 0 or bool(set(found) - FLAGS - NEVER_WAIVED)


def weighed(found: tuple[Ground, ...], record: Record, policy: Moderation) -> tuple[Ground, ...]:
    """The suspicions that are left when the shipper's record is known."""
    if record.delivered >= policy.trusted_after and not record.rejected:
        return tuple(ground for ground in found if ground in NEVER_WAIVED)
    if record.posted < policy.first_loads:
        return (*found, Ground.NEW_ACCOUNT)
    return found


def holds(found: tuple[Ground, ...]) -> bool:
    """Whether the load waits for staff."""
    return not FLAGS.issuperset(found)
