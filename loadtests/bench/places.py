"""Where things are: trucks and loads gather round the towns of Kazakhstan, as they do in life."""

from dataclasses import dataclass
from random import Random

from geo.gazetteer import Gazetteer

from .fleet import WALL, Truck

# Weighted by freight, not by people: ends of the busiest corridors.
TOWNS = {
    "Алматы": 30, "Астана": 18, "Шымкент": 14, "Караганда": 9, "Актобе": 7, "Тараз": 6, "Павлодар": 6,
    "Костанай": 5, "Кызылорда": 4, "Атырау": 4, "Семей": 4, "Талдыкорган": 3, "Кокшетау": 3, "Актау": 3,
}  # fmt: skip
SPREAD_DEGREES = 0.15  # standard deviation of places round a town: about 16 km


@dataclass(frozen=True, slots=True)
class Town:
    """A town as the bench needs it."""

    city: int
    name: str
    lat: float
    lon: float
    weight: int


def towns() -> list[Town]:
    """The towns, looked up in the gazetteer."""
    gazetteer = Gazetteer.load()
    found = []
    for name, weight in TOWNS.items():
        city = gazetteer.search(name, "ru", 1)[0]
        found.append(Town(city.id, name, city.lat, city.lon, weight))
    return found


def draw(all_towns: list[Town], random: Random) -> Town:
    """A town, the busy ones more often."""
    return random.choices(all_towns, [town.weight for town in all_towns])[0]


def near(town: Town, random: Random) -> tuple[float, float]:
    """A place round a town: (lat, lon)."""
    return random.gauss(town.lat, SPREAD_DEGREES), random.gauss(town.lon, SPREAD_DEGREES)


def truck(town: Town, random: Random, now: float) -> Truck:
    """A truck near a town with a heading and a speed of the road (m/s); `now` is time.monotonic()."""
    lat, lon = near(town, random)
    return Truck(lat, lon, random.uniform(0, 360), random.uniform(3, 25), now + WALL)


def viewport(lat: float, lon: float, half_degrees: float) -> dict[str, float]:
    """A window round a place, as `area.watch` wants it."""
    return {
        "west": lon - half_degrees, "south": lat - half_degrees,
        "east": lon + half_degrees, "north": lat + half_degrees,
    }  # fmt: skip
