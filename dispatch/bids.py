"""One driver's haggling over one load as a state machine, and the judgement on a pick. Pure.

(nothing) -> live <-> countered -> accepted | declined | withdrawn | expired | outdated | lost

A live bid is the driver's word and the shipper may pick it; a countered one waits for the driver, because a
counter-offer replaces what it answers. Each change has a version: whoever takes a bid names the version that
was on the screen, so that nobody agrees to a price they have not seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from .model import Money, Order, Policy, Pricing, Status
from .rounds import GONE, Outcome


class BidStatus(StrEnum):
    """Where a bid stands: two ways to be alive, six ends."""

    LIVE = "live"
    COUNTERED = "countered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    OUTDATED = "outdated"  # the load was edited
    LOST = "lost"  # the load went to somebody else, or away


ALIVE = frozenset({BidStatus.LIVE, BidStatus.COUNTERED})


class Act(StrEnum):
    """What can be done to a bid."""

    CHANGE = "change"  # the driver: other terms, also as the answer to a counter-offer
    COUNTER = "counter"  # the shipper: another price
    PICK = "pick"  # the shipper takes the bid
    ACCEPT = "accept"  # the driver takes the counter-offer
    DECLINE = "decline"  # the shipper
    WITHDRAW = "withdraw"  # the driver
    EXPIRE = "expire"  # the clock
    OUTDATE = "outdate"  # an edit of the load
    LOSE = "lose"  # the end of the load, or somebody else's win


_L, _C = BidStatus.LIVE, BidStatus.COUNTERED
# What is not here is not possible; a bid that has ended stays as it ended.
AFTER: Mapping[tuple[BidStatus, Act], BidStatus] = MappingProxyType(
    {
        (_L, Act.CHANGE): _L,
        (_C, Act.CHANGE): _L,
        (_L, Act.COUNTER): _C,
        (_C, Act.COUNTER): _C,
        (_L, Act.PICK): BidStatus.ACCEPTED,
        (_C, Act.ACCEPT): BidStatus.ACCEPTED,
        **{(alive, Act.DECLINE): BidStatus.DECLINED for alive in (_L, _C)},
        **{(alive, Act.WITHDRAW): BidStatus.WITHDRAWN for alive in (_L, _C)},
        **{(alive, Act.EXPIRE): BidStatus.EXPIRED for alive in (_L, _C)},
        **{(alive, Act.OUTDATE): BidStatus.OUTDATED for alive in (_L, _C)},
        **{(alive, Act.LOSE): BidStatus.LOST for alive in (_L, _C)},
    }
)

# Words, so that "why do we lose loads" can be counted.
DECLINE_REASONS = ("price", "late", "vehicle", "rating", "other_driver", "not_needed", "other")
LOST_REASONS = ("taken", "cancelled", "expired", "busy")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a driver offers: minor units, good for `valid_s`; epoch seconds."""

    amount: int
    valid_s: float
    message: str = ""
    eta_at: float | None = None  # at the pickup
    available_from: float | None = None  # not before; needed from a driver who is still on a haul


@dataclass(frozen=True, slots=True)
class Bid:
    """A bid as it stands. `seen_at`: when the side that must answer saw the present version."""

    id: int
    order: int
    shipper: int
    driver: int
    status: BidStatus
    version: int
    order_version: int
    price: Money
    message: str
    eta_at: float | None
    available_from: float | None
    counter: Money | None
    counter_message: str
    outbid: bool
    reason: str
    made_at: float
    changed_at: float
    expires_at: float
    seen_at: float | None
    ended_at: float | None

    @property
    def asked(self) -> Money:
        """The price that a yes would agree to: the counter-offer's while there is one."""
        return self.counter if self.status is BidStatus.COUNTERED and self.counter else self.price


class BidVersion(NamedTuple):
    """One change of a bid: whose word, for how much, until when."""

    version: int
    side: str
    price: Money
    message: str
    eta_at: float | None
    available_from: float | None
    expires_at: float
    at: float


@dataclass(frozen=True, slots=True)
class Bidder:
    """What a shipper may know of a driver before the load is his: no phone, no place.

    `reliability`: delivered hauls as a share of those delivered or called off by the driver, of the last half
    year; None before the first. `papers`: which documents are verified.
    """

    driver: int
    name: str
    rating: float | None
    ratings: int
    hauls: int
    reliability: float | None
    body: str | None
    capacity_kg: float | None
    volume_m3: float | None
    papers: tuple[str, ...] = ()


def why_not_bid(
    order: Order, terms: Terms, seen_version: int | None, now: float, policy: Policy
) -> str | None:
    """The code that refuses a bid on this load, whoever bids; None when it may stand.

    `seen_version` is the version of the load that the driver looked at, None for whatever it is now.
    """
    if order.status in GONE or (order.status is Status.OPEN and now >= order.stands_until):
        return "order_closed"
    if order.status is not Status.OPEN:
        return "offer_taken"
    if order.terms.pricing is Pricing.FIXED:
        return "bids_refused"
    if seen_version is not None and seen_version != order.version:
        return "version_stale"
    if not sane(terms.amount, order.price, policy):
        return "bid_out_of_range"
    return None


def sane(amount: int, guide: Money, policy: Policy) -> bool:
    """Whether a price has the size of the guide price; beyond that it is a slip of the finger."""
    low, high = bounds(guide, policy)
    return low <= amount <= high


def bounds(guide: Money, policy: Policy) -> tuple[int, int]:
    """The lowest and the highest sane price, minor units."""
    low, high = policy.bid_range
    return max(1, round(guide.amount * low)), round(guide.amount * high)


class BidStanding(NamedTuple):
    """The bid as it stands under the order's lock."""

    status: BidStatus
    version: int
    expires_at: float
    current: bool  # of the load's present version, and neither side has hidden from the other


_ENDED = {
    BidStatus.ACCEPTED: Outcome.BID_CLOSED,  # won under another accept_id: a load is won once
    BidStatus.DECLINED: Outcome.BID_CLOSED,
    BidStatus.WITHDRAWN: Outcome.BID_CLOSED,
    BidStatus.OUTDATED: Outcome.BID_CLOSED,
    BidStatus.EXPIRED: Outcome.BID_EXPIRED,
    BidStatus.LOST: Outcome.TAKEN,
}


def judge_bid(order_status: Status, bid: BidStanding, act: Act, seen: int, now: float) -> Outcome:
    """Whether a pick, or the accept of a counter-offer, wins at `now` (the database's clock).

    As `rounds.judge`: a load that is gone first, then how the bid ended, then what became of the load. `seen`
    is the version of the bid that the caller agrees to.
    """
    if order_status in GONE:
        return Outcome.ORDER_CLOSED
    if bid.status not in ALIVE:
        return _ENDED[bid.status]
    if order_status is not Status.OPEN:
        return Outcome.TAKEN
    if now >= bid.expires_at:
        return Outcome.BID_EXPIRED
    if not bid.current:
        return Outcome.BID_CLOSED
    if bid.version != seen:
        return Outcome.BID_CHANGED
    if (bid.status, act) not in AFTER:
        return Outcome.BID_TURN
    return Outcome.WON


def to_shipper(outcome: Outcome) -> Outcome:
    """What a shipper is told of a driver who cannot take the load: not why. That is the driver's own affair."""
    return Outcome.DRIVER_UNAVAILABLE if outcome in _OF_THE_DRIVER else outcome


_OF_THE_DRIVER = frozenset(
    {Outcome.SUBSCRIPTION, Outcome.NO_VEHICLE, Outcome.UNFIT, Outcome.BUSY, Outcome.FORBIDDEN}
)
