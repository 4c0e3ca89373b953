"""Each detector trips for whom it is meant, and never for an eager honest person."""

import itertools
from collections import Counter

import pytest

from dispatch.sniping import (
    FINE,
    Flag,
    Habit,
    Verdict,
    Watch,
    after_accept,
    after_cancel,
    after_decline,
    fast,
    may_take,
)

WATCH = Watch()
DAY_LEFT = 3600.0


def accepts(ages_s: list[float]) -> list[Verdict]:
    """What follows from accepts so long after their offers, on one day."""
    day: Counter[Habit] = Counter()
    verdicts = []
    for age_s in ages_s:
        day[Habit.ACCEPT] += 1
        quick = fast(age_s, WATCH)
        day[Habit.FAST] += quick
        verdicts.append(after_accept(day, quick, WATCH))
    return verdicts


def test_a_bot_that_accepts_before_the_card_is_drawn_is_paused_longer_each_time() -> None:
    verdicts = accepts([0.05] * 9)
    assert verdicts[:4] == [FINE] * 4
    assert {verdict.flag for verdict in verdicts[4:]} == {Flag.FAST_ACCEPTS}
    assert [verdict.pause_s for verdict in verdicts[4:]] == [900.0, 1800.0, 3600.0, 7200.0, 14400.0]


def test_the_longest_pause_is_a_day() -> None:
    assert max(verdict.pause_s for verdict in accepts([0.1] * 200)) == WATCH.longest_pause_s


def test_an_eager_driver_who_takes_every_card_half_a_second_after_it_shows_is_fine() -> None:
    assert set(accepts([0.45, 0.7, 0.5, 1.2] * 25)) == {FINE}


def test_a_few_lucky_taps_on_a_card_that_has_just_slid_in_are_no_habit() -> None:
    assert set(accepts([0.15, 3.0, 0.19, 2.0, 0.1, 8.0, 0.18])) == {FINE}


def test_the_limit_itself_is_not_too_fast() -> None:
    assert fast(0.199, WATCH) and not fast(0.2, WATCH)


def test_who_wins_more_than_anybody_can_carry_waits_for_tomorrow() -> None:
    assert may_take({Habit.WIN: WATCH.wins_a_day}, DAY_LEFT, WATCH) == Verdict(DAY_LEFT, Flag.MANY_WINS)


def test_a_city_van_with_a_dozen_loads_a_day_goes_on() -> None:
    assert may_take({Habit.WIN: 14, Habit.ACCEPT: 60, Habit.CANCEL: 1}, DAY_LEFT, WATCH) == FINE


def test_who_takes_loads_only_to_call_them_off_may_take_no_more_today() -> None:
    day: Counter[Habit] = Counter()
    told = []
    for _ in range(5):
        assert may_take(day, DAY_LEFT, WATCH) == FINE or day[Habit.CANCEL] >= WATCH.cancels_a_day
        day[Habit.CANCEL] += 1
        told.append(after_cancel(day, WATCH).flag)
    assert told == [None, None, None, Flag.MANY_CANCELS, Flag.MANY_CANCELS]
    assert may_take(day, DAY_LEFT, WATCH).pause_s == DAY_LEFT


def test_a_driver_whose_truck_broke_down_and_whose_shipper_vanished_goes_on() -> None:
    day = {Habit.CANCEL: 2, Habit.WIN: 6}
    assert after_cancel(day, WATCH) == FINE and may_take(day, DAY_LEFT, WATCH) == FINE


def test_who_only_ever_declines_is_told_to_the_staff_and_not_paused() -> None:
    assert after_decline({Habit.DECLINE: 60}, WATCH) == Verdict(0.0, Flag.ONLY_DECLINES)
    assert after_decline({Habit.DECLINE: 98, Habit.ACCEPT: 3}, WATCH) == Verdict(0.0, Flag.ONLY_DECLINES)


@pytest.mark.parametrize(
    "day", [{Habit.DECLINE: 59}, {Habit.DECLINE: 90, Habit.ACCEPT: 4}, {Habit.DECLINE: 12}]
)
def test_a_picky_driver_is_fine(day: dict[Habit, int]) -> None:
    assert after_decline(day, WATCH) == FINE


def test_a_driver_who_tries_hard_and_loses_every_race_is_fine() -> None:
    day = {Habit.ACCEPT: 300, Habit.DECLINE: 10, Habit.WIN: 2}
    assert (after_decline(day, WATCH), may_take(day, DAY_LEFT, WATCH)) == (FINE, FINE)


def test_verdicts_never_lighten_as_the_day_gets_worse() -> None:
    for low, high in itertools.pairwise(range(60)):
        for kind in (Habit.WIN, Habit.CANCEL):
            before, after = ({kind: n} for n in (low, high))
            assert may_take(before, DAY_LEFT, WATCH).pause_s <= may_take(after, DAY_LEFT, WATCH).pause_s
