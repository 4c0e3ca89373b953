"""Which kilometres of a way are tolled, and by what rate. Data: `geo/data/README.md`."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import pairwise
from math import inf
from typing import Literal, NamedTuple


@dataclass(frozen=True, slots=True)
class TollRoad:
    """So many tolled metres of a section between two neighbouring towns.

    `assumed`: the length is our reading of the map, not a published figure.
    """

    section: str
    names: dict[str, str] = field(hash=False)
    category: str
    metres: float
    assumed: bool


class TollRate(NamedTuple):
    """Money for a kilometre, by the weight that a truck may carry (kg, inclusive)."""

    category: str
    up_to_kg: float
    prepaid: float
    postpaid: float
    origin: Literal["published", "derived"]


@dataclass(frozen=True, slots=True)
class Toll:
    """What one section costs: KZT, metres; `assumed` when its length or its rate is no published figure."""

    section: str
    names: dict[str, str] = field(hash=False)
    metres: float
    amount: float
    assumed: bool

    def plus(self, other: "Toll") -> "Toll":
        """Both passages of the section together."""
        return Toll(
            self.section,
            self.names,
            self.metres + other.metres,
            self.amount + other.amount,
            self.assumed or other.assumed,
        )


class TollTable:
    """Toll sections by the pair of towns that they lie between, and the rates of one year."""

    currency = "KZT"

    def __init__(
        self, year: int, roads: Iterable[tuple[int, int, TollRoad]], rates: Iterable[TollRate]
    ) -> None:
        self.year = year
        self._roads: dict[frozenset[int], list[TollRoad]] = defaultdict(list)
        for a, b, road in roads:
            self._roads[frozenset((a, b))].append(road)
        self._rates = sorted(rates, key=lambda rate: rate.up_to_kg)

    @classmethod
    def load(cls) -> "TollTable":
        """The sections of `toll-sections.csv` with the rates of `toll-rates.csv`, both in `geo/data`."""
        data = files("geo") / "data"
        with (data / "toll-rates.csv").open(encoding="utf-8") as table:
            rows = list(csv.DictReader(table))
        rates = [_rate(row) for row in rows]
        with (data / "toll-sections.csv").open(encoding="utf-8") as table:
            roads = [
                (int(row["a_geonameid"]), int(row["b_geonameid"]), _road(row))
                for row in csv.DictReader(table)
            ]
        return cls(int(rows[0]["year"]), roads, rates)

    @property
    def pairs(self) -> dict[frozenset[int], list[TollRoad]]:
        """Every pair of neighbouring towns with a tolled road between them."""
        return dict(self._roads)

    def on(self, towns: Sequence[int], capacity_kg: float, prepaid: bool) -> list[Toll]:
        """The tolls of a way past these towns for a truck that may carry so much, in order of driving."""
        tolls: dict[str, Toll] = {}
        for pair in pairwise(towns):
            for road in self._roads.get(frozenset(pair), ()):
                rate = self._rate(road.category, capacity_kg)
                price = rate.prepaid if prepaid else rate.postpaid
                assumed = road.assumed or rate.origin == "derived"
                toll = Toll(road.section, road.names, road.metres, road.metres / 1_000 * price, assumed)
                before = tolls.get(road.section)
                tolls[road.section] = toll if before is None else before.plus(toll)
        return list(tolls.values())

    def _rate(self, category: str, capacity_kg: float) -> TollRate:
        return next(
            rate for rate in self._rates if rate.category == category and capacity_kg <= rate.up_to_kg
        )


def _rate(row: dict[str, str]) -> TollRate:
    return TollRate(
        row["category"],
        float(row["up_to_t"]) * 1_000 if row["up_to_t"] else inf,
        float(row["prepaid"]),
        float(row["postpaid"]),
        "published" if row["origin"] == "published" else "derived",
    )


def _road(row: dict[str, str]) -> TollRoad:
    return TollRoad(
        row["section"],
        {"en": row["name_en"], "ru": row["name_ru"]},
        row["category"],
        float(row["toll_km"]) * 1_000,
        row["km_source"] == "assumed",
    )
