"""The rules of sharing, without a clock of their own."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.errors import Refusal
from dispatch.model import Haul, Load, Money, Order, Place, Status, Stop, Unshared, Window
from dispatch.sharing import (
    DAY_S,
    EVERYTHING,
    LINK_BEYOND_DAYS,
    PAUSE_MAX_S,
    WATCHABLE,
    Sharing,
    after_trip,
    coarse,
    expected_end,
    link_window,
    pause_end,
    paused,
    seen_by_fleet,
    shared_position,
)
from dispatch.visibility import GRACE_S
from geo.cells import COARSE_RES, cell_of
from geo.gazetteer import Gazetteer

NOW = 1_800_000_000.0
HERE, THERE = Place(1, "А", 43.25, 76.95), Place(2, "Б", 51.17, 71.43)
HOURS = 3600.0


def order(*stops: Stop, **changes: object) -> Order:
    haul = Haul(HERE, THERE, 1_220_000.0, 20 * HOURS, "embedded", stops)
    made = Order(
        5,
        1,
        Status.ASSIGNED,
        3,
        haul,
        Load("мука", 1.0, 1.0, "tent"),
        Money(1, "KZT"),
        NOW,
        NOW + 1,
        driver=2,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_without_a_word_everything_is_shared_that_others_have_a_right_to() -> None:
    assert not paused(EVERYTHING, NOW)
    assert seen_by_fleet(EVERYTHING, NOW, on_duty=False, carrying=False)
    assert after_trip(EVERYTHING, NOW, NOW + GRACE_S - 1) and not after_trip(EVERYTHING, NOW, NOW + GRACE_S)


@given(
    st.booleans(),
    st.none() | st.floats(NOW - 1e6, NOW + 1e6),
    st.floats(0, 300),
    st.booleans(),
    st.booleans(),
)
def test_who_carries_a_load_is_seen_and_whoever_pauses_is_not(
    duty_only: bool, until: float | None, after_s: float, on_duty: bool, carrying: bool
) -> None:
    sharing = Sharing(duty_only, until, after_s)
    seen = seen_by_fleet(sharing, NOW, on_duty=on_duty, carrying=carrying)
    if carrying:
        assert seen
    elif paused(sharing, NOW) or (duty_only and not on_duty):
        assert not seen
    else:
        assert seen


@given(st.floats(0, 1e9), st.floats(0, 1e6))
def test_nobody_gives_more_than_the_grace(after_s: float, later_s: float) -> None:
    assert not (after_trip(Sharing(after_trip_s=after_s), NOW, NOW + later_s) and later_s >= GRACE_S)


@pytest.mark.parametrize("status", list(Status))
def test_a_link_shows_the_truck_from_the_assignment_to_the_end_of_the_grace(status: Status) -> None:
    ended = None if status in WATCHABLE else NOW - 60
    seen = shared_position(order(status=status, ended_at=ended), EVERYTHING, NOW)
    assert seen == (status in WATCHABLE or status is Status.DELIVERED)
    held = order(status=status, ended_at=ended, unshared=Unshared(NOW, NOW + 60))
    assert not shared_position(held, EVERYTHING, NOW)
    assert not shared_position(order(status=status, ended_at=ended, driver=None), EVERYTHING, NOW)
    assert not shared_position(
        order(status=Status.DELIVERED, ended_at=NOW - 60), Sharing(after_trip_s=30.0), NOW
    )


def test_a_pause_is_bounded_and_one_that_is_over_is_none() -> None:
    assert pause_end(None, NOW) is pause_end(NOW, NOW) is pause_end(0.0, NOW) is None
    assert pause_end(NOW + 1, NOW) == NOW + 1
    with pytest.raises(Refusal, match="at most 7 days"):
        pause_end(NOW + PAUSE_MAX_S + 1, NOW)


def test_a_haul_should_end_when_its_last_window_closes_or_as_its_way_is_long() -> None:
    assert expected_end(order(), NOW) == NOW + 20 * HOURS
    first = Stop("pickup", HERE, Window(NOW + DAY_S, None))
    assert expected_end(order(first, Stop("drop", THERE)), NOW) == NOW + DAY_S + 20 * HOURS
    last = Stop("drop", THERE, Window(None, NOW + 3 * DAY_S))
    assert expected_end(order(first, last), NOW) == NOW + 3 * DAY_S


@given(st.none() | st.floats(0, NOW + 1e7), st.none() | st.floats(0, NOW + 1e7))
def test_a_link_opens_before_it_closes_and_never_beyond_a_month_after_the_haul(
    opens: float | None, closes: float | None
) -> None:
    latest = expected_end(order(), NOW) + LINK_BEYOND_DAYS * DAY_S
    try:
        window = link_window(order(), opens, closes, NOW)
    except Refusal as refusal:
        assert refusal.code in ("window_past", "window_invalid") and refusal.path in ("opens_at", "closes_at")
        return
    assert NOW <= window.opens < window.closes <= latest
    assert window.follows == (closes is None)


def test_a_pause_tells_a_town_and_a_cell_of_8_km_and_the_same_for_every_place_in_it() -> None:
    gazetteer = Gazetteer.load()
    cell, city = coarse(43.25, 76.95, gazetteer)
    assert cell == cell_of(43.25, 76.95, COARSE_RES)
    assert coarse(43.2504, 76.9506, gazetteer) == (cell, city)
