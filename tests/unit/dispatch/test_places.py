"""What everybody may know of where a stop is."""

import pytest

from dispatch.asked import AskedStop
from dispatch.errors import Refusal
from dispatch.places import CITY_M, TOWN_M, located
from geo.cells import PUBLIC_RES, cell_of, reach_m
from geo.distance import destination, haversine_m
from geo.gazetteer import Gazetteer
from geo.types import Position

GAZETTEER = Gazetteer.load()
ALMATY = GAZETTEER.search("Алматы", "ru", 1)[0]
SARYSHAGAN = GAZETTEER.search("Балхаш", "ru", 1)[0]


def at(metres: float, **more: object) -> AskedStop:
    lat, lon = destination(ALMATY.lat, ALMATY.lon, 0.0, metres)
    return AskedStop("pickup", lat=lat, lon=lon, **more)  # type: ignore[arg-type]  # passed on as written


def test_a_town_alone_is_its_centre() -> None:
    stop = located(AskedStop("pickup", ALMATY.id), GAZETTEER, "stops[0]")
    assert (stop.place.city, stop.place.name, stop.exact) == (ALMATY.id, "Алматы", None)


def test_an_address_in_a_town_is_told_as_the_town() -> None:
    stop = located(at(CITY_M - 100, address="ул. Абая, 1"), GAZETTEER, "stops[0]")
    assert stop.place == located(AskedStop("pickup", ALMATY.id), GAZETTEER, "").place
    assert stop.exact is not None and stop.address == "ул. Абая, 1"


def test_an_address_out_of_town_is_told_as_the_cell_around_it() -> None:
    asked = at(40_000)
    stop = located(asked, GAZETTEER, "stops[0]")
    told, exact = stop.place.position, stop.exact
    assert exact is not None and told != exact
    assert 0 < haversine_m(*told, *exact) <= reach_m(PUBLIC_RES)
    assert cell_of(*told, PUBLIC_RES) == cell_of(*exact, PUBLIC_RES)
    neighbour = located(at(40_050), GAZETTEER, "stops[0]")
    assert neighbour.place == stop.place, "two farms of one cell look the same"


def test_a_pin_far_from_the_town_that_was_named_is_refused_but_not_from_the_nearest_there_is() -> None:
    with pytest.raises(Refusal, match="address_far") as refusal:
        located(AskedStop("pickup", SARYSHAGAN.id, ALMATY.lat, ALMATY.lon), GAZETTEER, "stops[1]")
    assert refusal.value.path == "stops[1].city"
    steppe = Position(46.0, 70.5)
    nearest = GAZETTEER.nearest(*steppe)
    assert haversine_m(*steppe, nearest.lat, nearest.lon) > TOWN_M
    stop = located(AskedStop("pickup", None, *steppe), GAZETTEER, "")
    again = located(AskedStop("pickup", stop.place.city, *steppe), GAZETTEER, "")
    assert again.place == stop.place, "an edit that says it again moves nothing"


def test_an_unknown_town_and_no_place_at_all_are_refused_by_name() -> None:
    for asked, code in ((AskedStop("drop", 10**9), "place_unknown"), (AskedStop("drop"), "order_incomplete")):
        with pytest.raises(Refusal, match=code) as refusal:
            located(asked, GAZETTEER, "stops[3]")
        assert refusal.value.path == "stops[3].city"
