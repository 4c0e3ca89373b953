"""Places out of the built-in tables: towns and crossings by name, any pin by its bearing from the nearest town."""

import re

from .crossings import Crossings
from .distance import bearing_deg, haversine_m
from .gazetteer import City, Gazetteer, fold
from .geocoding import Found
from .types import Position

ORIGIN = "gazetteer"
# Within so far of its centre a place is in the town; a pin farther out is told by its bearing.
_IN_TOWN_M = 3_000.0

_PIN = re.compile(r"\s*(-?\d{1,2}(?:[.,]\d+)?)\s*[,;\s]\s*(-?\d{1,3}(?:[.,]\d+)?)\s*")
# What people write before the name of a town.
_TOWN_WORD = re.compile(r"^(г\.?|гор\.?|город|қ\.?|қаласы|city( of)?|town)\s+", re.IGNORECASE)

_DIRECTIONS = {
    "en": ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west"),
    "ru": (
        "к северу",
        "к северо-востоку",
        "к востоку",
        "к юго-востоку",
        "к югу",
        "к юго-западу",
        "к западу",
        "к северо-западу",
    ),
    "kk": (
        "солтүстікке",
        "солтүстік-шығысқа",
        "шығысқа",
        "оңтүстік-шығысқа",
        "оңтүстікке",
        "оңтүстік-батысқа",
        "батысқа",
        "солтүстік-батысқа",
    ),
    "zh": ("北", "东北", "东", "东南", "南", "西南", "西", "西北"),
}
# The town stays in its dictionary form: Russian and Kazakh cases of names are nobody's to guess.
_FORMS = {
    "en": "{town}, {km} km {way}",
    "ru": "{town}, {km} км {way}",
    "kk": "{town}, {way} қарай {km} км",
    "zh": "{town}{way}方向{km}公里",
}


class Whereabouts:
    """The embedded geocoder: never fails, knows no street."""

    def __init__(self, gazetteer: Gazetteer, crossings: Crossings) -> None:
        self._gazetteer = gazetteer
        self._crossings = [
            ({fold(name) for name in crossing.names.values()}, crossing) for crossing in crossings.all
        ]

    def search(self, text: str, lang: str, near: Position | None, limit: int) -> list[Found]:
        """A pin that was typed, crossings, towns; of an address the town alone, as an estimate."""
        pin = pin_of(text)
        if pin is not None:
            return [self.reverse(pin, lang)]
        found = self.crossings(text, lang)
        found += [_town(city, lang) for city in self._gazetteer.search(text, lang, limit, near)]
        if not found:
            found = [
                _town(city, lang)._replace(precision="estimate", kind="address")
                for city in self._towns_in(text, lang)
            ]
        return found[:limit]

    def crossings(self, text: str, lang: str) -> list[Found]:
        """Crossings whose name begins so."""
        wanted = fold(text)
        if len(wanted) < 3:
            return []
        return [
            Found(
                crossing.names[lang],
                crossing.lat,
                crossing.lon,
                "place",
                "crossing",
                ORIGIN,
                "KZ",
                crossing.id,
            )
            for names, crossing in self._crossings
            if any(name.startswith(wanted) for name in names)
        ]

    def reverse(self, at: Position, lang: str) -> Found:
        """The nearest town, with the bearing from it when the place is outside."""
        town = self._gazetteer.nearest(*at)
        metres = haversine_m(town.lat, town.lon, *at)
        name = _name(town, lang)
        inside = metres <= _IN_TOWN_M
        if not inside:
            way = _DIRECTIONS[lang][round(bearing_deg(town.lat, town.lon, *at) / 45) % 8]
            name = _FORMS[lang].format(town=name, km=max(1, round(metres / 1_000)), way=way)
        precision = "town" if inside else "estimate"
        return Found(name, at.lat, at.lon, precision, "pin", ORIGIN, town.country, str(town.id))

    def _towns_in(self, text: str, lang: str) -> list[City]:
        """The town that an address names: from its end, as addresses are written, then from its start."""
        parts = [_TOWN_WORD.sub("", part.strip()) for part in re.split(r"[,;]", text)]
        for part in (*reversed(parts), *parts):
            for city in self._gazetteer.search(part, lang, 1):
                if fold(part) in {fold(name) for name in city.names.values()}:
                    return [city]
        return []


def pin_of(text: str) -> Position | None:
    """Degrees that somebody typed or pasted: latitude first."""
    match = _PIN.fullmatch(text)
    if match is None:
        return None
    lat, lon = (float(part.replace(",", ".")) for part in match.groups())
    return Position(lat, lon) if abs(lat) <= 90 and abs(lon) <= 180 else None


def _town(city: City, lang: str) -> Found:
    return Found(_name(city, lang), city.lat, city.lon, "town", "city", ORIGIN, city.country, str(city.id))


def _name(city: City, lang: str) -> str:
    return city.names.get(lang, city.names["en"])
