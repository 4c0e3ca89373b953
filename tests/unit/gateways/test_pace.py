"""The pace of a vendor: a budget a second, a stop after a refusal, and then ever more."""

from hypothesis import given
from hypothesis import strategies as st

from server.gateways.pace import RAMP_S, SLOW, Pace


def test_a_second_s_budget_may_go_at_once_and_fills_by_itself() -> None:
    pace = Pace(100)
    assert [pace.take(60, 0.0), pace.take(60, 0.0), pace.take(60, 0.5), pace.take(60, 100.0)] == [
        60,
        40,
        50,
        60,
    ]
    assert pace.spent == 30


def test_after_a_refusal_nothing_goes_and_then_a_tenth_and_then_all() -> None:
    pace = Pace(100)
    pace.take(1, 0.0)
    pace.refuse(30.0, 10.0)
    assert pace.take(50, 11.0) == pace.take(50, 39.9) == 0
    assert pace.wait_s(11.0) == 29.0
    assert 0 < pace.take(50, 41.0) <= 100 * SLOW + 2
    assert pace.take(1000, 40.0 + RAMP_S + 1) == 100


def test_a_refusal_of_the_first_message_is_one_too() -> None:
    pace = Pace(100)
    pace.refuse(5.0, 1.0)
    assert pace.take(10, 2.0) == 0


@given(
    asked=st.lists(st.tuples(st.integers(0, 500), st.floats(0, 0.3), st.booleans()), max_size=60),
    rate=st.integers(1, 300),
)
def test_no_second_ever_has_more_than_two_budgets(asked: list[tuple[int, float, bool]], rate: int) -> None:
    pace, now, granted = Pace(rate), 0.0, []
    for wanted, passed, refused in asked:
        now += passed
        if refused:
            pace.refuse(0.2, now)
        granted.append((now, pace.take(wanted, now)))
        assert 0 <= granted[-1][1] <= wanted
    for start, _ in granted:
        assert sum(count for at, count in granted if start <= at < start + 1.0) <= 2 * rate
