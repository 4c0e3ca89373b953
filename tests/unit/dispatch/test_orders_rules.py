"""What a load must be before it is posted: each rule with its code and its field."""

from dataclasses import replace
from typing import Any

import pytest

from dispatch.asked import Asked, AskedStop, merged, with_windows, without_times
from dispatch.model import Load, Window
from dispatch.orders_rules import LARGEST, MAX_STOPS, problems
from dispatch.pricing import BODY_CAPACITY

NOW = 1_900_000_000.0
HOUR = 3600.0
PICKUP, DROP = AskedStop("pickup", 1), AskedStop("drop", 2)
GOOD = Asked((PICKUP, DROP), "мука", 20_000.0)


def told(asked: Asked, **more: Any) -> list[tuple[str, str | None]]:
    return [(problem.code, problem.path) for problem in problems(asked, NOW, **more)]


def between(*stops: AskedStop) -> Asked:
    return replace(GOOD, stops=stops)


def at(stop: AskedStop, opens: float | None, closes: float | None) -> AskedStop:
    """A window in hours from now."""
    return replace(
        stop,
        window_from=None if opens is None else NOW + opens * HOUR,
        window_to=None if closes is None else NOW + closes * HOUR,
    )


def test_an_ordinary_load_has_nothing_wrong() -> None:
    assert told(GOOD) == []
    assert told(between(at(PICKUP, 2, 6), at(DROP, 20, 30))) == []
    assert told(between(at(PICKUP, -5, None), DROP)) == [], "loading since this morning, open end"


def test_a_draft_is_told_everything_that_it_lacks_at_once() -> None:
    assert told(Asked()) == [
        ("order_incomplete", "stops"),
        ("order_incomplete", "cargo"),
        ("order_incomplete", "weight_kg"),
    ]
    assert told(replace(GOOD, cargo="  ")) == [("order_incomplete", "cargo")]


@pytest.mark.parametrize(
    ("stops", "expected"),
    [
        ((DROP, DROP), [("stops_invalid", "stops[0].kind")]),
        ((PICKUP, DROP, PICKUP), [("stops_invalid", "stops[2].kind")]),
        ((PICKUP, AskedStop("drop")), [("order_incomplete", "stops[1].city")]),
        ((PICKUP, AskedStop("drop", None, 43.0)), [("stops_invalid", "stops[1].lat")]),
        ((PICKUP, AskedStop("drop", None, 43.0, 76.0)), []),
        ((PICKUP,) * MAX_STOPS + (DROP,), [("stops_invalid", "stops")]),
    ],
)
def test_stops_make_a_way_from_a_pickup_to_a_drop(
    stops: tuple[AskedStop, ...], expected: list[tuple[str, str]]
) -> None:
    assert told(between(*stops)) == expected


@pytest.mark.parametrize(
    ("pickup", "drop", "expected"),
    [
        ((6, 2), (None, None), [("window_invalid", "stops[0].window_to")]),
        ((None, -1), (None, None), [("window_past", "stops[0].window_to")]),
        ((None, 0), (None, None), [("window_past", "stops[0].window_to")]),
        ((10, 20), (2, 9), [("window_invalid", "stops[1].window_to")]),
        ((10, 20), (2, 11), []),
        ((24 * 181, None), (None, None), [("window_invalid", "stops[0].window_from")]),
        ((None, 24 * 181), (None, None), [("window_invalid", "stops[0].window_to")]),
    ],
)
def test_windows_are_ahead_and_in_the_order_of_driving(
    pickup: tuple[float | None, float | None],
    drop: tuple[float | None, float | None],
    expected: list[tuple[str, str]],
) -> None:
    assert told(between(at(PICKUP, *pickup), at(DROP, *drop))) == expected


def test_a_haul_under_way_may_have_windows_behind_it() -> None:
    assert told(between(at(PICKUP, -9, -5), at(DROP, 1, 2)), begun=True) == []
    assert told(between(at(PICKUP, -5, -9), DROP), begun=True) == [("window_invalid", "stops[0].window_to")]


