"""Border crossings of Kazakhstan: which one a truck takes between two towns. Data: `geo/data/README.md`."""

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.resources import files

from .distance import haversine_m
from .types import Position

HOME = "KZ"


@dataclass(frozen=True, slots=True)
class Crossing:
    """A road crossing of Kazakhstan into `neighbour`; `opposite` is the post on the other side.

    `kind`: multilateral, or bilateral (citizens and trucks of the two states only). `wait_out_s` and
    `wait_in_s` are mean seconds to leave and to enter Kazakhstan, `wait_origin` whose mean that is.
    """

    id: str
    neighbour: str
    names: dict[str, str] = field(hash=False)
    opposite: str
    lat: float
    lon: float
    kind: str
    trucks: bool
    wait_out_s: float
    wait_in_s: float
    wait_origin: str

    @property
    def position(self) -> Position:
        """About where it is: within some kilometres."""
        return Position(self.lat, self.lon)

    def wait_s(self, leaves: str) -> float:
        """Mean seconds for a truck that comes out of country `leaves`."""
        return self.wait_out_s if leaves == HOME else self.wait_in_s


class Crossings:
    """The crossings, by the neighbour that they lead to. Immutable after loading."""

    def __init__(self, crossings: Iterable[Crossing]) -> None:
        self.all = tuple(crossings)
        self._by_id = {crossing.id: crossing for crossing in self.all}
        self._by_neighbour: dict[str, list[Crossing]] = defaultdict(list)
        for crossing in self.all:
            if crossing.trucks:
                self._by_neighbour[crossing.neighbour].append(crossing)

    @classmethod
    def load(cls) -> "Crossings":
        """The crossings of `geo/data/border-crossings.csv`."""
        with (files("geo") / "data" / "border-crossings.csv").open(encoding="utf-8") as table:
            return cls([_crossing(row) for row in csv.DictReader(table)])

    def crossing(self, id: str) -> Crossing | None:
        """The crossing of an id."""
        return self._by_id.get(id)

    def between(self, a: Position, a_country: str, b: Position, b_country: str) -> Crossing | None:
        """The truck crossing with the least way round from `a` to `b`, None where the table has none."""
        if HOME not in (a_country, b_country):
            return None
        neighbour = b_country if a_country == HOME else a_country

        def round_about(at: Crossing) -> float:
            return haversine_m(*a, at.lat, at.lon) + haversine_m(*b, at.lat, at.lon)

        return min(self._by_neighbour.get(neighbour, ()), key=round_about, default=None)


def _crossing(row: dict[str, str]) -> Crossing:
    return Crossing(
        id=row["crossing"],
        neighbour=row["neighbour"],
        names={lang: row[f"name_{lang}"] for lang in ("en", "ru", "kk", "zh")},
        opposite=row["opposite_en"],
        lat=float(row["lat"]),
        lon=float(row["lon"]),
        kind=row["kind"],
        trucks=row["trucks"] == "1",
        wait_out_s=float(row["wait_out_h"]) * 3_600,
        wait_in_s=float(row["wait_in_h"]) * 3_600,
        wait_origin=row["wait_origin"],
    )
