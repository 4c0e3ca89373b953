"""Toll sections over the corridor graph, and their rates."""

import pytest

from geo.gazetteer import Gazetteer
from geo.roads import RoadGraph
from geo.tolls import TollTable

TOLLS = TollTable.load()
GAZETTEER = Gazetteer.load()
ROADS = RoadGraph.load(GAZETTEER)


def towns(*names: str) -> tuple[int, ...]:
    return tuple(GAZETTEER.search(name, "en", 1)[0].id for name in names)


def test_every_section_lies_on_a_road_of_the_graph_and_is_no_longer_than_it() -> None:
    for pair, roads in TOLLS.pairs.items():
        a, b = (GAZETTEER.city(id) for id in pair)
        assert a is not None and b is not None
        way = ROADS.route(a.position, b.position)
        metres = next(
            metres for start, end, metres in ROADS.roads if {start, end} == {a.position, b.position}
        )
        assert sum(road.metres for road in roads) <= metres, (a.names["en"], b.names["en"])
        assert way.distance_m <= metres


@pytest.mark.parametrize(
    "section",
    "almaty-konaev konaev-taldykorgan astana-temirtau astana-shchuchinsk shchuchinsk-kokshetau astana-pavlodar "
    "almaty-khorgos shymkent-taraz taraz-kainar shymkent-kyzylorda kyzylorda-aralsk kostanay-denisovka "
    "shymkent-uzbekistan".split(),
)
def test_the_sections_with_most_trips_are_in_the_table(section: str) -> None:
    assert section in {road.section for roads in TOLLS.pairs.values() for road in roads}


@pytest.mark.parametrize(
    ("capacity_kg", "prepaid", "postpaid"),
    [
        (2_500, 8.0, 9.7),
        (2_501, 16.0, 19.0),
        (5_500, 16.0, 19.0),
        (10_000, 24.0, 29.0),
        (15_000, 33.0, 39.0),
        (15_001, 41.0, 48.0),
        (90_000, 41.0, 48.0),
    ],
)
def test_category_one_costs_what_the_table_of_2026_says(
    capacity_kg: float, prepaid: float, postpaid: float
) -> None:
    way = towns("Almaty", "Khorgos")
    for early, rate in ((True, prepaid), (False, postpaid)):
        [toll] = TOLLS.on(way, capacity_kg, early)
        assert (toll.section, toll.metres, toll.assumed) == ("almaty-khorgos", 295_000.0, False)
        assert toll.amount == pytest.approx(295 * rate)


def test_rates_that_were_not_published_say_so() -> None:
    way = towns("Karaganda", "Balkhash")
    assert [(toll.amount, toll.assumed) for toll in TOLLS.on(way, 10_000, True)] == [(363 * 19.0, False)]
    assert [(toll.amount, toll.assumed) for toll in TOLLS.on(way, 22_000, True)] == [(363 * 32.0, True)]


def test_a_section_over_several_roads_is_told_once_with_its_whole_length() -> None:
    found = TOLLS.on(towns("Taldykorgan", "Sarkand", "Usharal", "Ayagoz", "Oskemen"), 22_000, True)
    assert [(toll.section, toll.metres) for toll in found] == [("taldykorgan-oskemen", 768_000.0)]


def test_a_road_without_a_section_is_free_and_so_is_standing_still() -> None:
    assert TOLLS.on(towns("Aktobe", "Oral"), 22_000, True) == []
    assert TOLLS.on(towns("Almaty"), 22_000, True) == TOLLS.on((), 22_000, True) == []
