"""The machine of a bid and the judgement on a pick: tables, whole."""

import itertools
from dataclasses import replace

import pytest

from dispatch.bids import (
    AFTER,
    ALIVE,
    DECLINE_REASONS,
    Act,
    BidStanding,
    BidStatus,
    Terms,
    bounds,
    judge_bid,
    sane,
    to_shipper,
    why_not_bid,
)
from dispatch.model import (
    Haul,
    Load,
    Money,
    Order,
    Place,
    Policy,
    Pricing,
    Status,
)
from dispatch.model import Terms as OrderTerms
from dispatch.rounds import Outcome
from server.protocol.codes import ERRORS
from server.protocol.messages import BidDeclineReason

ORDER = Order(
    id=1,
    shipper=2,
    status=Status.OPEN,
    seq=1,
    haul=Haul(Place(1, "Алматы", 43.25, 76.95), Place(2, "Астана", 51.17, 71.43), 1.2e6, 6e4, "embedded"),
    load=Load("мука", 20_000.0, 40.0, "tent"),
    price=Money(1_000_000, "KZT"),
    created_at=0.0,
    expires_at=100.0,
    terms=OrderTerms(Pricing.NEGOTIABLE),
    version=3,
)
POLICY = Policy()


def test_a_bid_that_has_ended_stays_as_it_ended() -> None:
    for status, act in itertools.product(BidStatus, Act):
        after = AFTER.get((status, act))
        if status not in ALIVE:
            assert after is None
        elif act in (Act.PICK, Act.ACCEPT):
            assert (after is BidStatus.ACCEPTED) == ((status, act) in {
                (BidStatus.LIVE, Act.PICK), (BidStatus.COUNTERED, Act.ACCEPT)
            })  # fmt: skip
        else:
            assert after is not None


def test_every_end_can_be_reached_and_only_a_yes_of_the_other_side_is_an_accept() -> None:
    assert set(AFTER.values()) == set(BidStatus)
    assert {act for (_, act), after in AFTER.items() if after is BidStatus.ACCEPTED} == {Act.PICK, Act.ACCEPT}


@pytest.mark.parametrize("order", Status)
@pytest.mark.parametrize("status", BidStatus)
@pytest.mark.parametrize("act", [Act.PICK, Act.ACCEPT])
def test_a_pick_wins_exactly_when_everything_holds(order: Status, status: BidStatus, act: Act) -> None:
    for late, stale, changed in itertools.product((False, True), repeat=3):
        bid = BidStanding(status, 7, 100.0, not stale)
        told = judge_bid(order, bid, act, 6 if changed else 7, 100.0 if late else 99.9)
        possible = order is Status.OPEN and (status, act) in AFTER
        assert (told is Outcome.WON) == (possible and not (late or stale or changed))
        if told is not Outcome.WON:
            assert ERRORS[told].status in (409, 404)


@pytest.mark.parametrize(
    ("order", "status", "told"),
    [
        (Status.CANCELLED, BidStatus.LIVE, Outcome.ORDER_CLOSED),
        (Status.EXPIRED, BidStatus.LOST, Outcome.ORDER_CLOSED),
        (Status.ASSIGNED, BidStatus.LOST, Outcome.TAKEN),
        (Status.ASSIGNED, BidStatus.LIVE, Outcome.TAKEN),
        (Status.OPEN, BidStatus.WITHDRAWN, Outcome.BID_CLOSED),
        (Status.OPEN, BidStatus.OUTDATED, Outcome.BID_CLOSED),
        (Status.OPEN, BidStatus.EXPIRED, Outcome.BID_EXPIRED),
        (Status.ASSIGNED, BidStatus.ACCEPTED, Outcome.BID_CLOSED),
        (Status.OPEN, BidStatus.COUNTERED, Outcome.BID_TURN),
    ],
)
def test_a_lost_pick_says_why(order: Status, status: BidStatus, told: Outcome) -> None:
    assert judge_bid(order, BidStanding(status, 1, 100.0, True), Act.PICK, 1, 0.0) is told


def test_a_shipper_hears_only_that_the_driver_cannot_take_it() -> None:
    of_the_driver = {outcome for outcome in Outcome if to_shipper(outcome) is Outcome.DRIVER_UNAVAILABLE}
    assert of_the_driver == {
        Outcome.SUBSCRIPTION,
        Outcome.NO_VEHICLE,
        Outcome.UNFIT,
        Outcome.BUSY,
        Outcome.FORBIDDEN,
        Outcome.DRIVER_UNAVAILABLE,
    }
    assert all(to_shipper(o) is o for o in Outcome if o not in of_the_driver)


@pytest.mark.parametrize("pricing", Pricing)
@pytest.mark.parametrize("status", Status)
def test_only_open_loads_that_are_not_at_a_fixed_price_take_bids(pricing: Pricing, status: Status) -> None:
    order = replace(ORDER, status=status, terms=OrderTerms(pricing))
    code = why_not_bid(order, Terms(1_000_000, 60), None, 0.0, POLICY)
    assert (code is None) == (status is Status.OPEN and pricing is not Pricing.FIXED)
    assert code is None or code in ERRORS


def test_a_bid_names_the_version_of_the_load_that_it_is_for() -> None:
    assert why_not_bid(ORDER, Terms(1_000_000, 60), 2, 0.0, POLICY) == "version_stale"
    assert why_not_bid(ORDER, Terms(1_000_000, 60), 3, 0.0, POLICY) is None
    assert why_not_bid(ORDER, Terms(1_000_000, 60), 3, 100.0, POLICY) == "order_closed"


def test_prices_are_sane_from_a_tenth_to_ten_times_the_guide_price() -> None:
    low, high = bounds(ORDER.price, POLICY)
    assert (low, high) == (100_000, 10_000_000)
    for amount in (low, 1_000_000, high):
        assert sane(amount, ORDER.price, POLICY)
    for amount in (low - 1, high + 1):
        assert not sane(amount, ORDER.price, POLICY)
        assert why_not_bid(ORDER, Terms(amount, 60), None, 0.0, POLICY) == "bid_out_of_range"
    assert bounds(Money(1, "KZT"), POLICY)[0] == 1


def test_the_contracts_words_are_the_cores() -> None:
    assert BidDeclineReason.__args__ == DECLINE_REASONS  # type: ignore[attr-defined]
