"""The embedded geocoder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.crossings import Crossings
from geo.distance import destination
from geo.gazetteer import Gazetteer
from geo.geocoding import PRECISIONS
from geo.types import Position
from geo.whereabouts import Whereabouts, pin_of

OWN = Whereabouts(Gazetteer.load(), Crossings.load())
KONAEV = Position(43.8668, 77.0630)


@pytest.mark.parametrize(
    ("text", "pin"),
    [
        ("43.25, 76.9", (43.25, 76.9)),
        ("43.25 76.9", (43.25, 76.9)),
        (" 43,25; 76,9 ", (43.25, 76.9)),
        ("-1.5, -179.9", (-1.5, -179.9)),
        ("91, 10", None),
        ("43", None),
        ("43.25, 190", None),
        ("Алматы, 12", None),
        ("", None),
    ],
)
def test_degrees_are_read_latitude_first(text: str, pin: tuple[float, float] | None) -> None:
    assert pin_of(text) == pin


@pytest.mark.parametrize(
    ("course", "russian", "english", "kazakh", "chinese"),
    [
        (0, "к северу", "north", "солтүстікке", "北"),
        (44, "к северо-востоку", "north-east", "солтүстік-шығысқа", "东北"),
        (90, "к востоку", "east", "шығысқа", "东"),
        (135, "к юго-востоку", "south-east", "оңтүстік-шығысқа", "东南"),
        (180, "к югу", "south", "оңтүстікке", "南"),
        (225, "к юго-западу", "south-west", "оңтүстік-батысқа", "西南"),
        (270, "к западу", "west", "батысқа", "西"),
        (315, "к северо-западу", "north-west", "солтүстік-батысқа", "西北"),
        (359, "к северу", "north", "солтүстікке", "北"),
    ],
)
def test_a_pin_outside_is_told_by_its_bearing_in_four_languages(
    course: float, russian: str, english: str, kazakh: str, chinese: str
) -> None:
    at = destination(*KONAEV, course, 12_000)
    assert OWN.reverse(at, "ru").label == f"Конаев, 12 км {russian}"
    assert OWN.reverse(at, "en").label == f"Konaev, 12 km {english}"
    assert OWN.reverse(at, "kk").label == f"Қонаев, {kazakh} қарай 12 км"
    assert OWN.reverse(at, "zh").label.endswith(f"{chinese}方向12公里")
    assert OWN.reverse(at, "ru").precision == "estimate"


def test_in_the_town_it_is_the_town() -> None:
    found = OWN.reverse(destination(*KONAEV, 10, 2_000), "ru")
    assert (found.label, found.precision, found.kind) == ("Конаев", "town", "pin")


@pytest.mark.parametrize(
    ("text", "town"),
    [
        ("Алматы, ул. Абая 12", "Алматы"),
        ("ул. Абая 12, г. Астана", "Астана"),
        ("проспект Республики, 5, город Шымкент", "Шымкент"),
        ("Abay St 12, Karaganda", "Караганда"),
    ],
)
def test_of_an_address_the_town_is_found_and_said_to_be_an_estimate(text: str, town: str) -> None:
    [found] = OWN.search(text, "ru", None, 5)
    assert (found.label, found.precision, found.kind) == (town, "estimate", "address")


def test_a_crossing_is_found_by_the_beginning_of_its_name_in_any_language() -> None:
    for text in ("Нур Жо", "nur zholy", "Нұр Жолы", "努尔若雷"):
        found = OWN.search(text, "en", None, 5)
        assert (found[0].id, found[0].kind) == ("nur-zholy", "crossing"), text
    assert OWN.crossings("Ко", "ru") == []  # two letters are half the table


def test_namesakes_near_the_reader_stand_first() -> None:
    north = OWN.search("Aksu", "en", Position(52.0, 77.0), 5)
    south = OWN.search("Aksu", "en", Position(41.1, 80.2), 5)
    assert (north[0].country, south[0].country) == ("KZ", "CN")


@given(st.text(max_size=40), st.sampled_from(["ru", "kk", "en", "zh"]), st.integers(1, 10))
def test_whatever_is_typed_gets_at_most_so_many_places_with_a_known_precision(
    text: str, lang: str, limit: int
) -> None:
    found = OWN.search(text, lang, None, limit)
    assert len(found) <= limit
    assert all(each.precision in PRECISIONS and each.label for each in found)
