"""What a haul costs: one tariff, one function, nothing learned and nothing hidden."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from .model import Money

# Against a tent truck; reference/freight-facts.md 4.4 for reefer, isotherm, flatbed, lowboy and tank.
# Container and tipper have no figure there and are taken as a tent truck.
BODY_MULTIPLIER: Mapping[str, float] = MappingProxyType(
    {
        "tent": 1.0,
        "reefer": 1.25,
        "isotherm": 1.1,
        "flatbed": 1.15,
        "container": 1.0,
        "tipper": 1.0,
        "tank": 1.2,
        "lowboy": 1.8,
        "van": 0.65,
    }
)

# What one truck of a body carries, kg and m3 (freight-facts 4.3, upper middle of the range; the van is the
# 5-tonner). A load beyond it is priced as the trucks that it fills.
BODY_CAPACITY: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "tent": (22_000.0, 86.0),
        "reefer": (20_000.0, 86.0),
        "isotherm": (20_000.0, 82.0),
        "flatbed": (22_000.0, 90.0),
        "container": (26_000.0, 76.0),
        "tipper": (25_000.0, 40.0),
        "tank": (25_000.0, 30.0),
        "lowboy": (40_000.0, 120.0),
        "van": (5_000.0, 36.0),
    }
)


@dataclass(frozen=True, slots=True)
class Tariff:
    """Domestic prices. The median per km and the multipliers are freight-facts 4.4, themselves assumptions
    ("no published price list was found"); floor, least share and part-load markup are ours."""

    per_km: float = 380.0  # KZT, tent 20-25 t
    currency: str = "KZT"
    minor_units: int = 100
    short_haul_m: float = 200_000.0
    short_haul_multiplier: float = 1.3
    floor_m: float = 80_000.0  # a truck is not started for less than this distance earns
    part_load_markup: float = 1.3  # collecting a full truck from part loads costs room and time
    least_share: float = 0.1
    small_van: tuple[float, float, float] = (1_500.0, 16.0, 0.45)  # kg, m3, multiplier of a 1.5-tonner
    rounding: float = 100.0  # KZT
    # Across a border hauls are priced in USD, 1.2-2.0 a km (freight-facts 4.4): 1.6 at 500 KZT against 380.
    abroad_multiplier: float = 2.1
    bodies: Mapping[str, float] = field(default_factory=lambda: BODY_MULTIPLIER)
    capacity: Mapping[str, tuple[float, float]] = field(default_factory=lambda: BODY_CAPACITY)


def quote(
    distance_m: float, weight_kg: float, volume_m3: float, body: str, tariff: Tariff, *, abroad: bool = False
) -> Money:
    """The price of carrying this load so far, in minor units (tiyn), rounded to `tariff.rounding`.

    `abroad`: over a border. Never falls when distance, weight or volume grow. KeyError for a body that is not in
    the tariff.
    """
    full_truck = tariff.per_km / 1000.0 * _priced_distance(distance_m, tariff)
    amount = full_truck * _truck_share(weight_kg, volume_m3, body, tariff)
    if abroad:
        amount *= tariff.abroad_multiplier
    steps = max(1, round(amount / tariff.rounding))
    return Money(round(steps * tariff.rounding * tariff.minor_units), tariff.currency)


def _priced_distance(distance_m: float, tariff: Tariff) -> float:
    """Short hauls cost more a km; just past the limit the price stays level until the plain rate meets it,
    so that 210 km is never cheaper than 190 km."""
    short = min(distance_m, tariff.short_haul_m) * tariff.short_haul_multiplier
    return max(distance_m, short, tariff.floor_m)


def _truck_share(weight_kg: float, volume_m3: float, body: str, tariff: Tariff) -> float:
    """The load as a share of a tent truck's price."""
    return tariff.bodies[body] * fill(weight_kg, volume_m3, body, tariff)


def fill(weight_kg: float, volume_m3: float, body: str, tariff: Tariff) -> float:
    """What the load costs of a whole truck of its body: part loads by what they fill, with a markup."""
    capacity_kg, capacity_m3 = tariff.capacity[body]
    share = max(weight_kg / capacity_kg, volume_m3 / capacity_m3)
    if body == "van":  # hired whole: a 1.5-tonner, a 5-tonner, or several of them
        small_kg, small_m3, small_multiplier = tariff.small_van
        if weight_kg <= small_kg and volume_m3 <= small_m3:
            return small_multiplier / tariff.bodies[body]
        return max(1.0, share)
    if share > 1:
        return share
    return min(1.0, max(tariff.least_share, share * tariff.part_load_markup))


def rounded(amount: float, tariff: Tariff) -> Money:
    """An amount in minor units as prices are told: to the step of the tariff, never nothing."""
    step = tariff.rounding * tariff.minor_units
    return Money(round(max(1, round(amount / step)) * step), tariff.currency)
