"""What the stream says of an order on its way."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch import trip
from dispatch.model import Haul, Load, Money, Order, Place, Status, Stop, Window
from dispatch.trip import DWELL_S, FREE_S, Visit
from geo.crossings import Crossings
from geo.gazetteer import Gazetteer
from geo.roads import RoadGraph
from geo.travel import on_graph, travel_of
from geo.types import Position

ALMATY = Place(1526384, "Алматы", 43.25, 76.95)
ASTANA = Place(1526273, "Астана", 51.17, 71.43)
PICKUP, DROP = Stop("pickup", ALMATY), Stop("drop", ASTANA)
HERE, NOT_YET = Visit(arrived_at=100.0), Visit()
GONE = Visit(100.0, 200.0)
HOUR = 3_600.0


def seen(*fixes: tuple[float, str], visit: Visit = NOT_YET) -> Visit:
    """The visit after fixes inside (in), between fence and rim (rim) or beyond it (out)."""
    for at, where in fixes:
        visit = visit.observe(at, inside=where == "in", beyond=where == "out")
    return visit


def test_who_is_inside_for_a_minute_has_arrived_when_he_came() -> None:
    assert seen((0, "in"), (30, "in"), (60, "in")).arrived_at == 0


def test_who_passes_through_has_not_arrived() -> None:
    assert seen((0, "in"), (50, "in"), (55, "out"), (70, "in"), (100, "in")).arrived_at is None


def test_who_is_beyond_the_rim_for_a_minute_has_left_when_he_went() -> None:
    assert seen((300, "out"), (330, "out"), (360, "out"), visit=HERE) == Visit(100.0, 300.0)


def test_who_parks_at_the_rim_does_not_come_and_go() -> None:
    fixes = [(300.0 + 40 * at, "rim" if at % 2 else "out") for at in range(20)]
    assert seen(*fixes, visit=HERE).left_at is None


def test_what_is_over_stays_so() -> None:
    assert seen((900, "in"), (990, "in"), visit=GONE) == GONE


@given(st.lists(st.tuples(st.floats(1, 200), st.sampled_from(["in", "rim", "out"])), max_size=60))
def test_nobody_leaves_before_he_arrives_or_arrives_without_staying(walk: list[tuple[float, str]]) -> None:
    at, visit = 0.0, NOT_YET
    for seconds, where in walk:
        at += seconds
        before = visit
        visit = seen((at, where), visit=visit)
        if visit.arrived_at != before.arrived_at:
            assert before.arrived_at is None
            assert at - (visit.arrived_at or 0.0) >= DWELL_S
        if visit.left_at is not None:
            assert visit.arrived_at is not None
            assert visit.left_at >= visit.arrived_at


@pytest.mark.parametrize(
    ("status", "visits", "step"),
    [
        (Status.ASSIGNED, (NOT_YET, NOT_YET), None),
        (Status.ASSIGNED, (HERE, NOT_YET), Status.AT_PICKUP),
        (Status.AT_PICKUP, (HERE, NOT_YET), None),
        (Status.AT_PICKUP, (GONE, NOT_YET), Status.LOADED),
        (Status.LOADED, (GONE, NOT_YET), Status.IN_TRANSIT),
        (Status.IN_TRANSIT, (GONE, NOT_YET), None),
        (Status.IN_TRANSIT, (GONE, HERE), Status.AT_DROP),
        (Status.AT_DROP, (GONE, HERE), None),
        (Status.AT_DROP, (GONE, GONE), Status.DELIVERED),
        (Status.DELIVERED, (GONE, GONE), None),
    ],
)
def test_the_step_that_is_due_follows_from_where_the_truck_was(
    status: Status, visits: tuple[Visit, Visit], step: Status | None
) -> None:
    assert trip.suggestion(status, (PICKUP, DROP), visits) is step


def test_loading_is_suggested_after_the_last_of_several_pickups() -> None:
    stops = (PICKUP, PICKUP, DROP)
    assert trip.suggestion(Status.AT_PICKUP, stops, (GONE, HERE, NOT_YET)) is None
    assert trip.suggestion(Status.AT_PICKUP, stops, (GONE, GONE, NOT_YET)) is Status.LOADED


def test_the_clock_counts_from_the_arrival_and_what_is_beyond_two_hours_is_detention() -> None:
    clock = trip.waiting(PICKUP, HERE, 100.0 + FREE_S + 600)
    assert clock == trip.Waiting(100.0, None, FREE_S + 600, 600)


def test_whoever_comes_early_waits_at_nobodys_cost() -> None:
    stop = replace(PICKUP, window=Window(5_000.0, None))
    assert trip.waiting(stop, HERE, 4_000.0) == trip.Waiting(5_000.0, None, 0, 0)


def test_what_the_driver_said_stands_where_the_stream_says_nothing() -> None:
    steps = [
        (Status.AT_PICKUP, 10.0),
        (Status.LOADED, 20.0),
        (Status.AT_DROP, 30.0),
        (Status.DELIVERED, 40.0),
    ]
    assert trip.reported((PICKUP, DROP), (NOT_YET, NOT_YET), steps) == [Visit(10.0, 20.0), Visit(30.0, 40.0)]
    assert trip.reported((PICKUP, DROP), (Visit(5.0), NOT_YET), steps[:2])[0] == Visit(5.0, 20.0)


def test_stops_that_were_passed_are_not_ahead() -> None:
    stops = (PICKUP, DROP, DROP)
    assert trip.ahead(Status.ASSIGNED, stops, (NOT_YET, NOT_YET, NOT_YET)) == [0, 1, 2]
    assert trip.ahead(Status.IN_TRANSIT, stops, (NOT_YET, NOT_YET, NOT_YET)) == [1, 2]
    assert trip.ahead(Status.IN_TRANSIT, stops, (GONE, NOT_YET, HERE)) == [2]


def test_an_arrival_counts_driving_the_loading_before_it_and_the_lateness_behind_its_window() -> None:
    gazetteer = Gazetteer.load()
    roads, crossings = RoadGraph.load(gazetteer), Crossings.load()
    here = Position(43.3, 76.9)

    def way(*points: Position) -> object:
        graph = [roads.route(a, b) for a, b in pairwise(points)]
        return travel_of(graph, on_graph(graph), crossings)

    drop = replace(DROP, window=Window(None, HOUR))
    whole = way(here, ALMATY.position, ASTANA.position)
    first, last = trip.arrivals(whole, [0, 1], (PICKUP, drop), (NOT_YET, NOT_YET), 0.0)  # type: ignore[arg-type]
    assert (first.stop, last.stop) == (0, 1)
    assert first.late_s == 0
    assert last.late_s == last.at - HOUR
    assert last.early_at < last.at < last.late_at
    direct = way(here, ASTANA.position)
    (sooner,) = trip.arrivals(direct, [1], (PICKUP, drop), (GONE, NOT_YET), 0.0)  # type: ignore[arg-type]
    assert sooner.at < last.at - HOUR  # nothing has to be loaded any more


@pytest.mark.parametrize(
    ("told", "late", "tell"),
    [
        (0, 1_799, False),
        (0, 1_800, True),
        (1_800, 5_399, False),
        (1_800, 5_400, True),
        (5_400, 600, False),
    ],
)
def test_a_delay_is_told_at_half_an_hour_and_with_each_further_hour(
    told: float, late: float, tell: bool
) -> None:
    assert trip.worth_telling(told, late) is tell


def test_an_order_of_two_ends_has_two_stops_with_wide_fences() -> None:
    haul = Haul(ALMATY, ASTANA, 1.0, 1.0, "embedded")
    order = Order(1, 1, Status.OPEN, 1, haul, Load("x", 1.0, 1.0, "tent"), Money(1, "KZT"), 0.0, 1.0)
    assert [stop.kind for stop in trip.stops_of(order)] == ["pickup", "drop"]
    assert trip.fence_of(PICKUP) == (ALMATY.position, trip.TOWN_M)
    assert trip.fence_of(replace(PICKUP, exact=Position(43.0, 77.0)))[1] == trip.PIN_M
