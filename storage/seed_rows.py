"""Made-up orders, drivers and saved searches, as rows that COPY takes. The same seed and time give the same rows.

Hauls, cargo, bodies and prices are drawn from `geo.freight`. Shares of terms, windows and states are assumed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from random import Random
from typing import NamedTuple

from dispatch.board import BoardSearch, Circle, Corridor
from geo.cells import BOARD_RES, cell_of, center
from geo.freight import BODIES, Drawn, Hauls, Loads, draw_price
from geo.gazetteer import City, Gazetteer
from geo.plane import route
from geo.roads import RoadGraph

from .postgres import ewkb

DAY_S = 86_400.0
# Columns of `orders` in the order of `OrderRows`.
COLUMNS = (
    "id", "shipper_id", "company_id", "status", "seq", "pickup_city", "pickup_name", "pickup_point",
    "pickup_cell", "drop_city", "drop_name", "drop_point", "pickup_from", "pickup_to", "stops", "cargo", "kind",
    "weight_kg", "volume_m3", "body", "other_bodies", "temp_min_c", "temp_max_c", "adr", "distance_m",
    "duration_s", "distance_origin", "pricing", "price_amount", "price_currency", "payment_method",
    "payment_when", "payment_days", "prepay_percent", "vat", "private", "created_at", "expires_at",
    "confirm_by", "ended_at", "wave", "board_at", "matched_version",
)  # fmt: skip
NULL = r"\N"
EXACT = 0.4  # loads whose pin is known: in the middle of a small cell round it, not of the town
PINS = 150  # different pins round a town
SPREAD_DEG = 0.09  # standard deviation of pins, about 10 km
ADR = (("2.1", 12), ("3", 45), ("4.1", 5), ("5.1", 8), ("6.1", 6), ("8", 16), ("9", 8))
ADR_SHARE = 0.02  # beside the fuel, which is always class 3
PRICINGS = (("fixed", 50), ("negotiable", 35), ("bids", 15))
METHODS = (("transfer", 62), ("cash", 30), ("card", 8))
WHENS = (
    ("on_delivery", 55, 0),
    ("on_loading", 15, 0),
    ("deferred", 15, 7),
    ("deferred", 10, 14),
    ("deferred", 5, 30),
)
PREPAYS = ((0, 70), (20, 8), (30, 8), (50, 10), (100, 4))
OTHER_BODIES = {
    "tent": ("isotherm", 0.25),
    "van": ("tent", 0.3),
    "isotherm": ("reefer", 0.4),
    "flatbed": ("lowboy", 0.1),
}


@dataclass(frozen=True, slots=True)
class Other:
    """A share of orders beside those on the board: their state, and the events that led there."""

    status: str
    share: float  # of the loads on the board
    events: tuple[str, ...]
    private: bool = False
    stale: bool = False
    assigned: bool = False


_WON = ("placed", "assigned", "at_pickup", "loaded", "in_transit", "at_drop", "delivered", "closed")
# On the board, and what else a market has. All assumed.
BOARDED = Other("open", 1.0, ("placed", "boarded"))
OTHERS = (
    Other("open", 0.010, ("placed",), private=True),
    Other("open", 0.010, ("placed", "boarded"), stale=True),
    Other("moderation", 0.004, ("placed",)),
    Other("expired", 0.020, ("placed", "boarded", "expired")),
    Other("cancelled", 0.015, ("placed", "cancelled")),
    Other("closed", 0.050, _WON, assigned=True),
    Other("delivered", 0.006, _WON[:7], assigned=True),
)


class _Pin(NamedTuple):
    point: str  # EWKB, hexadecimal
    cell: int
    lat: float
    lon: float


class _Lane(NamedTuple):
    pickup: City
    drop: City
    distance_m: float
    duration_s: float
    origin: str


class _Choice:
    """Words with weights, drawn many at once."""

    def __init__(self, words: Sequence[tuple[object, ...]]) -> None:
        self._words = [word for word, *_ in words] if len(words[0]) == 2 else list(words)
        self._weights = list(accumulate(float(str(word[1])) for word in words))

    def draw(self, random: Random, count: int) -> list[object]:
        return random.choices(self._words, cum_weights=self._weights, k=count)


class OrderRows:
    """Draws orders, chunk by chunk."""

    def __init__(
        self,
        gazetteer: Gazetteer,
        roads: RoadGraph,
        shippers: Sequence[tuple[int, int | None]],
        seed: int,
        now: float,
    ) -> None:
        """`shippers`: (user, company) of who posts."""
        self._random = Random(seed)
        self._roads = roads
        self._hauls = Hauls.corridors(gazetteer)
        self._loads = Loads(BODIES)
        self._shippers = shippers
        self._now = now
        self._lanes: dict[tuple[int, int], _Lane] = {}
        self._pins: dict[tuple[int, int], _Pin] = {}
        self._choices = [_Choice(words) for words in (PRICINGS, METHODS, WHENS, PREPAYS, ADR)]

    def chunk(self, first: int, count: int, kind: Other) -> bytes:
        """`count` orders from id `first` on, as lines of COPY in text form."""
        random = self._random
        drawn = [choice.draw(random, count) for choice in self._choices]
        shippers = random.choices(self._shippers, k=count)
        lines = []
        for number in range(count):
            pricing, method, when, prepay, adr = (each[number] for each in drawn)
            lines.append(
                self._line(
                    first + number, shippers[number], kind, str(pricing), str(method), when, prepay, str(adr)
                )
            )
        return "".join(lines).encode()

    def _line(
        self,
        order: int,
        shipper: tuple[int, int | None],
        kind: Other,
        pricing: str,
        method: str,
        when: object,
        prepay: object,
        adr: str,
    ) -> str:
        random, now = self._random, self._now
        lane = self._lane()
        pickup, drop = self._pin(lane.pickup), self._pin(lane.drop)
        load = self._loads.draw(random)
        price = int(draw_price(random, lane.distance_m, load.body, load.weight_kg)) * 100
        # Newer loads are more: the older ones have been taken.
        age = random.random() ** 2 * 5 * DAY_S
        if kind.assigned:
            age += random.random() * 60 * DAY_S
        created = now - age
        board_at = created + 20 + random.random() * 60 if "boarded" in kind.events else None
        until = now + (0.25 + random.random() * 10) * DAY_S
        confirm = now + (0.1 + random.random()) * DAY_S if random.random() < 0.5 else None
        ended = None
        if kind.stale:
            confirm = now - random.random() * DAY_S
        if kind.status in ("expired", "cancelled", "closed", "delivered"):
            ended = created + (0.05 + random.random() * 0.9) * min(age, 4 * DAY_S)
            until = created + DAY_S
        opens, closes = self._window(created)
        other, chance = OTHER_BODIES.get(load.body, ("", 0.0))
        bodies = f"{{{other}}}" if random.random() < chance else "{}"
        low, high = _temperatures(load, random)
        dangerous = load.cargo.adr or (adr if random.random() < ADR_SHARE else None)
        word, _, days = when if isinstance(when, tuple) else (when, 0, 0)
        stops = _stops(lane, pickup, drop, opens, closes)
        return (
            f"{order}\t{shipper[0]}\t{_or_null(shipper[1])}\t{kind.status}\t{len(kind.events)}\t{lane.pickup.id}"
            f"\t{lane.pickup.names['ru']}\t{pickup.point}\t{pickup.cell}\t{lane.drop.id}\t{lane.drop.names['ru']}"
            f"\t{drop.point}\t{_at(opens)}\t{_at(closes)}\t{stops}\t{load.cargo.name}\t{load.cargo.kind}"
            f"\t{load.weight_kg}\t{load.volume_m3}\t{load.body}\t{bodies}\t{low}\t{high}\t{_or_null(dangerous)}"
            f"\t{lane.distance_m}\t{lane.duration_s}\t{lane.origin}\t{pricing}\t{price}\tKZT\t{method}\t{word}\t{days}"
            f"\t{prepay}\t{'t' if random.random() < 0.55 else 'f'}\t{'t' if kind.private else 'f'}\t{_at(created)}"
            f"\t{_at(until)}\t{_at(confirm)}\t{_at(ended)}\t3\t{_at(board_at)}\t1\n"
        )

    def _lane(self) -> _Lane:
        a, b = self._hauls.draw(self._random)
        lane = self._lanes.get((a.id, b.id))
        if lane is None:
            way = self._roads.route(a.position, b.position)
            lane = _Lane(a, b, round(way.distance_m, 1), round(way.duration_s, 1), way.origin)
            self._lanes[a.id, b.id] = lane
        return lane

    def _pin(self, town: City) -> _Pin:
        random = self._random
        number = random.randrange(PINS) if random.random() < EXACT else -1
        pin = self._pins.get((town.id, number))
        if pin is None:
            lat, lon = town.lat, town.lon
            if number >= 0:
                near = cell_of(random.gauss(lat, SPREAD_DEG), random.gauss(lon, SPREAD_DEG * 1.4))
                lat, lon = center(near)
            pin = _Pin(ewkb(lat, lon).hex(), cell_of(lat, lon, BOARD_RES), lat, lon)
            self._pins[town.id, number] = pin
        return pin

    def _window(self, created: float) -> tuple[float | None, float | None]:
        random = self._random
        if random.random() < 0.25:
            return None, None
        opens = created + (0.1 + random.expovariate(0.5)) * DAY_S
        opens -= opens % 3600
        return opens, opens + random.choice((4, 8, 12, 24, 48)) * 3600


def _temperatures(load: Drawn, random: Random) -> tuple[str, str]:
    if load.body != "reefer":
        return NULL, NULL
    return ("-20", "-16") if load.cargo.kind == "meat" and random.random() < 0.7 else ("2", "6")


def _stops(lane: _Lane, pickup: _Pin, drop: _Pin, opens: float | None, closes: float | None) -> str:
    # By hand, as a million times: names of towns hold nothing that JSON or COPY would have to escape.
    window = "[null,null]" if opens is None else f"[{opens},{closes}]"
    return f"[{_stop('pickup', lane.pickup, pickup, window)},{_stop('drop', lane.drop, drop, '[null,null]')}]"


def _stop(kind: str, town: City, pin: _Pin, window: str) -> str:
    return (
        f'{{"kind":"{kind}","place":[{town.id},"{town.names["ru"]}",{pin.lat},{pin.lon}],"window":{window},'
        '"exact":null,"address":"","contact_name":"","contact_phone":"","note":""}'
    )


_MINUTES: dict[int, str] = {}


def _at(seconds: float | None) -> str:
    """A timestamp as COPY reads it."""
    if seconds is None:
        return NULL
    minute, rest = divmod(seconds, 60.0)
    known = _MINUTES.get(int(minute))
    if known is None:
        known = datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%d %H:%M:")
        _MINUTES[int(minute)] = known
    return f"{known}{min(rest, 59.999999):09.6f}+00"


def _or_null(value: object) -> str:
    return NULL if value is None else str(value)


class Truck(NamedTuple):
    """A made-up driver's truck and where it stands."""

    body: str
    capacity_kg: float
    volume_m3: float
    lat: float
    lon: float


