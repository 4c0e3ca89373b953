"""Border crossings: the table, and which one lies on a way."""

import pytest

from geo.crossings import Crossings
from geo.distance import haversine_m
from geo.gazetteer import Gazetteer
from geo.types import Position

CROSSINGS = Crossings.load()
GAZETTEER = Gazetteer.load()
LANGS = ("ru", "kk", "en", "zh")


def at(name: str, country: str) -> Position:
    return next(city for city in GAZETTEER.search(name, "en", 8) if city.country == country).position


@pytest.mark.parametrize(
    "id",
    "korday nur-zholy dostyk bakhty maykapshagay kolzhat konysbaeva kazygurt atameken kaplanbek zhaysan syrym "
    "taskala kurmangazy kayrak zhana-zhol sharbakty kosak auyl".split(),
)
def test_the_known_crossings_have_their_names_in_four_languages(id: str) -> None:
    crossing = CROSSINGS.crossing(id)
    assert crossing is not None and all(crossing.names[lang] for lang in LANGS)


def test_every_crossing_is_once_in_the_table_near_the_neighbour_that_it_leads_to() -> None:
    assert len({crossing.id for crossing in CROSSINGS.all}) == len(CROSSINGS.all) >= 40
    for crossing in CROSSINGS.all:
        near = sorted(
            (haversine_m(crossing.lat, crossing.lon, city.lat, city.lon), city.country)
            for city in GAZETTEER.cities
        )
        assert crossing.neighbour in {country for metres, country in near if metres < 420_000}, crossing.id
        assert next(metres for metres, country in near if country == "KZ") < 420_000, crossing.id
        assert crossing.kind in ("multilateral", "bilateral")


@pytest.mark.parametrize(
    ("one", "other", "id"),
    [
        (("Korday", "KZ"), ("Bishkek", "KG"), "korday"),
        (("Taraz", "KZ"), ("Kara-Balta", "KG"), "sypatay-batyr"),
        (("Khorgos", "KZ"), ("Horgos", "CN"), "nur-zholy"),
        (("Dostyk", "KZ"), ("Alashankou", "CN"), "dostyk"),
        (("Petropavl", "KZ"), ("Kurgan", "RU"), "zhana-zhol"),
        (("Semey", "KZ"), ("Rubtsovsk", "RU"), "auyl"),
        (("Zhetisay", "KZ"), ("Guliston", "UZ"), "atameken"),
        (("Aktobe", "KZ"), ("Orenburg", "RU"), "zhaysan"),
    ],
)
def test_a_way_takes_the_crossing_of_its_pair_of_countries_with_the_least_way_round(
    one: tuple[str, str], other: tuple[str, str], id: str
) -> None:
    for (a, a_country), (b, b_country) in ((one, other), (other, one)):
        found = CROSSINGS.between(at(a, a_country), a_country, at(b, b_country), b_country)
        assert found is not None and found.id == id


def test_trucks_are_not_sent_over_a_crossing_for_people() -> None:
    foot = CROSSINGS.crossing("zhibek-zholy")
    assert foot is not None and not foot.trucks
    found = CROSSINGS.between(foot.position, "KZ", at("Tashkent", "UZ"), "UZ")
    assert found is not None and found != foot


def test_no_crossing_is_known_between_two_other_countries_or_to_one_that_is_no_neighbour() -> None:
    osh, andijan, almaty = at("Osh", "KG"), at("Andijan", "UZ"), at("Almaty", "KZ")
    assert CROSSINGS.between(osh, "KG", andijan, "UZ") is None
    assert CROSSINGS.between(almaty, "KZ", at("Dushanbe", "TJ"), "TJ") is None


def test_entering_takes_longer_than_leaving_and_says_whose_mean_that_is() -> None:
    korday = CROSSINGS.crossing("korday")
    assert korday is not None and korday.wait_origin == "carec-kz-mean"
    assert (korday.wait_s("KZ"), korday.wait_s("KG")) == (4.0 * 3_600, pytest.approx(4.6 * 3_600))
    assert CROSSINGS.crossing("nowhere") is None
