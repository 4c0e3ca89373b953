"""Towns by name and by place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.aliases import ALIASES
from geo.distance import destination, haversine_m
from geo.gazetteer import City, Gazetteer, fold
from geo.types import Position

GAZETTEER = Gazetteer.load()
KAZAKH_TO_RUSSIAN = str.maketrans("әғқңөұүһіӘҒҚҢӨҰҮҺІ", "агкноуухиАГКНОУУХИ")

cities = st.sampled_from(GAZETTEER.cities)
languages = st.sampled_from(["en", "ru", "kk", "zh"])


def found_names(query: str, limit: int = 5, near: Position | None = None) -> list[str]:
    return [city.names["en"] for city in GAZETTEER.search(query, "ru", limit, near)]


def test_the_table_is_whole() -> None:
    assert len(GAZETTEER.cities) == 424
    assert sum(city.country == "KZ" for city in GAZETTEER.cities) == 93
    assert all(
        set(city.names) == {"en", "ru", "kk", "zh"} and all(city.names.values()) for city in GAZETTEER.cities
    )


@pytest.mark.parametrize("city", GAZETTEER.cities, ids=lambda city: city.names["en"])
def test_every_town_is_found_by_each_of_its_names(city: City) -> None:
    for lang, name in city.names.items():
        typed = (name, name.upper(), name.replace("-", " "), f" «{name}» ", name.translate(KAZAKH_TO_RUSSIAN))
        for query in typed:
            assert city in GAZETTEER.search(query, lang, 3), query


@pytest.mark.parametrize("alias", ALIASES)
def test_every_former_name_leads_to_its_town(alias: str) -> None:
    city = GAZETTEER.city(ALIASES[alias])
    assert city is not None and city in GAZETTEER.search(alias, "ru", 2)


@pytest.mark.parametrize(
    ("query", "town"),
    [
        ("Алма-Ата", "Almaty"),
        ("целиноград", "Astana"),
        ("Нур-Султан", "Astana"),
        ("семипалатинск", "Semey"),
        ("усть каменогорск", "Oskemen (Ust-Kamenogorsk)"),
        ("Өскемен", "Oskemen (Ust-Kamenogorsk)"),
        ("Оскемен", "Oskemen (Ust-Kamenogorsk)"),
        ("Uralsk", "Oral (Uralsk)"),
        ("уральск", "Oral (Uralsk)"),
        ("Приозерск", "Priozersk"),
        ("Xojayli", "Xo‘jayli"),
        ("urumqi", "Ürümqi"),
        ("乌鲁木齐", "Ürümqi"),
        ("Красноводск", "Türkmenbaşy"),
        ("Орел", "Oryol"),
    ],
)
def test_a_town_is_found_as_people_write_it(query: str, town: str) -> None:
    assert found_names(query)[0] == town


def test_a_whole_name_goes_before_a_longer_one_that_begins_with_it() -> None:
    assert found_names("Шу")[0] == "Shu"
    assert found_names("Шар")[:2] == ["Shar", "Shardara"]


def test_of_towns_that_begin_alike_the_larger_leads() -> None:
    found = GAZETTEER.search("Ак", "ru", 6)
    assert "Aktobe" in {city.names["en"] for city in found}
    assert [city.population for city in found] == sorted((city.population for city in found), reverse=True)


def test_the_beginning_of_a_former_name_comes_after_names_of_today() -> None:
    found = found_names("Ак", 400)
    assert found.index("Aktobe") < found.index("Akkol") < found.index("Astana")  # once Акмола


@pytest.mark.parametrize(
    ("typed", "town"),
    [
        ("Караганта", "Karaganda"),
        ("Кораганда", "Karaganda"),
        ("Карганда", "Karaganda"),
        ("Каарганда", "Karaganda"),
        ("Шимкент", "Shymkent"),
        ("Усть-Каменагорс", "Oskemen (Ust-Kamenogorsk)"),
        ("Петрапавлавск", "Petropavl"),
        ("Almati", "Almaty"),
        ("lAmaty", "Almaty"),
        ("Екатиринбур", "Yekaterinburg"),
    ],
)
def test_slips_of_the_finger_are_forgiven(typed: str, town: str) -> None:
    assert found_names(typed)[0] == town


def test_short_queries_are_taken_at_their_word() -> None:
    assert "Osh" not in found_names("Аш", 400) and "Osh" in found_names("Ош", 400)
    assert found_names("Тул", 400)[0] == "Tula"
    assert "Shymkent" not in found_names("Хим", 400)


def test_a_slip_comes_after_what_was_typed_right() -> None:
    found = found_names("Аксу", 10)
    assert found[:2] == ["Aksu", "Aksu"]


def test_of_two_towns_with_one_name_the_nearest_leads_when_a_place_is_given() -> None:
    kazakh, chinese = Position(52.3, 76.9), Position(41.1, 80.2)
    assert [city.country for city in GAZETTEER.search("Аксу", "ru", 2, near=kazakh)] == ["KZ", "CN"]
    assert [city.country for city in GAZETTEER.search("Аксу", "ru", 2, near=chinese)] == ["CN", "KZ"]
    border = GAZETTEER.search("Хоргос", "ru", 2, near=Position(44.2, 79.9))
    assert [city.country for city in border] == ["KZ", "CN"]


def test_nearness_does_not_outdo_a_larger_town_of_another_name() -> None:
    assert found_names("Ал", 3, near=Position(49.7, 84.3))[0] == "Almaty"


def test_names_tell_the_country_and_region_of_an_ambiguous_town() -> None:
    assert len({(city.country, city.admin1) for city in GAZETTEER.search("Алтай", "ru", 2)}) == 2


@pytest.mark.parametrize("query", ["", "  ", "-", "«»", "qqqqqqqq"])
def test_nothing_typed_finds_nothing(query: str) -> None:
    assert GAZETTEER.search(query, "ru", 5) == []
    assert GAZETTEER.search("Алматы", "ru", 0) == []


@given(st.text(max_size=30), languages, st.integers(0, 20))
def test_no_text_breaks_the_search(query: str, lang: str, limit: int) -> None:
    found = GAZETTEER.search(query, lang, limit)
    assert len(found) == len(set(found)) <= limit


@given(cities, languages, st.data())
def test_a_changed_letter_in_a_long_name_still_finds_the_town(
    city: City, lang: str, data: st.DataObject
) -> None:
    name = fold(city.names[lang])
    if len(name) < 4:
        return
    at = data.draw(st.integers(0, len(name) - 1))
    typed = data.draw(st.sampled_from([name[:at] + "ж" + name[at + 1 :], name[:at] + "ж" + name[at:]]))
    assert city in GAZETTEER.search(typed, lang, 424)


@given(cities)
def test_the_beginning_of_a_name_finds_the_town(city: City) -> None:
    for name in city.names.values():
        for length in range(1, len(name)):
            if fold(name[:length]):
                assert city in GAZETTEER.search(name[:length], "ru", 424)


@given(cities, st.floats(0, 360), st.floats(0, 200_000))
def test_the_nearest_town_is_the_nearest(city: City, course: float, metres: float) -> None:
    lat, lon = destination(city.lat, city.lon, course, metres)
    found = GAZETTEER.nearest(lat, lon)
    away = haversine_m(lat, lon, found.lat, found.lon)
    assert away <= min(haversine_m(lat, lon, other.lat, other.lon) for other in GAZETTEER.cities) + 1e-3


def test_ids_are_those_of_the_table() -> None:
    almaty = GAZETTEER.city(1526384)
    assert almaty is not None and almaty.names["zh"] == "阿拉木图" and almaty.tz == "Asia/Almaty"
    assert GAZETTEER.city(0) is None
    tashkent = GAZETTEER.city(1512569)
    assert tashkent is not None and tashkent.names["kk"] == tashkent.names["ru"]
