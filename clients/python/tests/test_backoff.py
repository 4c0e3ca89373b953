from random import Random

from tracking_desk_client.backoff import Backoff


def test_a_delay_lies_between_half_a_second_and_a_ceiling_that_doubles_to_thirty() -> None:
    for seed in range(200):
        backoff = Backoff(Random(seed))
        for attempt in range(1, 12):
            assert 0.5 <= backoff.lost(0) <= min(30.0, 0.5 * 2**attempt)


def test_delays_spread_over_the_whole_span_so_that_a_fleet_does_not_return_at_once() -> None:
    delays = []
    for seed in range(400):
        backoff = Backoff(Random(seed))
        delays.append([backoff.lost(0) for _ in range(8)][-1])
    quarters = [sum(low <= delay < low + 7.4 for delay in delays) for low in (0.5, 7.9, 15.3, 22.7)]
    assert min(quarters) > 60


def test_a_connection_that_held_a_minute_starts_over_and_a_shorter_one_does_not() -> None:
    backoff = Backoff(Random(1))
    for _ in range(8):
        backoff.lost(0)
    backoff.connected(100)
    after_short = [Backoff.lost(backoff, 159.9)]
    assert max(after_short) > 1 or backoff._failures == 9
    backoff.connected(200)
    assert backoff.lost(260) <= 1.0


def test_a_delay_that_the_server_asked_for_is_kept_and_used_once() -> None:
    backoff = Backoff(Random(2))
    backoff.asked_to_wait(12)
    assert 12 <= backoff.lost(0) <= 12.5
    assert backoff.lost(0) <= 1.0
