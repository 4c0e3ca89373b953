"""What is carried from where to where: the one table behind generated loads, for load tests and for seeds.

Sources, collected in the project's freight facts: section weights are trips on toll sections in 2025 (KazAvtoZhol,
millions; inform.kz), cross-border cargo shares CAREC CPMM 2023. **Assumed** (no published figure was found):
weights of sections without tolls, shares of bodies and of cargo inside the country, densities, the split of
weights, and the whole price curve.
"""

from collections.abc import Collection, Sequence
from functools import cache
from itertools import accumulate
from math import exp, log, sqrt
from random import Random
from typing import NamedTuple

from .distance import haversine_m
from .gazetteer import City, Gazetteer
from .roads import RoadGraph
from .types import Position


class Section(NamedTuple):
    """A stretch of road and how busy it is, in millions of trips a year."""

    a: str
    b: str
    trips: float


# Kainar lies between Taraz and Almaty, the border section ends at Saryagash, Denisovka's road passes Rudny; the
# Taraz bypass (1.9) is part of Shymkent-Taraz.
SECTIONS = (
    Section("Almaty", "Konaev", 11.8),
    Section("Shymkent", "Saryagash", 9.3),
    Section("Shymkent", "Taraz", 8.4),
    Section("Taraz", "Almaty", 5.4),
    Section("Shymkent", "Kyzylorda", 4.8),
    Section("Astana", "Temirtau", 4.4),
    Section("Konaev", "Taldykorgan", 3.9),
    Section("Astana", "Shchuchinsk", 3.7),
    Section("Shchuchinsk", "Kokshetau", 3.2),
    Section("Astana", "Pavlodar", 2.5),
    Section("Almaty", "Khorgos", 2.5),
    Section("Kostanay", "Rudny", 1.9),
    Section("Kyzylorda", "Aralsk", 1.8),
    # Without tolls, or where only trucks and buses pay: assumed.
    Section("Karaganda", "Temirtau", 4.0),
    Section("Karaganda", "Balkhash", 1.5),
    Section("Balkhash", "Almaty", 1.5),
    Section("Almaty", "Korday", 1.5),
    Section("Pavlodar", "Semey", 1.0),
    Section("Semey", "Oskemen", 1.0),
    Section("Taldykorgan", "Oskemen", 0.8),
    Section("Aralsk", "Aktobe", 0.8),
    Section("Aktobe", "Uralsk", 0.8),
    Section("Aktobe", "Atyrau", 0.6),
    Section("Atyrau", "Aktau", 0.6),
    Section("Kokshetau", "Petropavl", 1.0),
    Section("Kokshetau", "Kostanay", 0.8),
    Section("Karaganda", "Zhezkazgan", 0.8),
)
ONWARD = 0.45  # chance that a haul goes on over the next section, at either end: assumed


class Cargo(NamedTuple):
    """A kind of cargo: its share of loads, the bodies that take it, tonnes a cubic metre, the word of orders for
    it, and its class as dangerous goods."""

    name: str
    share: float
    bodies: tuple[str, ...]
    density: float
    kind: str
    adr: str | None = None


