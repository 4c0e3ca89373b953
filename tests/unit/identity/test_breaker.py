"""The circuit breaker: a service that keeps failing is left alone, and asked again by one."""

from server.gateways.breaker import Breaker


def test_it_shuts_after_so_many_failures_in_a_row_and_not_before() -> None:
    breaker = Breaker(failures=3, pause_s=30)
    breaker.failed(0)
    breaker.failed(1)
    breaker.worked()
    breaker.failed(2)
    breaker.failed(3)
    assert breaker.allows(3)
    breaker.failed(4)
    assert not breaker.allows(33.9)


def test_after_the_pause_one_may_try_and_the_next_waits_again() -> None:
    breaker = Breaker(failures=1, pause_s=30)
    breaker.failed(0)
    assert breaker.allows(30) and not breaker.allows(30) and not breaker.allows(59)
    assert breaker.allows(60)
    breaker.worked()
    assert breaker.allows(60)


def test_what_only_a_person_can_mend_shuts_it_at_once() -> None:
    breaker = Breaker()
    breaker.failed(0, for_good=True)
    assert not breaker.allows(1)
