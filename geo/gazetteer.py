"""Towns by name, in any of their languages and with slips, and by place. Data: `geo/data/README.md`."""

import csv
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import pairwise
from math import dist
from unicodedata import combining, normalize

from .aliases import ALIASES
from .distance import Vector, unit
from .types import Position

# Kazakh letters as people type them on a Russian keyboard; ё is how dictionaries, not people, write е.
_PLAIN = str.maketrans("әғқңөұүһіё", "агкноуухие", "ʻʼ")

# The beginning of a former name counts less: "Ак" means Актобе, not Астана that was Акмола. Slips come after.
_EXACT, _PREFIX, _FORMER = 0, 1, 2

# Letters of a query from which one, then two slips are forgiven; fewer letters would match half the map.
_ONE_SLIP, _TWO_SLIPS = 4, 8


def fold(text: str) -> str:
    """A name as it is compared: no case, accents, spaces or punctuation, Kazakh letters as plain Cyrillic."""
    bare = normalize("NFKD", text.casefold().translate(_PLAIN))
    return "".join(letter for letter in bare if letter.isalnum() and not combining(letter))


@dataclass(frozen=True, slots=True)
class City:
    """A town: GeoNames id (negative: our own), ISO country, GeoNames region code, names by language (en, ru,
    kk, zh; kk is the Russian name outside Kazakhstan), WGS-84 degrees, inhabitants, IANA time zone."""

    id: int
    country: str
    admin1: str
    names: dict[str, str] = field(hash=False)
    lat: float
    lon: float
    population: int
    tz: str

    @property
    def position(self) -> Position:
        return Position(self.lat, self.lon)


class Gazetteer:
    """The built-in towns, searchable. Immutable after loading."""

    def __init__(self, cities: Iterable[City]) -> None:
        self.cities = tuple(cities)
        self._by_id = {city.id: city for city in self.cities}
        self._units: list[tuple[Vector, City]] = [(unit(city.lat, city.lon), city) for city in self.cities]
        keys = {(fold(name), city.id, _PREFIX) for city in self.cities for name in _spellings(city)}
        keys |= {(fold(alias), id, _FORMER) for alias, id in ALIASES.items() if id in self._by_id}
        self._keys = sorted(keys)
        # Where each pair of letters stands, so that a search with slips looks at a few names instead of all.
        self._pairs: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, (name, _, _) in enumerate(self._keys):
            for at in range(len(name) - 1):
                self._pairs[name[at : at + 2]].append((number, at))

    @classmethod
    def load(cls) -> "Gazetteer":
        """The towns of `geo/data/cities-central-asia.csv`."""
        with (files("geo") / "data" / "cities-central-asia.csv").open(encoding="utf-8") as table:
            return cls([_city(row) for row in csv.DictReader(table)])

    def city(self, id: int) -> City | None:
        """The town of an id, None when there is none."""
        return self._by_id.get(id)

    def nearest(self, lat: float, lon: float) -> City:
        """The town whose centre is nearest to a place."""
        here = unit(lat, lon)
        return min(self._units, key=lambda entry: dist(here, entry[0]))[1]

    def search(self, query: str, lang: str, limit: int, near: Position | None = None) -> list[City]:
        """Towns that a person may mean by `query`, at most `limit`, best first.

        A whole name goes before the beginning of one, that before a slip; then the larger town. With
        `near`, towns that share their name in `lang` stand together, the nearest of them first.
        """
        wanted = fold(query)
        if not wanted or limit < 1:
            return []
        ranks = self._matches(wanted)
        if len(ranks) < limit:
            for rank, id in self._slips(wanted):
                ranks[id] = min(rank, ranks.get(id, rank))
        matches = [(rank, self._by_id[id]) for id, rank in ranks.items()]
        matches.sort(key=lambda match: (match[0], -match[1].population, match[1].id))
        if near is not None:
            _bring_namesakes_together(matches, lang, unit(*near))
        return [city for _, city in matches[:limit]]

    def _matches(self, wanted: str) -> dict[int, int]:
        """Ranks of the towns with a name that is, or begins with, `wanted`."""
        ranks: dict[int, int] = {}
        for number in range(bisect_left(self._keys, (wanted,)), len(self._keys)):
            name, id, begun = self._keys[number]
            if not name.startswith(wanted):
                break
            rank = _EXACT if name == wanted else begun
            ranks[id] = min(rank, ranks.get(id, rank))
        return ranks

    def _slips(self, wanted: str) -> Iterator[tuple[int, int]]:
        """(rank, town) of names that begin with `wanted` but for a slip or two."""
        most = (len(wanted) >= _ONE_SLIP) + (len(wanted) >= _TWO_SLIPS)
        if not most:
            return
        for at in range(len(wanted) - 1):
            swapped = wanted[:at] + wanted[at + 1] + wanted[at] + wanted[at + 2 :]
            for id in self._matches(swapped):
                yield _FORMER + 1, id
        # Cut into one piece more than slips are allowed, and one piece is left whole, at most that far away.
        pieces = most + 1
        cuts = [len(wanted) * number // pieces for number in range(pieces + 1)]
        seen: set[int] = set()
        for start, end in pairwise(cuts):
            piece = wanted[start:end]
            for number, at in self._pairs.get(piece[:2], ()):
                name, id, _ = self._keys[number]
                if number in seen or abs(at - start) > most or not name.startswith(piece, at):
                    continue
                seen.add(number)
                edits = _edits(wanted, name, most)
                if edits <= most:
                    yield _FORMER + edits, id


def _edits(wanted: str, name: str, most: int) -> int:
    """Letters to insert, drop or change until `name` begins with `wanted`; anything above `most` if more."""
    name = name[: len(wanted) + most]
    row = list(range(len(name) + 1))
    for count, letter in enumerate(wanted, 1):
        corner, row[0] = row[0], count
        for at, other in enumerate(name, 1):
            changed = corner + (letter != other)
            corner = row[at]
            row[at] = min(changed, corner + 1, row[at - 1] + 1)
        if min(row) > most:
            return most + 1
    return min(row)


def _bring_namesakes_together(matches: list[tuple[int, City]], lang: str, here: Vector) -> None:
    """Order matches of one rank and name by distance, all at the place of the foremost of them."""
    place: dict[tuple[int, str], int] = {}
    for rank, city in matches:
        place.setdefault((rank, _shown(city, lang)), len(place))
    matches.sort(
        key=lambda match: (place[match[0], _shown(match[1], lang)], dist(here, unit(*match[1].position)))
    )


def _shown(city: City, lang: str) -> str:
    return city.names.get(lang, city.names["en"]).partition("(")[0].strip()


def _spellings(city: City) -> Iterator[str]:
    """Every way to write a town: whole names, and both halves of 'Oral (Uralsk)'."""
    for name in city.names.values():
        yield name
        first, _, second = normalize("NFKC", name).rstrip(")").partition("(")
        yield first
        # Shorter ones tell a country apart: Хоргос (КНР).
        if len(second) > 3:
            yield second


def _city(row: dict[str, str]) -> City:
    names = {lang: row[f"name_{lang}"] for lang in ("en", "ru", "kk", "zh")}
    names["kk"] = names["kk"] or names["ru"]
    return City(
        id=int(row["geonameid"]),
        country=row["country"],
        admin1=row["admin1"],
        names=names,
        lat=float(row["lat"]),
        lon=float(row["lon"]),
        population=int(row["population"]),
        tz=row["tz"],
    )