# Vegetables 29.4 %, machinery 16.9 %, textiles 9.3 % are CAREC's for cross-border loads; the rest is assumed.
CARGO = (
    Cargo("овощи и фрукты", 29.4, ("reefer", "tent", "isotherm"), 0.35, "vegetables"),
    Cargo("оборудование", 16.9, ("tent", "flatbed", "lowboy"), 0.30, "machinery"),
    Cargo("одежда и ткани", 9.3, ("tent", "container", "van"), 0.20, "textiles"),
    Cargo("мука и зерно", 8.0, ("tent", "tipper"), 0.70, "grain"),
    Cargo("стройматериалы", 7.5, ("tent", "flatbed", "tipper"), 0.90, "construction"),
    Cargo("продукты и напитки", 6.5, ("tent", "isotherm", "reefer", "van"), 0.45, "food"),
    Cargo(
        "электроника и товары народного потребления", 6.0, ("tent", "container", "van"), 0.20, "electronics"
    ),
    Cargo("металлопрокат", 4.0, ("flatbed", "tent"), 2.5, "metal"),
    Cargo("сборный груз", 4.0, ("tent", "van", "isotherm"), 0.30, "groupage"),
    Cargo("автозапчасти", 2.0, ("tent", "van", "container"), 0.35, "auto_parts"),
    Cargo("мебель", 1.8, ("tent", "van"), 0.15, "furniture"),
    Cargo("мясо", 1.6, ("reefer",), 0.40, "meat"),
    Cargo("бытовая химия", 1.5, ("tent", "container"), 0.45, "household"),
    Cargo("ГСМ, ADR 3", 1.0, ("tank",), 0.80, "fuel", "3"),
    Cargo("удобрения", 0.5, ("tent", "tipper"), 0.90, "fertilizer"),
)

# Share of trucks, most tonnes, most cubic metres, price against a tent truck. Shares and prices are assumed.
BODIES = {
    "tent": (0.55, 22.0, 92.0, 1.0),
    "reefer": (0.14, 20.0, 86.0, 1.25),
    "isotherm": (0.06, 20.0, 60.0, 1.1),
    "flatbed": (0.08, 25.0, 90.0, 1.15),
    "container": (0.05, 24.0, 67.0, 1.0),
    "tipper": (0.05, 30.0, 40.0, 1.0),
    "tank": (0.03, 24.0, 30.0, 1.2),
    "lowboy": (0.02, 60.0, 120.0, 1.8),
    "van": (0.02, 5.0, 36.0, 0.65),
}

# (share, least and most tonnes): full loads, half loads, groupage. Assumed.
WEIGHTS = ((0.45, 19.0, 22.0), (0.20, 10.0, 18.0), (0.35, 0.1, 8.0))
_WEIGHT_SHARES = tuple(accumulate(share for share, *_ in WEIGHTS))

PER_KM = 380.0  # KZT, median; 5 and 95 % at 270 and 550: lognormal. All of the price curve is assumed.
PER_KM_SPREAD = log(550 / 270) / (2 * 1.645)
RETURN_SHARE, RETURN_PRICE = 0.3, 0.75  # loads in the empty-return direction
SHORT_M, SHORT_PRICE = 200_000.0, 1.3
LEAST_KZT = 20_000.0
NAMES_ITS_PRICE = 0.4  # the other shippers take the price that the desk quotes


