"""One order's search for a driver, and the judgement on an accept. Pure: the store applies what is said here.

open -> wave 1 -> wave 2 -> wave 3 -> board        a wave nobody is eligible for is passed over at once;
         |  timer, or every offer has ended        the board is open to every subscribed driver

An order that finds nobody at all looks again for some seconds before it goes to the board.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from .matching import fits
from .model import Load, OfferStatus, Policy, Pricing, Status, Vehicle


class Wave(NamedTuple):
    """One circle of offers: its number from 1, how far out, and how many nearest drivers are looked at."""

    number: int
    radius_m: float
    nearby: int


@dataclass(frozen=True, slots=True)
class Search:
    """How far it has come: the last wave sent, when to look again (None: not), since when on the board."""

    wave: int = 0
    seek_at: float | None = None
    board_at: float | None = None


def waves_left(search: Search, policy: Policy) -> list[Wave]:
    """The waves still to send, narrowest first; empty when the board is next."""
    return [
        Wave(number, radius_m, policy.nearby * policy.nearby_growth ** (number - 1))
        for number, radius_m in enumerate(policy.wave_radii_m, start=1)
        if number > search.wave
    ]


def after_wave(search: Search, wave: Wave, now: float, policy: Policy) -> Search:
    """Offers of this wave are out: look again when its interval is over."""
    return Search(wave.number, now + policy.wave_interval_s, search.board_at)


def after_nobody(search: Search, age_s: float, now: float, policy: Policy) -> Search:
    """No eligible driver in any wave that is left, for an order posted `age_s` ago: look again soon, or the board.

    A truck that reports in the same moment is searchable a tick later; one that frees itself a minute later finds
    the load on the board. An order that has had its offers goes to the board at once.
    """
    if search.wave == 0 and age_s < policy.patience_s:
        return Search(search.wave, now + policy.look_again_s, search.board_at)
    return on_board(search, now)


def after_end(search: Search, live_offers: int, now: float) -> Search:
    """An offer ended without a winner: when it was the last live one, waiting for the timer helps nobody."""
    if search.seek_at is None or live_offers:
        return search
    return Search(search.wave, min(now, search.seek_at), search.board_at)


def on_board(search: Search, now: float) -> Search:
    """The waves are spent: no more looking, drivers come by themselves."""
    return Search(search.wave, None, now)


class Outcome(StrEnum):
    """The answer to an accept or a pick: won, or the error code that whoever asked is told."""

    WON = "won"
    TAKEN = "offer_taken"
    EXPIRED = "offer_expired"
    CLOSED = "offer_closed"
    ORDER_CLOSED = "order_closed"
    SUBSCRIPTION = "subscription_expired"
    NO_VEHICLE = "vehicle_required"
    UNFIT = "vehicle_unfit"
    BUSY = "driver_busy"
    FORBIDDEN = "forbidden"
    BIDS_ONLY = "bids_only"
    BID_CLOSED = "bid_closed"
    BID_EXPIRED = "bid_expired"
    BID_CHANGED = "bid_changed"
    BID_TURN = "bid_turn"
    DRIVER_UNAVAILABLE = "driver_unavailable"
    COOLING_DOWN = "cooling_down"  # never stored: the same accept may be sent again later


class Standing(NamedTuple):
    """The offer as it stands under the order's lock."""

    status: OfferStatus
    expires_at: float
    # Still for what is on sale: the order was not edited, and neither side has hidden from the other, since.
    current: bool = True


@dataclass(frozen=True, slots=True)
class Acceptor:
    """The driver as he stands under the order's lock."""

    vehicle: Vehicle | None
    subscribed: bool
    busy: bool
    blocked: bool


# Nobody carries such an order (any more): the load is not "taken", it is gone.
GONE = frozenset({Status.DRAFT, Status.MODERATION, Status.CANCELLED, Status.EXPIRED})
_ENDED_OFFER = {
    OfferStatus.LOST: Outcome.TAKEN,
    OfferStatus.EXPIRED: Outcome.EXPIRED,
    OfferStatus.DECLINED: Outcome.CLOSED,
    OfferStatus.WITHDRAWN: Outcome.CLOSED,
    OfferStatus.ACCEPTED: Outcome.CLOSED,  # won under another accept_id: a load is won once
}


def judge(
    order_status: Status, offer: Standing | None, now: float, pricing: Pricing = Pricing.FIXED
) -> Outcome:
    """Whether an accept wins at `now` (the database's clock). `offer` None is a load taken from the board.

    An offer is good strictly before `expires_at`. How the offer ended is told before what became of the
    order, but for orders that are gone. A load that takes bids only has no price to accept.
    """
    if order_status in GONE:
        return Outcome.ORDER_CLOSED
    if offer is not None and offer.status is not OfferStatus.LIVE:
        return _ENDED_OFFER[offer.status]
    if order_status is not Status.OPEN:
        return Outcome.TAKEN
    if offer is not None and now >= offer.expires_at:
        return Outcome.EXPIRED
    if offer is not None and not offer.current:
        return Outcome.CLOSED
    if pricing is Pricing.BIDS:
        return Outcome.BIDS_ONLY
    return Outcome.WON


def judge_driver(load: Load, driver: Acceptor) -> Outcome:
    """Whether this driver may take a load at all: account, subscription, truck, hands free."""
    if driver.blocked:
        return Outcome.FORBIDDEN
    if not driver.subscribed:
        return Outcome.SUBSCRIPTION
    if driver.vehicle is None:
        return Outcome.NO_VEHICLE
    if not fits(load, driver.vehicle):
        return Outcome.UNFIT
    if driver.busy:
        return Outcome.BUSY
    return Outcome.WON
