"""The search for a driver as a machine, and the judgement on an accept."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dispatch.model import Load, OfferStatus, Policy, Status, Vehicle
from dispatch.rounds import (
    Acceptor,
    Outcome,
    Search,
    Standing,
    after_end,
    after_nobody,
    after_wave,
    judge,
    judge_driver,
    on_board,
    waves_left,
)

POLICY = Policy()
LOAD = Load("мука", 20_000.0, 40.0, "tent")
TRUCK = Vehicle(1, "tent", 22_000.0, 90.0)
CARRIED = {Status.ASSIGNED, Status.AT_PICKUP, Status.LOADED, Status.IN_TRANSIT, Status.AT_DROP,
           Status.DELIVERED, Status.CLOSED, Status.DISPUTED}  # fmt: skip


def expected(order: Status, offer: OfferStatus, late: bool) -> str:
    """The answer as a dispatcher would give it."""
    if order not in CARRIED and order is not Status.OPEN:
        return "order_closed"
    if offer is not OfferStatus.LIVE:
        return {"lost": "offer_taken", "expired": "offer_expired"}.get(offer, "offer_closed")
    if order in CARRIED:
        return "offer_taken"
    return "offer_expired" if late else "won"


@pytest.mark.parametrize("order", list(Status))
@pytest.mark.parametrize("offer", list(OfferStatus))
def test_every_pair_of_order_and_offer_has_one_answer(order: Status, offer: OfferStatus) -> None:
    for now in (99.999, 100.0, 100.001):
        assert judge(order, Standing(offer, 100.0), now) == expected(order, offer, now >= 100.0)


@pytest.mark.parametrize(
    ("driver", "outcome"),
    [
        (Acceptor(TRUCK, subscribed=True, busy=False, blocked=False), Outcome.WON),
        (Acceptor(TRUCK, subscribed=True, busy=False, blocked=True), Outcome.FORBIDDEN),
        (Acceptor(TRUCK, subscribed=False, busy=False, blocked=False), Outcome.SUBSCRIPTION),
        (Acceptor(None, subscribed=True, busy=False, blocked=False), Outcome.NO_VEHICLE),
        (Acceptor(TRUCK, subscribed=True, busy=True, blocked=False), Outcome.BUSY),
        (Acceptor(Vehicle(1, "tank", 1e5, 500.0), True, False, False), Outcome.UNFIT),
        (Acceptor(Vehicle(1, "tent", 19_999.0, 90.0), True, False, False), Outcome.UNFIT),
    ],
)
def test_a_driver_needs_an_account_a_subscription_a_fitting_truck_and_free_hands(
    driver: Acceptor, outcome: Outcome
) -> None:
    assert judge_driver(LOAD, driver) is outcome


def test_waves_go_from_the_narrowest_to_the_widest_and_look_at_more_drivers_each_time() -> None:
    waves = waves_left(Search(), POLICY)
    assert [wave.number for wave in waves] == [1, 2, 3]
    assert [wave.radius_m for wave in waves] == [50_000, 150_000, 400_000]
    assert [wave.nearby for wave in waves] == [64, 256, 1024]
    assert waves_left(Search(wave=2), POLICY) == waves[2:]
    assert waves_left(Search(wave=3), POLICY) == []


class OfferRounds(RuleBasedStateMachine):
    """One order's search: what the store applies, with a clock that only moves by rules."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.status = Status.OPEN
        self.search = Search(seek_at=0.0)
        self.offers: list[list[object]] = []  # status, made at, expires at, wave
        self.ends = 0
        self.history = [self.search]

    def live(self) -> list[int]:
        return [n for n, (status, *_) in enumerate(self.offers) if status is OfferStatus.LIVE]

    def end(self, number: int, how: OfferStatus) -> None:
        assert self.offers[number][0] is OfferStatus.LIVE
        self.offers[number][0] = how
        self.ends += 1

    def set(self, search: Search) -> None:
        self.search = search
        self.history.append(search)

    def due(self) -> bool:
        return (
            self.status is Status.OPEN and self.search.seek_at is not None and self.search.seek_at <= self.now
        )

    @rule(seconds=st.floats(0.01, 30))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.due())
    @rule(sizes=st.lists(st.integers(0, POLICY.wave_size), min_size=3, max_size=3))
    def seek(self, sizes: list[int]) -> None:
        for wave in waves_left(self.search, POLICY):
            if sizes[wave.number - 1]:
                for _ in range(sizes[wave.number - 1]):
                    self.offers.append(
                        [OfferStatus.LIVE, self.now, self.now + POLICY.offer_ttl_s, wave.number]
                    )
                self.set(after_wave(self.search, wave, self.now, POLICY))
                return
        self.set(on_board(self.search, self.now))

    @precondition(lambda self: self.live())
    @rule(pick=st.integers(0, 10**6))
    def decline(self, pick: int) -> None:
        self.end(self.live()[pick % len(self.live())], OfferStatus.DECLINED)
        self.set(after_end(self.search, len(self.live()), self.now))

    @rule()
    def sweep(self) -> None:
        due = [n for n in self.live() if self.offers[n][2] <= self.now]  # type: ignore[operator]  # a time
        for number in due:
            self.end(number, OfferStatus.EXPIRED)
        if due and self.status is Status.OPEN:
            self.set(after_end(self.search, len(self.live()), self.now))

    @precondition(lambda self: self.offers)
    @rule(pick=st.integers(0, 10**6))
    def accept(self, pick: int) -> None:
        number = pick % len(self.offers)
        status, _, expires_at, _ = self.offers[number]
        outcome = judge(self.status, Standing(status, expires_at), self.now)  # type: ignore[arg-type]
        if outcome is Outcome.WON:
            assert status is OfferStatus.LIVE and self.now < expires_at  # type: ignore[operator]
            self.end(number, OfferStatus.ACCEPTED)
            for other in self.live():
                self.end(other, OfferStatus.LOST)
            self.status = Status.ASSIGNED
            self.set(Search(self.search.wave, None, self.search.board_at))

    @precondition(lambda self: self.status is Status.OPEN)
    @rule()
    def cancel(self) -> None:
        for number in self.live():
            self.end(number, OfferStatus.WITHDRAWN)
        self.status = Status.CANCELLED
        self.set(Search(self.search.wave, None, self.search.board_at))

    @invariant()
    def at_most_one_offer_is_ever_accepted(self) -> None:
        accepted = [status for status, *_ in self.offers if status is OfferStatus.ACCEPTED]
        assert len(accepted) == (1 if self.status is Status.ASSIGNED else 0)

    @invariant()
    def every_offer_is_live_or_ended_once(self) -> None:
        assert self.ends + len(self.live()) == len(self.offers)

    @invariant()
    def waves_only_widen_and_the_board_comes_last_and_once(self) -> None:
        waves = [search.wave for search in self.history]
        assert waves == sorted(waves)
        boards = {search.board_at for search in self.history} - {None}
        assert len(boards) <= 1

    @invariant()
    def an_open_order_is_either_looking_or_on_the_board_and_never_waits_longer_than_the_interval(
        self,
    ) -> None:
        if self.status is Status.OPEN:
            assert (self.search.seek_at is None) != (self.search.board_at is None)
        if self.search.seek_at is not None:
            assert self.search.seek_at <= self.now + POLICY.wave_interval_s
            if self.search.wave and not self.live():
                assert self.search.seek_at <= self.now


TestOfferRounds = OfferRounds.TestCase


def test_an_order_that_met_nobody_waits_a_little_one_that_had_its_offers_does_not() -> None:
    young, old = POLICY.patience_s / 2, POLICY.patience_s
    assert after_nobody(Search(), young, 100.0, POLICY) == Search(0, 100.0 + POLICY.look_again_s, None)
    assert after_nobody(Search(), old, 100.0, POLICY) == Search(0, None, 100.0)
    assert after_nobody(Search(2, 99.0), young, 100.0, POLICY) == Search(2, None, 100.0)