class Hauls:
    """Where loads go: (pickup, drop) drawn by how busy the roads are."""

    def __init__(self, sections: Sequence[tuple[City, City, float]], onward: float) -> None:
        self._sections = sections
        self._weights = list(accumulate(trips for _, _, trips in sections))
        self._onward = onward
        self._towns = {town.id: town for a, b, _ in sections for town in (a, b)}
        self._from: dict[int, list[tuple[City, float]]] = {}
        for a, b, trips in sections:
            self._from.setdefault(a.id, []).append((b, trips))
            self._from.setdefault(b.id, []).append((a, trips))

    @classmethod
    def corridors(cls, gazetteer: Gazetteer) -> "Hauls":
        """Long hauls over the sections above."""
        return cls([(_town(gazetteer, s.a), _town(gazetteer, s.b), s.trips) for s in SECTIONS], ONWARD)

    @classmethod
    def short(cls, gazetteer: Gazetteer, roads: RoadGraph, longest_m: float = 45_000.0) -> "Hauls":
        """Hauls between neighbouring towns of Kazakhstan, for time-lapse: delivered within minutes.

        The larger the towns and the nearer, the more is carried (a gravity model, assumed).
        """
        towns = {city.position: city for city in gazetteer.cities if city.country == "KZ"}
        short = [
            (towns[a], towns[b], sqrt(towns[a].population * towns[b].population) / metres**1.5)
            for a, b, metres in roads.roads
            if metres <= longest_m and a in towns and b in towns
        ]
        return cls(short, onward=0.0)

    def nearest(self, place: Position) -> City:
        """The town of these hauls that is nearest to a place."""
        return min(self._towns.values(), key=lambda town: haversine_m(*place, *town.position))

    def draw(self, random: Random) -> tuple[City, City]:
        """A pickup and a drop."""
        a, b, _ = random.choices(self._sections, cum_weights=self._weights)[0]
        passed = {a.id, b.id}
        a, b = self._extend(random, a, passed), self._extend(random, b, passed)
        return (a, b) if random.random() < 0.5 else (b, a)

    def neighbour(self, random: Random, town: City) -> City:
        """A town one section away, the town itself when no section ends there."""
        towns = self._from.get(town.id, [])
        return random.choices(towns, [trips for _, trips in towns])[0][0] if towns else town

    def _extend(self, random: Random, end: City, passed: set[int]) -> City:
        while random.random() < self._onward:
            roads = [(town, trips) for town, trips in self._from[end.id] if town.id not in passed]
            if not roads:
                break
            end = random.choices([town for town, _ in roads], [trips for _, trips in roads])[0]
            passed.add(end.id)
        return end


class Drawn(NamedTuple):
    """A load that one truck takes: kg and m3."""

    cargo: Cargo
    body: str
    weight_kg: float
    volume_m3: float


class Loads:
    """Draws loads for some bodies."""

    def __init__(self, bodies: Collection[str]) -> None:
        choices = [
            (cargo, body, cargo.share * BODIES[body][0] / sum(BODIES[each][0] for each in cargo.bodies))
            for cargo in CARGO
            for body in cargo.bodies
            if body in bodies
        ]
        if not choices:
            raise ValueError(f"no cargo goes into {', '.join(bodies) or 'no body'}")
        self._choices = [(cargo, body) for cargo, body, _ in choices]
        self._weights = list(accumulate(weight for *_, weight in choices))

    def draw(self, random: Random) -> Drawn:
        """One load."""
        ((cargo, body),) = random.choices(self._choices, cum_weights=self._weights)
        ((_, least, most),) = random.choices(WEIGHTS, cum_weights=_WEIGHT_SHARES)
        _, body_t, body_m3, _ = BODIES[body]
        tonnes = min(random.uniform(least, most), body_t, body_m3 * cargo.density)
        return Drawn(cargo, body, round(tonnes * 1000.0), round(tonnes / cargo.density, 1))


def draw_load(random: Random, bodies: Collection[str]) -> tuple[str, str, float, float]:
    """(cargo, body, kg, m3) that one truck of a body in `bodies` can take. ValueError when no body is known."""
    drawn = _loads(frozenset(bodies)).draw(random)
    return drawn.cargo.name, drawn.body, drawn.weight_kg, drawn.volume_m3


_loads = cache(Loads)


def draw_price(random: Random, distance_m: float, body: str, weight_kg: float) -> float:
    """KZT for the haul, to 1,000. Groupage pays for the share of the truck that it takes, and a third more."""
    per_km = PER_KM * exp(random.gauss(0, PER_KM_SPREAD)) * BODIES[body][3]
    if random.random() < RETURN_SHARE:
        per_km *= RETURN_PRICE
    if distance_m < SHORT_M:
        per_km *= SHORT_PRICE
    share = min(1.0, 1.33 * weight_kg / (BODIES[body][1] * 1000.0))
    return max(LEAST_KZT, round(per_km * distance_m / 1000.0 * share, -3))


def _town(gazetteer: Gazetteer, name: str) -> City:
    found = gazetteer.search(name, "en", 1)
    if not found:
        raise ValueError(f"the gazetteer does not know {name}")
    return found[0]
