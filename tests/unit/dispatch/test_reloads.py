"""When a driver is free again, and what suits him then."""

from dataclasses import replace
from typing import Any

import pytest

from dispatch.model import Haul, Load, Money, Order, Place, Status, Stop, Vehicle, Window
from dispatch.reloads import MAX_WAIT_S, Free, circles, free_after, suggest
from dispatch.trip_cost import LOADING_S, UNLOADING_S
from geo.distance import haversine_m
from geo.types import Position

ALMATY = Place(1, "Алматы", 43.25, 76.95)
ASTANA = Place(2, "Астана", 51.17, 71.43)
KARAGANDA = Place(3, "Караганда", 49.80, 73.10)
PETROPAVL = Place(4, "Петропавл", 54.87, 69.15)
VEHICLE = Vehicle(1, "tent", 22_000.0, 90.0)
HOUR = 3600.0


def order(
    number: int,
    pickup: Place,
    drop: Place,
    price: int = 40_000_000,
    window: Window | None = None,
    **changes: Any,
) -> Order:
    metres = haversine_m(*pickup.position, *drop.position) * 1.2
    stops = () if window is None else (Stop("pickup", pickup, window), Stop("drop", drop))
    made = Order(
        id=number,
        shipper=9,
        status=Status.OPEN,
        seq=1,
        haul=Haul(pickup, drop, metres, metres / 18.0, "embedded", stops),
        load=Load("мука", 20_000.0, 40.0, "tent"),
        price=Money(price, "KZT"),
        created_at=0.0,
        expires_at=1e9,
    )
    return replace(made, **changes)


HAUL = order(1, ALMATY, ASTANA)


def free_at(status: Status, here: Position | None) -> float:
    free = free_after([replace(HAUL, status=status)], here, 0.0)
    assert free is not None and free.where == ASTANA.position
    return free.at


def test_the_less_is_left_to_do_the_sooner_the_truck_is_free() -> None:
    near, drop = ALMATY.position, ASTANA.position
    steps = [
        free_at(Status.ASSIGNED, near),
        free_at(Status.AT_PICKUP, near),
        free_at(Status.LOADED, near),
        free_at(Status.IN_TRANSIT, KARAGANDA.position),
        free_at(Status.IN_TRANSIT, drop),
        free_at(Status.AT_DROP, drop),
    ]
    assert steps == sorted(steps, reverse=True)
    assert steps[1] - steps[2] == pytest.approx(LOADING_S, rel=0.5)
    assert steps[-1] == UNLOADING_S


def test_long_hauls_count_the_nights() -> None:
    driving_s = HAUL.haul.duration_s
    assert free_at(Status.LOADED, ALMATY.position) > driving_s + UNLOADING_S + 9 * HOUR


def test_without_a_position_the_whole_haul_is_still_to_come() -> None:
    assert free_at(Status.IN_TRANSIT, None) == pytest.approx(free_at(Status.LOADED, None))


def test_the_load_taken_at_the_drop_of_the_first_is_carried_after_it() -> None:
    second = order(2, KARAGANDA, ALMATY, status=Status.ASSIGNED)
    free = free_after([replace(HAUL, status=Status.AT_DROP), second], ASTANA.position, 0.0)
    assert free is not None and free.where == ALMATY.position
    alone = free_after([second], ASTANA.position, UNLOADING_S)
    assert alone is not None and free.at == pytest.approx(alone.at)


def test_without_a_load_the_truck_is_free_where_it_stands_or_nobody_knows() -> None:
    assert free_after([], ALMATY.position, 5.0) == Free(5.0, ALMATY.position)
    assert free_after([], None, 5.0) is None


FREE = Free(1000.0, ASTANA.position)


def ids(*orders: Order, home: Position | None = None) -> list[int]:
    return [entry.order.id for entry in suggest(orders, FREE, VEHICLE, home, 10)]


def test_the_better_hour_comes_first_the_empty_run_counted_in() -> None:
    near, far = order(1, ASTANA, KARAGANDA), order(2, KARAGANDA, ASTANA)
    assert ids(far, near) == [1, 2]
    assert ids(far, near, order(3, ASTANA, KARAGANDA, price=50_000_000)) == [3, 1, 2]


def test_of_two_like_loads_the_one_that_leads_home_comes_first() -> None:
    away = order(1, ASTANA, PETROPAVL, price=20_000_000)
    home = order(2, ASTANA, KARAGANDA, price=9_500_000)
    assert ids(away, home) == [1, 2]
    found = suggest([away, home], FREE, VEHICLE, ALMATY.position, 10)
    by_id = {entry.order.id: entry for entry in found}
    assert by_id[2].homeward > 0 > by_id[1].homeward
    assert by_id[2].score > by_id[2].per_hour and by_id[1].score < by_id[1].per_hour


def test_what_does_not_fit_the_truck_is_left_out() -> None:
    heavy = order(1, ASTANA, ALMATY, load=Load("сталь", 25_000.0, 10.0, "tent"))
    cold = order(2, ASTANA, ALMATY, load=Load("мясо", 10_000.0, 40.0, "reefer"))
    assert ids(heavy, cold, order(3, ASTANA, ALMATY)) == [3]


def test_a_pickup_that_is_over_before_the_truck_comes_is_left_out_and_a_wait_costs() -> None:
    closed = order(1, KARAGANDA, ALMATY, window=Window(None, FREE.at + HOUR))
    later = order(2, ASTANA, ALMATY, window=Window(FREE.at + 10 * HOUR, None))
    tomorrow = order(3, ASTANA, ALMATY, window=Window(FREE.at + MAX_WAIT_S + HOUR, None))
    now = order(4, ASTANA, ALMATY, window=Window(None, FREE.at + HOUR))
    assert ids(closed, later, tomorrow, now) == [4, 2]
    (entry,) = suggest([later], FREE, VEHICLE, None, 10)
    assert entry.wait_s == pytest.approx(10 * HOUR) and entry.arrive_at == pytest.approx(FREE.at)
    assert entry.per_hour < entry.profit.per_hour


def test_a_load_that_loses_money_stands_last_wherever_it_leads() -> None:
    gift = order(1, ASTANA, ALMATY, price=1_000_000)
    fair = order(2, ASTANA, PETROPAVL, price=20_000_000)
    assert ids(gift, fair, home=ALMATY.position) == [2, 1]


def test_circles_lead_from_the_drop_along_the_way_home() -> None:
    assert circles(FREE, None, 150_000.0) == [(*ASTANA.position, 150_000.0)]
    around = circles(FREE, ALMATY.position, 150_000.0)
    assert around[0] == (*ASTANA.position, 150_000.0) and len(around) > 3
    away = [haversine_m(lat, lon, *ALMATY.position) for lat, lon, _ in around]
    assert away == sorted(away, reverse=True)
    assert circles(Free(0.0, ALMATY.position), ALMATY.position, 150_000.0) == [(*ALMATY.position, 150_000.0)]
