"""Summer bans for heavy axles."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.gazetteer import Gazetteer
from geo.heat import HeatBans

BANS = HeatBans.load()
HEAVY, LIGHT = 10_000.0, 8_000.0
ALMATY_REGION, AKMOLA = "01", "03"


def local(month: int, day: int, hour: float) -> float:
    """Epoch seconds of a local time (UTC+5) in 2026."""
    return datetime(2026, month, day, tzinfo=UTC).timestamp() + (hour - 5) * 3_600


def test_every_region_of_kazakhstan_in_the_gazetteer_has_a_ban() -> None:
    regions = {city.admin1 for city in Gazetteer.load().cities if city.country == "KZ"}
    for region in regions:
        assert BANS.free_at("KZ", region, HEAVY, local(7, 1, 15)) > local(7, 1, 15), region
    assert BANS.issued == 2025


@pytest.mark.parametrize(
    ("region", "month", "day", "hour", "free"),
    [
        (ALMATY_REGION, 7, 1, 9.9, 9.9),
        (ALMATY_REGION, 7, 1, 10, 22),
        (ALMATY_REGION, 8, 31, 21.9, 22),
        (ALMATY_REGION, 7, 1, 22, 22),
        (ALMATY_REGION, 9, 1, 12, 12),
        (ALMATY_REGION, 5, 31, 12, 12),
        (AKMOLA, 8, 15, 12, 21),
        (AKMOLA, 8, 16, 12, 12),
        (AKMOLA, 7, 1, 10.5, 10.5),
    ],
)
def test_a_heavy_axle_waits_for_the_end_of_the_hours(
    region: str, month: int, day: int, hour: float, free: float
) -> None:
    at = local(month, day, hour)
    assert BANS.free_at("KZ", region, HEAVY, at) == pytest.approx(local(month, day, free))


def test_light_axles_and_other_countries_drive_through_the_heat() -> None:
    noon = local(7, 1, 14)
    assert BANS.free_at("KZ", ALMATY_REGION, LIGHT, noon) == noon
    assert BANS.free_at("UZ", "13", HEAVY, noon) == noon
    assert BANS.free_until("KZ", ALMATY_REGION, LIGHT, noon) is None


def test_the_next_ban_is_seen_a_day_ahead() -> None:
    assert BANS.free_until("KZ", ALMATY_REGION, HEAVY, local(7, 1, 6)) == local(7, 1, 10)
    assert BANS.free_until("KZ", ALMATY_REGION, HEAVY, local(7, 1, 23)) == local(7, 2, 10)
    assert BANS.free_until("KZ", ALMATY_REGION, HEAVY, local(5, 31, 23)) == local(6, 1, 10)
    assert BANS.free_until("KZ", ALMATY_REGION, HEAVY, local(8, 31, 23)) is None


@given(st.floats(1.76e9, 1.83e9), st.sampled_from([ALMATY_REGION, AKMOLA]))
def test_a_truck_is_free_when_it_is_told_so_and_until_the_next_ban(at: float, region: str) -> None:
    free = BANS.free_at("KZ", region, HEAVY, at)
    assert at <= free <= at + 12 * 3_600 + 1
    assert BANS.free_at("KZ", region, HEAVY, free) == free
    until = BANS.free_until("KZ", region, HEAVY, free)
    if until is not None:
        assert until > free
        assert BANS.free_at("KZ", region, HEAVY, (free + until) / 2) == (free + until) / 2
        assert BANS.free_at("KZ", region, HEAVY, until) > until


@given(st.floats(1.76e9, 1.83e9), st.floats(0, 100 * 86_400))
def test_a_span_that_concerns_nobody_has_no_ban_in_it(since: float, seconds: float) -> None:
    until = since + seconds
    if not BANS.concern(HEAVY, since, until):
        for share in (0, 0.25, 0.5, 0.75, 1):
            at = since + share * seconds
            assert BANS.free_at("KZ", ALMATY_REGION, HEAVY, at) == at


def test_bans_concern_heavy_axles_in_summer_only() -> None:
    day = 86_400.0
    assert BANS.concern(HEAVY, local(7, 1, 0), local(7, 2, 0))
    assert BANS.concern(HEAVY, local(3, 1, 0), local(6, 1, 12))
    assert not BANS.concern(LIGHT, local(7, 1, 0), local(7, 2, 0))
    assert not BANS.concern(HEAVY, local(9, 1, 0), local(9, 1, 0) + 200 * day)  # over the new year
    assert BANS.concern(HEAVY, local(9, 1, 0), local(9, 1, 0) + 280 * day)
    assert BANS.concern(HEAVY, 0, 400 * day)