def trucks(gazetteer: Gazetteer, count: int, seed: int) -> Iterator[Truck]:
    """Trucks where loads are, of the bodies that loads ask for."""
    random, hauls = Random(f"{seed}:trucks"), Hauls.corridors(gazetteer)
    bodies, weights = list(BODIES), [share for share, *_ in BODIES.values()]
    for _ in range(count):
        town, _ = hauls.draw(random)
        (body,) = random.choices(bodies, weights)
        _, tonnes, room, _ = BODIES[body]
        size = random.choice((1.0, 1.0, 0.9, 0.5)) if body != "van" else random.choice((1.0, 0.3))
        yield Truck(
            body,
            round(tonnes * size * 1000.0, -2),
            round(room * size, 1),
            random.gauss(town.lat, SPREAD_DEG),
            random.gauss(town.lon, SPREAD_DEG * 1.4),
        )


class Wish(NamedTuple):
    """A made-up saved search."""

    name: str
    search: BoardSearch
    given: dict[str, object]


def wishes(gazetteer: Gazetteer, roads: RoadGraph, count: int, seed: int) -> Iterator[Wish]:
    """Searches as drivers save them: round a town, to a town, along a road; half of them with more."""
    random, hauls = Random(f"{seed}:wishes"), Hauls.corridors(gazetteer)
    along: dict[tuple[int, int, float], Corridor] = {}
    for number in range(count):
        a, b = hauls.draw(random)
        kind = random.random()
        given: dict[str, object] = {"fits": True}
        near = to = corridor = None
        if kind < 0.85:
            radius = random.choice((50_000.0, 100_000.0, 150_000.0, 200_000.0, 300_000.0))
            near = Circle(a.lat, a.lon, radius)
            given |= {"from_city": a.id, "radius_m": radius}
        if 0.45 < kind < 0.95:
            radius = random.choice((50_000.0, 100_000.0, 200_000.0))
            to = Circle(b.lat, b.lon, radius)
            given |= {"to_city": b.id, "to_radius_m": radius}
        if kind >= 0.95:
            detour = random.choice((20_000.0, 50_000.0))
            key = (a.id, b.id, detour)
            if key not in along:
                way = roads.route(a.position, b.position)
                along[key] = Corridor(route(way.line, way.distance_m, Corridor.reach_m(detour)), detour)
            corridor = along[key]
            given |= {"route_from": a.id, "route_to": b.id, "max_detour_m": detour}
        per_km = random.choice((None, None, 20_000, 25_000, 30_000, 35_000))
        weight = random.choice((None, None, None, 5_000.0, 10_000.0))
        if per_km is not None:
            given["price_per_km_min"] = per_km
        if weight is not None:
            given["weight_min_kg"] = weight
        search = BoardSearch(near=near, to=to, corridor=corridor, per_km_min=per_km, weight_min_kg=weight)
        yield Wish(f"{a.names['ru']} — {b.names['ru']} {number}", search, given)
