import pytest

from loadtests.bench.cli import exit_code
from loadtests.bench.fleet import Tally
from loadtests.bench.measure import Cost, each_us, ratio, verdict
from loadtests.bench.openloop import Punctuality
from loadtests.bench.sockets import Health, sources


def test_a_good_run_exits_with_zero_and_a_void_one_does_not() -> None:
    good = Punctuality(sends=1000, cpu_s=1, wall_s=10)
    late = Punctuality(sends=1000, late=50, cpu_s=1, wall_s=10)
    assert exit_code(verdict([], Cost(), good)) == 0
    assert exit_code(verdict([], Cost(), good, late)) == 3
    assert exit_code(verdict(["3 connections were closed with 4008"], Cost(), good)) == 3


@pytest.mark.parametrize("name", ["lost", "peer_lost", "double_winners", "told_twice"])
def test_a_broken_promise_matters_more_than_a_void_run(name: str) -> None:
    assert exit_code({name: 1, "void": True}) == 1
    assert exit_code({name: 0, "void": False}) == 0


def test_lost_connections_and_withheld_points_are_faults() -> None:
    health, tally = Health(), Tally()
    assert health.faults() + tally.faults() == []
    health.closes[4013] = 2
    tally.withheld = 7
    assert "2 connections were closed with 4013" in health.faults()
    assert tally.faults() == ["7 points were withheld for want of credit"]


def test_costs_of_turns_add_up_and_an_unknown_part_stays_unknown() -> None:
    cost = Cost()
    cost.add(Cost(server_s=1, postgres_s=0.5, redis_s=0.1, elsewhere_s=0.2, wall_s=10))
    cost.add(Cost(server_s=2, postgres_s=None, redis_s=0.1, elsewhere_s=0.2, wall_s=10))
    assert (cost.server_s, cost.postgres_s, cost.wall_s) == (3, None, 20)
    assert verdict([], cost)["other_cpu"] == 0.02


def test_nothing_is_divided_by_nothing() -> None:
    assert each_us(1.0, 0) is None
    assert each_us(None, 5) is None
    assert each_us(0.5, 10) == 50_000
    assert ratio(None, 2.0) is None
    assert ratio(3.0, 0.0) is None


def test_many_connections_come_from_several_addresses() -> None:
    assert sources(10) == ["127.0.0.1"]
    assert sources(25_000) == ["127.0.0.1"]
    assert sources(60_000) == ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
