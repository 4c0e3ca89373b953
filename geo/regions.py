"""Regions, as staff name the people that a message is for: a country, or a region of it, by the towns that it has.

The gazetteer knows towns, not borders of regions: a place counts to the region of the town nearest to it. Near the
edge of a region that may be the neighbour; for saying whom a notice is for it is enough.
"""

from functools import lru_cache
from typing import NamedTuple

from .cells import center, parent
from .gazetteer import City, Gazetteer

CELL_RES = 6  # edge 3.7 km: trucks of one town share a few cells, so that few are looked up
KNOWN = 50_000  # cells whose region is remembered


class Region(NamedTuple):
    """`code` is the country's (KZ), with a point and GeoNames' code for a part of it (KZ.02); `main` its largest
    town."""

    code: str
    country: str
    main: City


class Regions:
    """All regions that have a town in the gazetteer."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer
        largest: dict[str, City] = {}
        for city in gazetteer.cities:
            for code in (city.country, code_of(city)):
                if code not in largest or city.population > largest[code].population:
                    largest[code] = city
        self.all = [Region(code, city.country, city) for code, city in sorted(largest.items())]
        self._codes = frozenset(largest)
        self._of_cell = lru_cache(maxsize=KNOWN)(self._nearest)

    def __contains__(self, code: object) -> bool:
        return code in self._codes

    def of_city(self, id: int) -> str | None:
        """The region of a town, None for one that the gazetteer does not have."""
        city = self._gazetteer.city(id)
        return None if city is None else code_of(city)

    def of_cell(self, cell: int) -> str:
        """The region of an H3 cell of resolution CELL_RES or finer."""
        return self._of_cell(parent(cell, CELL_RES))

    def _nearest(self, cell: int) -> str:
        return code_of(self._gazetteer.nearest(*center(cell)))


def code_of(city: City) -> str:
    """The region that a town is in."""
    return f"{city.country}.{city.admin1}"


def around(code: str | None) -> tuple[str, ...]:
    """A region and its country: what may be named for somebody who is there."""
    return () if code is None else (code, code.partition(".")[0])
