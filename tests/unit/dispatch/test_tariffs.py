"""Prices of staff over the coded tariff: which version counts, and that no longer way is ever cheaper."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.errors import Refusal
from dispatch.pricing import Tariff, quote
from dispatch.tariffs import Band, LanePrice, Prices, Run, Table, banded, whole_truck

CODED = Tariff()
RUN = Run(1_000_000.0, 22_000.0, 0.0, "tent", pickup=1, drop=2)
TENT = {"tent": (Band(300_000.0, 90_000), Band(None, 60_000))}


def lane(version: int, kind: str = "total", amount: int = 50_000_000, **more: object) -> LanePrice:
    return LanePrice(1, 2, "", version, kind, amount, 0.0, **more)  # type: ignore[arg-type]


def test_without_anything_set_the_coded_tariff_counts() -> None:
    priced = Prices(CODED).price(RUN, 0.0)
    assert (priced.price, priced.origin, priced.version) == (
        quote(1_000_000.0, 22_000.0, 0.0, "tent", CODED),
        "default",
        None,
    )


def test_the_newest_version_that_has_begun_counts() -> None:
    prices = Prices(CODED, [Table(1, 10.0, TENT), Table(2, 30.0, TENT), Table(3, 20.0, TENT)])
    tables = [prices.table(now) for now in (5.0, 10.0, 20.0, 30.0)]
    assert [table and table.version for table in tables] == [None, 1, 3, 3]


def test_a_body_that_is_not_in_the_table_is_priced_by_the_coded_tariff() -> None:
    prices = Prices(CODED, [Table(1, 0.0, TENT, minimum=10**9)])
    assert prices.price(RUN._replace(body="reefer"), 0.0).origin == "default"


def test_kind_fee_minimum_and_border_make_the_price() -> None:
    table = Table(1, 0.0, TENT, {"grain": 0.5}, minimum=40_000_000, loading_fee=1_000_000, abroad=2.0)
    prices = Prices(CODED, [table])
    for run, amount in (
        (RUN, 61_000_000),
        (RUN._replace(kind="grain"), 40_000_000),  # half of the way's 60, and the fee, are below the least
        (RUN._replace(abroad=True), 121_000_000),
        (RUN._replace(distance_m=1_000.0), 40_000_000),
        (RUN._replace(weight_kg=44_000.0), 121_000_000),
    ):
        assert prices.price(run, 0.0).price.amount == amount, run


def test_a_lane_goes_before_the_table_its_own_body_before_any_and_none_gives_way() -> None:
    table = Table(1, 0.0, TENT, loading_fee=1_000_000)
    anybody, tents = lane(1), LanePrice(1, 2, "tent", 1, "per_km", 70_000, 0.0)
    assert Prices(CODED, [table], [anybody]).price(RUN, 0.0)[:2] == ((50_000_000, "KZT"), "lane-set")
    assert Prices(CODED, [table], [anybody, tents]).price(RUN, 0.0).price.amount == 71_000_000
    assert Prices(CODED, [table], [anybody]).price(RUN._replace(direct=False), 0.0).origin == "tariff"
    assert Prices(CODED, [table], [anybody]).price(RUN._replace(drop=3), 0.0).origin == "tariff"
    assert Prices(CODED, [table], [anybody, lane(2, "none", 0)]).price(RUN, 0.0).origin == "tariff"
    assert Prices(CODED, [table], [lane(1, valid_until=5.0)]).price(RUN, 5.0).origin == "tariff"


def test_half_a_truck_of_a_lane_costs_its_share() -> None:
    half = RUN._replace(weight_kg=11_000.0)
    assert (
        Prices(CODED, [], [lane(1)]).price(half, 0.0).price.amount == 32_500_000
    )  # with the part load's markup


bands = st.lists(
    st.tuples(st.integers(1, 3_000), st.integers(100, 200_000)), max_size=6, unique_by=lambda band: band[0]
).flatmap(
    lambda some: st.integers(100, 200_000).map(
        lambda last: (*(Band(km * 1000.0, rate) for km, rate in sorted(some)), Band(None, last))
    )
)


@given(bands, st.floats(0, 5e6), st.floats(0, 5e6))
def test_a_longer_way_is_never_cheaper(some: tuple[Band, ...], way: float, more: float) -> None:
    assert whole_truck(way, some) <= whole_truck(way + more, some) + 1e-6


def test_bands_are_taken_in_any_order_and_must_reach_everywhere() -> None:
    assert banded([("tent", None, 2), ("tent", 5.0, 1), ("van", None, 3)], "rates") == {
        "tent": (Band(5.0, 1), Band(None, 2)),
        "van": (Band(None, 3),),
    }
    for rates, path in (
        ([("tent", None, 1), ("van", 5.0, 1)], "rates[1].upto_km"),
        ([("tent", None, 1), ("tent", None, 1)], "rates[1].upto_km"),
    ):
        with pytest.raises(Refusal) as refused:
            banded(rates, "rates")
        assert refused.value.path == path
