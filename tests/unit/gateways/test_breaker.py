"""The breaker as a state machine: what it lets through, and for how long it does not."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from server.gateways.breaker import Breaker, Patience, Phase

PATIENCE = Patience(failures=3, first_s=5.0, longest_s=40.0, probe_s=10.0)
FRESH = Breaker()


def failing(times: int, now: float = 0.0, breaker: Breaker = FRESH) -> Breaker:
    for _ in range(times):
        breaker = breaker.failed(now, PATIENCE)
    return breaker


def test_three_failures_in_a_row_open_it_and_an_answer_between_them_does_not() -> None:
    assert failing(2).phase is Phase.CLOSED
    assert failing(3).phase is Phase.OPEN
    assert failing(2, breaker=failing(2).succeeded()).phase is Phase.CLOSED


def test_after_its_rest_one_call_goes_and_its_end_decides() -> None:
    opened = failing(3)
    assert opened.ask(4.9, PATIENCE) == (opened, False)
    probing, may = opened.ask(5.0, PATIENCE)
    assert may and probing.phase is Phase.PROBING
    assert probing.ask(5.1, PATIENCE) == (probing, False)
    assert probing.succeeded() == Breaker()
    again = probing.failed(6.0, PATIENCE)
    assert (again.phase, again.until) == (Phase.OPEN, 16.0)


def test_a_probe_of_which_nobody_told_the_end_is_made_again() -> None:
    probing, _ = failing(3).ask(5.0, PATIENCE)
    assert probing.ask(14.9, PATIENCE)[1] is False
    assert probing.ask(15.0, PATIENCE)[1] is True


def test_rests_double_up_to_the_longest() -> None:
    breaker, now, rests = failing(3), 0.0, []
    for _ in range(6):
        rests.append(breaker.until - now)
        now = breaker.until
        breaker, _ = breaker.ask(now, PATIENCE)
        breaker = breaker.failed(now, PATIENCE)
    assert rests == [5, 10, 20, 40, 40, 40]


def test_a_refused_key_opens_at_once_and_a_wish_is_kept() -> None:
    assert Breaker().failed(0.0, PATIENCE, at_once=True).until == PATIENCE.longest_s
    assert Breaker().failed(0.0, Patience(), at_once=True).until == 60.0
    assert Breaker().failed(0.0, PATIENCE, at_once=True, rest_s=90.0).until == 90.0
    assert Breaker().failed(0.0, PATIENCE, at_once=True, rest_s=1e9).until == 3_600.0


class Vendor(RuleBasedStateMachine):
    """Any number of callers of one breaker, whose calls end in any order, or never."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker()
        self.now = 0.0
        self.under_way = 0
        self.let_through: list[float] = []  # while it was not closed
        self.opened_at: float | None = None

    @rule(seconds=st.floats(0, 30))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def somebody_asks(self) -> None:
        before = self.breaker
        self.breaker, may = before.ask(self.now, PATIENCE)
        if before.phase is Phase.CLOSED:
            assert may and self.breaker == before
        elif may:
            assert self.now >= before.until and self.breaker.phase is Phase.PROBING
            self.let_through.append(self.now)
        else:
            assert self.now < before.until and self.breaker == before
        self.under_way += may

    @rule()
    def a_call_succeeds(self) -> None:
        if self.under_way:
            self.under_way -= 1
            self.breaker = self.breaker.succeeded()
            self.let_through.clear()
            assert self.breaker.ask(self.now, PATIENCE)[1]

    @rule(at_once=st.booleans(), wish=st.none() | st.floats(0, 100))
    def a_call_fails(self, at_once: bool, wish: float | None) -> None:
        if not self.under_way:
            return
        self.under_way -= 1
        before = self.breaker
        self.breaker = before.failed(self.now, PATIENCE, at_once=at_once, rest_s=wish)
        if before.phase is Phase.PROBING or at_once or before.failures + 1 >= PATIENCE.failures:
            assert self.breaker.phase is Phase.OPEN
        if self.breaker.phase is Phase.OPEN and before.phase is not Phase.OPEN:
            assert self.breaker.until - self.now >= PATIENCE.first_s - 1e-6
            assert self.breaker.until - self.now <= max(PATIENCE.longest_s, wish or 0.0) + 1e-6

    @rule()
    def a_caller_is_cancelled(self) -> None:
        self.under_way = max(0, self.under_way - 1)

    @invariant()
    def it_is_never_stuck(self) -> None:
        if self.breaker.phase is not Phase.CLOSED:
            assert self.breaker.ask(max(self.now, self.breaker.until), PATIENCE)[1]

    @invariant()
    def while_not_closed_calls_are_far_apart(self) -> None:
        apart = [b - a for a, b in zip(self.let_through, self.let_through[1:], strict=False)]
        assert all(seconds >= PATIENCE.first_s - 1e-6 for seconds in apart)


TestVendor = Vendor.TestCase
TestVendor.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(st.integers(1, 60))
def test_a_vendor_that_is_dead_for_an_hour_is_asked_a_few_times_a_minute_at_most(step: int) -> None:
    breaker, asked = Breaker(), 0
    for now in range(0, 3_600, step):
        breaker, may = breaker.ask(float(now), PATIENCE)
        if may:
            asked += 1
            breaker = breaker.failed(float(now), PATIENCE)
    assert asked <= 3 + 4 + 3_600 / PATIENCE.longest_s