def test_no_load_is_larger_than_the_largest_truck_that_may_carry_it() -> None:
    assert told(replace(GOOD, weight_kg=26_000.0)) == []
    assert told(replace(GOOD, weight_kg=26_001.0)) == [("load_too_large", "weight_kg")]
    assert told(replace(GOOD, weight_kg=60_000.0, body="lowboy")) == []
    assert told(replace(GOOD, weight_kg=60_000.0, other_bodies=("lowboy",))) == []
    assert told(replace(GOOD, volume_m3=131.0)) == [("load_too_large", "volume_m3")]
    assert told(replace(GOOD, body="van", weight_kg=20_000.0)) == [], "a tent truck carries what a van would"


def test_the_largest_truck_of_a_body_carries_at_least_what_it_is_priced_for() -> None:
    assert LARGEST.keys() == BODY_CAPACITY.keys()
    for body, (weight, volume) in BODY_CAPACITY.items():
        assert LARGEST[body][0] >= weight and LARGEST[body][1] >= volume


def test_only_closed_cold_bodies_hold_a_temperature() -> None:
    cold = replace(GOOD, temp_min_c=2.0, temp_max_c=6.0)
    assert told(cold) == [("temperature_invalid", "body")]
    assert told(replace(cold, body="reefer")) == []
    assert told(replace(cold, body="isotherm", other_bodies=("reefer", "tent"))) == [
        ("temperature_invalid", "other_bodies")
    ]
    assert told(replace(cold, body="reefer", temp_min_c=9.0)) == [("temperature_invalid", "temp_max_c")]
    assert told(replace(cold, body="reefer", temp_max_c=None)) == []


def test_dangerous_goods_need_their_class() -> None:
    assert told(replace(GOOD, kind="fuel", body="tank")) == [("adr_required", "adr")]
    assert told(replace(GOOD, documents=("adr",))) == [("adr_required", "adr")]
    assert told(replace(GOOD, kind="fuel", body="tank", adr="3")) == []


def test_payment_terms_do_not_contradict_each_other() -> None:
    later = replace(GOOD, payment_when="deferred")
    assert told(later) == [("payment_invalid", "payment_days")]
    assert told(replace(later, payment_days=14, prepay_percent=30)) == []
    assert told(replace(later, payment_days=14, prepay_percent=100)) == [
        ("payment_invalid", "prepay_percent")
    ]
    assert told(replace(GOOD, payment_days=3)) == [("payment_invalid", "payment_days")]


def test_bids_need_no_price() -> None:
    assert told(replace(GOOD, pricing="bids")) == []


def test_content_is_the_form_and_back_and_an_edit_says_only_what_changes() -> None:
    content = {"stops": [{"kind": "pickup", "city": 1}, {"kind": "drop", "city": 2}], "cargo": "мука",
               "weight_kg": 20_000.0, "other_bodies": ["van", "van", "tent"]}  # fmt: skip
    asked = Asked.of({**content, "colour": "red"})
    assert asked == replace(GOOD, other_bodies=("van", "van", "tent"))
    assert asked.load == Load("мука", 20_000.0, 0.0, "tent", other_bodies=("van",))
    assert merged(content, {"cargo": "рис", "other_bodies": None}) == {
        "stops": content["stops"], "cargo": "рис", "weight_kg": 20_000.0,
    }  # fmt: skip


def test_a_copy_has_times_of_its_own_or_none() -> None:
    stops = [{"kind": "pickup", "city": 1, "window_from": 5.0, "window_to": 6.0}, {"kind": "drop", "city": 2}]
    bare = [{"kind": "pickup", "city": 1}, {"kind": "drop", "city": 2}]
    assert without_times({"stops": stops})["stops"] == bare
    moved = with_windows({"stops": stops}, [Window(7.0), Window(None, 9.0)])
    assert moved["stops"] == [{**bare[0], "window_from": 7.0}, {**bare[1], "window_to": 9.0}]
    assert without_times({"cargo": "мука"}) == {"cargo": "мука"}
