from dataclasses import replace
from itertools import pairwise
from random import Random
from statistics import pstdev

import pytest

from geo.distance import haversine_m
from geo.types import Position
from loadtests.phone import FLAWS, SIGMA_M, Phone
from tracking_desk_client import Fix

HERE = Position(43.25, 76.95)
START = 1_700_000_000.0
SOUND = replace(FLAWS, leap=0, tunnel=0, dead_zone=0, double=0, slow_clock_share=0, wrong_day_share=0)


def listen(phone: Phone, count: int) -> list[tuple[float, list[Fix]]]:
    return [(START + i, phone.read(START + i, HERE, 20.0, 90.0)) for i in range(count)]


def test_noise_is_of_the_stated_size_and_neighbouring_fixes_err_alike() -> None:
    fixes = [fix for seed in range(40) for _, got in listen(Phone(Random(seed), SOUND), 200) for fix in got]
    norths = [(fix.lat - HERE.lat) * 111_195 for fix in fixes]
    assert pstdev(norths) == pytest.approx(SIGMA_M, rel=0.15)
    steps = [haversine_m(a.lat, a.lon, b.lat, b.lon) for a, b in pairwise(fixes)]
    assert sorted(steps)[len(steps) // 2] < SIGMA_M


def test_a_leap_lies_between_a_hundred_and_a_thousand_metres_and_may_claim_to_be_accurate() -> None:
    phone = Phone(Random(1), replace(SOUND, leap=1.0))
    fixes = [fix for _, got in listen(phone, 200) for fix in got]
    assert all(99 < haversine_m(*HERE, fix.lat, fix.lon) < 1001 for fix in fixes)
    claims = [fix.accuracy is not None and fix.accuracy < 100 for fix in fixes]
    assert 0.3 < sum(claims) / len(claims) < 0.7


def test_a_tunnel_gives_nothing_and_nothing_comes_afterwards_from_inside() -> None:
    phone = Phone(Random(2), replace(SOUND, tunnel=1.0))
    assert all(not got for _, got in listen(phone, 30))


def test_a_dead_zone_holds_fixes_back_and_gives_all_of_them_at_once() -> None:
    phone = Phone(Random(3), replace(SOUND, dead_zone=0.02))
    heard = listen(phone, 500)
    heard.append((START + 500, phone.flush()))
    fixes = [fix for _, got in heard for fix in got]
    assert [fix.at for fix in fixes] == [START + i for i in range(500)]
    assert max(len(got) for _, got in heard) >= 20


def test_a_doubled_fix_is_the_very_same() -> None:
    phone = Phone(Random(4), replace(SOUND, double=1.0))
    (_, (one, two)), *_ = listen(phone, 1)
    assert one == two


def test_some_phones_are_seconds_off_and_a_few_a_whole_day() -> None:
    skews = [Phone(Random(seed)).skew for seed in range(3000)]
    assert 10 < sum(abs(skew) == 86400 for skew in skews) < 60
    assert 50 < sum(0 < abs(skew) <= 5 for skew in skews) < 140
    assert sum(skew == 0 for skew in skews) > 2700


def test_a_phone_with_a_wrong_day_stamps_its_fixes_with_it() -> None:
    phone = Phone(Random(5), replace(SOUND, wrong_day_share=1.0))
    assert listen(phone, 1)[0][1][0].at == START + phone.skew
    assert abs(phone.skew) == 86400


def test_the_same_seed_gives_the_same_fixes() -> None:
    assert listen(Phone(Random(6)), 500) == listen(Phone(Random(6)), 500)


def test_times_are_whole_milliseconds_because_the_database_keeps_no_more_than_microseconds() -> None:
    phone = Phone(Random(7), SOUND)
    (fix,) = phone.read(START + 0.123456789, HERE, 0, 0)
    assert fix.at == round(fix.at, 3)
