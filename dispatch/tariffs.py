"""Prices that staff have set over the coded tariff: a table by body and distance, and prices of single lanes.

Both are kept as versions that nobody changes afterwards. One rule says which of them counts: the newest version
that has begun. So a version for next month waits until then, and one that begins today also takes the place of
what was planned.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from geo.travel import Travel

from .errors import Refusal
from .model import Load, Money
from .pricing import Tariff, fill, quote, rounded

# Where a price is from.
CODED, TABLE, LANE = "default", "tariff", "lane-set"
ANY_BODY = ""


class Band(NamedTuple):
    """Tiyn a km up to this distance (metres); the last band of a body is open (None)."""

    upto_m: float | None
    per_km: int


@dataclass(frozen=True, slots=True)
class Table:
    """One version of the table. Amounts in tiyn; `bands` by body in order of distance; `kinds` are factors by kind
    of cargo; `minimum` is what no haul goes below, `loading_fee` comes on top of the way; `abroad` is the factor
    across a border. `set_by`, `set_at` and `note`: who of the staff, when and why."""

    version: int
    valid_from: float
    bands: Mapping[str, tuple[Band, ...]]
    kinds: Mapping[str, float] = field(default_factory=dict)
    minimum: int = 0
    loading_fee: int = 0
    abroad: float = 2.1
    note: str = ""
    set_by: int = 0
    set_at: float = 0.0


@dataclass(frozen=True, slots=True)
class LanePrice:
    """One version of the price from one town to another, for one body or for all (ANY_BODY).

    `kind`: total (tiyn for a whole truck) | per_km (tiyn) | none (the table counts again).
    """

    pickup: int
    drop: int
    body: str
    version: int
    kind: str
    amount: int
    valid_from: float
    valid_until: float | None = None
    note: str = ""
    set_by: int = 0
    set_at: float = 0.0
    id: int = 0

    @property
    def lane(self) -> tuple[int, int, str]:
        """What versions follow each other of."""
        return self.pickup, self.drop, self.body


class Run(NamedTuple):
    """What is to be priced. Towns are those of the first and the last stop; `direct`: nothing lies between."""

    distance_m: float
    weight_kg: float
    volume_m3: float
    body: str
    kind: str = "general"
    pickup: int | None = None
    drop: int | None = None
    abroad: bool = False
    direct: bool = True


def run_of(way: Travel, load: Load, pickup: int | None, drop: int | None, *, direct: bool) -> Run:
    """The load on its way, between these towns."""
    return Run(
        way.distance_m,
        load.weight_kg,
        load.volume_m3,
        load.body,
        load.kind,
        pickup,
        drop,
        bool(way.borders),
        direct,
    )


class Priced(NamedTuple):
    """A price, whose it is (CODED, TABLE, LANE), and the version of that."""

    price: Money
    origin: str
    version: int | None = None


class Prices:
    """All versions that may count now or later, over the coded tariff. Immutable."""

    def __init__(self, coded: Tariff, tables: Iterable[Table] = (), lanes: Iterable[LanePrice] = ()) -> None:
        self.coded = coded
        self._tables = sorted(tables, key=lambda table: -table.version)
        self._lanes: dict[tuple[int, int, str], list[LanePrice]] = {}
        for lane in sorted(lanes, key=lambda lane: -lane.version):
            self._lanes.setdefault(lane.lane, []).append(lane)

    def table(self, now: float) -> Table | None:
        """The table in force, None while the coded tariff is."""
        return next((table for table in self._tables if table.valid_from <= now), None)

    def lane(self, pickup: int, drop: int, body: str, now: float) -> LanePrice | None:
        """The lane's own price: for this body before that for any."""
        for which in (body, ANY_BODY):
            versions = self._lanes.get((pickup, drop, which), ())
            begun = next((lane for lane in versions if lane.valid_from <= now), None)
            if begun is not None and begun.kind != "none":
                if begun.valid_until is None or now < begun.valid_until:
                    return begun
        return None

    def price(self, run: Run, now: float) -> Priced:
        """What the haul costs at `now`. KeyError for a body that is not in the coded tariff."""
        share = fill(run.weight_kg, run.volume_m3, run.body, self.coded)
        table = self.table(now)
        lane = None
        if run.pickup is not None and run.drop is not None:
            lane = self.lane(run.pickup, run.drop, run.body, now)
        if lane is not None and lane.kind == "total" and run.direct:
            return Priced(rounded(lane.amount * share, self.coded), LANE, lane.version)
        if lane is not None and lane.kind == "per_km":
            whole = lane.amount * run.distance_m / 1000.0
            return Priced(self._charged(whole * share, run, table), LANE, lane.version)
        bands = () if table is None else table.bands.get(run.body, ())
        if table is None or not bands:
            price = quote(
                run.distance_m, run.weight_kg, run.volume_m3, run.body, self.coded, abroad=run.abroad
            )
            return Priced(price, CODED)
        whole = whole_truck(run.distance_m, bands) * (table.abroad if run.abroad else 1.0)
        return Priced(self._charged(whole * share, run, table), TABLE, table.version)

    def _charged(self, amount: float, run: Run, table: Table | None) -> Money:
        if table is not None:
            amount = max(amount * table.kinds.get(run.kind, 1.0) + table.loading_fee, table.minimum)
        return rounded(amount, self.coded)


def whole_truck(distance_m: float, bands: Sequence[Band]) -> float:
    """Tiyn for a whole truck over this distance. Where a band ends the price stays level until that of the next
    one meets it, so that a longer way is never cheaper."""
    most = 0.0
    for upto_m, per_km in bands:
        most = max(most, per_km / 1000.0 * (distance_m if upto_m is None else min(distance_m, upto_m)))
        if upto_m is not None and distance_m <= upto_m:
            break
    return most


class Tariffs(Protocol):
    """Where the prices that count now are held."""

    async def now(self) -> Prices:
        """All of them, no older than a minute."""
        ...


def banded(rates: Sequence[tuple[str, float | None, int]], path: str) -> dict[str, tuple[Band, ...]]:
    """Bands by body out of (body, upto_m, per_km) in any order. Refusal `bad_request` at a field of `path` for a
    body whose bands end somewhere, or which says a distance twice."""
    found: dict[str, list[Band]] = {}
    for number, (body, upto_m, per_km) in enumerate(rates):
        bands = found.setdefault(body, [])
        if any(band.upto_m == upto_m for band in bands):
            raise Refusal("bad_request", "this body has a rate for this distance already").at(
                f"{path}[{number}].upto_km"
            )
        bands.append(Band(upto_m, per_km))
    for body, bands in found.items():
        if all(band.upto_m is not None for band in bands):
            last = max(number for number, rate in enumerate(rates) if rate[0] == body)
            raise Refusal("bad_request", "the last rate of a body has no end").at(f"{path}[{last}].upto_km")
    return {body: tuple(sorted(bands, key=_end)) for body, bands in found.items()}


def _end(band: Band) -> float:
    return float("inf") if band.upto_m is None else band.upto_m
