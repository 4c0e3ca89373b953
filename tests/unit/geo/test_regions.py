"""Regions by their towns."""

from geo.cells import cell_of
from geo.gazetteer import Gazetteer
from geo.regions import Regions, around

GAZETTEER = Gazetteer.load()
REGIONS = Regions(GAZETTEER)


def test_every_town_is_in_a_region_and_every_region_has_a_town() -> None:
    for city in GAZETTEER.cities:
        code = REGIONS.of_city(city.id)
        assert code is not None and code in REGIONS and city.country in REGIONS
    assert len({region.code for region in REGIONS.all}) == len(REGIONS.all)
    assert "KZ.99" not in REGIONS and "XX" not in REGIONS and REGIONS.of_city(5) is None


def test_a_place_is_in_the_region_of_the_town_nearest_to_it() -> None:
    for city in GAZETTEER.cities:
        if city.population > 300_000 and city.country == "KZ":
            assert REGIONS.of_cell(cell_of(city.lat, city.lon)) == REGIONS.of_city(city.id)


def test_around_somebody_are_a_region_and_its_country() -> None:
    assert around("KZ.02") == ("KZ.02", "KZ") and around(None) == ()
