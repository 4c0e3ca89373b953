"""When a word on a haul may be said, when it is read, and what many come to."""

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.disputes import Decision, DisputeOutcome, after, back_to, may_answer, may_withdraw
from dispatch.errors import Refusal
from dispatch.model import Haul, Load, Money, Order, Place, Status
from dispatch.reviews import (
    ABOUT_DRIVER,
    ABOUT_SHIPPER,
    BLIND_S,
    ENOUGH,
    FAULTS,
    WINDOW_S,
    Component,
    HaulSide,
    Rating,
    Standing,
    Tally,
    Words,
    checked,
    in_time,
    shown,
    standing_of,
)
from server.protocol.rest.reviews import ReviewFault, ReviewTag

ENDED = 1_000_000.0
PLACE = Place(1, "Алматы", 43.2, 76.9)
ORDER = Order(
    1, 2, Status.DELIVERED, 7, Haul(PLACE, PLACE, 1.0, 1.0, "embedded"), Load("мука", 1.0, 1.0, "tent"),
    Money(1, "KZT"), 0.0, 10.0, ended_at=ENDED, driver=3,
)  # fmt: skip


def test_a_word_is_said_within_two_weeks_and_read_after_one() -> None:
    assert in_time(ORDER, ENDED) == in_time(ORDER, ENDED + WINDOW_S - 1) == ENDED + BLIND_S
    with pytest.raises(Refusal, match="review_late"):
        in_time(ORDER, ENDED + WINDOW_S)


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.DELIVERED, Status.CLOSED, Status.DISPUTED}))
def test_what_was_not_delivered_is_not_rated(status: Status) -> None:
    with pytest.raises(Refusal, match="review_early"):
        in_time(replace(ORDER, status=status), ENDED)


def test_a_dispute_on_the_road_waits_with_its_words_for_the_delivery() -> None:
    with pytest.raises(Refusal, match="review_early"):
        in_time(replace(ORDER, status=Status.DISPUTED, ended_at=None), ENDED)
    assert in_time(replace(ORDER, status=Status.DISPUTED), ENDED)


def test_words_are_shown_when_both_sides_have_spoken_or_the_week_is_over() -> None:
    one, both = [HaulSide.DRIVER], [HaulSide.DRIVER, HaulSide.SHIPPER]
    assert not shown(ENDED, ENDED - 1, one) and shown(ENDED, ENDED, one) and shown(ENDED, ENDED - 1, both)


def test_each_side_has_words_of_its_own_and_the_wire_knows_them_all() -> None:
    assert set(get_args(ReviewTag)) == {*ABOUT_DRIVER, *ABOUT_SHIPPER}
    assert get_args(ReviewFault) == FAULTS
    with pytest.raises(Refusal, match="tags_invalid"):
        checked(Words(5, ("paid_on_time",)), HaulSide.SHIPPER)
    assert checked(Words(5, ("polite", "careful", "polite")), HaulSide.SHIPPER).tags == ("careful", "polite")


@pytest.mark.parametrize("text", ["тел 8 701 123 45 67", "www.example.kz", "пишите в ватсап"])
def test_a_way_round_the_desk_is_held(text: str) -> None:
    assert standing_of(text) is Standing.HELD and standing_of("всё хорошо") is Standing.CLEAR


@given(stars=st.lists(st.integers(1, 5), max_size=50))
def test_a_rating_is_the_plain_mean_of_what_was_given(stars: list[int]) -> None:
    one, two, three, four, five = (stars.count(each) for each in range(1, 6))
    rating = Rating((one, two, three, four, five))
    assert rating.count == len(stars)
    assert rating.mean == (pytest.approx(sum(stars) / len(stars)) if stars else None)


def test_few_cases_are_no_share() -> None:
    assert Tally(Component.COMPLETED, 1, ENOUGH - 1).share is None
    assert Tally(Component.COMPLETED, 1, ENOUGH).share == 1 / ENOUGH


def test_a_dispute_is_answered_by_the_other_side_and_withdrawn_by_its_own() -> None:
    may_answer("shipper", "driver", False)
    may_answer("staff", "shipper", False)
    may_withdraw("driver", "driver")
    for side, answered, code in (
        ("shipper", False, "forbidden"), ("staff", False, "forbidden"), ("driver", True, "dispute_answered"),
    ):  # fmt: skip
        with pytest.raises(Refusal, match=code):
            may_answer("shipper", side, answered)
    with pytest.raises(Refusal, match="forbidden"):
        may_withdraw("shipper", "driver")


def test_a_decision_leads_to_an_end_and_an_undecided_dispute_back() -> None:
    for outcome in DisputeOutcome:
        decided = Decision(outcome, "…")
        undecided = outcome is DisputeOutcome.WITHDRAWN
        assert after(decided, Status.LOADED) is (Status.LOADED if undecided else Status.CLOSED)
        if undecided:
            with pytest.raises(Refusal, match="reason_invalid"):
                after(replace(decided, cancels=True), Status.LOADED)
        else:
            assert after(replace(decided, cancels=True), Status.LOADED) is Status.CANCELLED


def test_a_haul_goes_back_only_to_where_a_dispute_can_begin() -> None:
    roads = {Status.LOADED, Status.IN_TRANSIT, Status.AT_DROP, Status.DELIVERED}
    assert {back_to(status) for status in roads} == roads
    for status in set(Status) - roads:
        with pytest.raises(Refusal, match="transition_forbidden"):
            back_to(status)
