"""What a truck uses up, by its size: one table of assumptions, and every figure out of it says that it is one."""

from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from geo.routing import Profile

from .pricing import BODY_CAPACITY


class Size(NamedTuple):
    """A class of trucks by what they may carry (kg, inclusive). Litres a 100 km loaded and empty, wear in KZT a km
    (tyres, oil, repairs), empty weight and heaviest single axle empty and loaded in kg, metres outside."""

    up_to_kg: float
    loaded_l: float
    empty_l: float
    wear: float
    tare_kg: float
    axle_empty_kg: float
    axle_loaded_kg: float
    height_m: float
    length_m: float


# All assumed, round figures of the trade for trucks on open roads; nobody has measured a fleet for this table.
SIZES = (
    Size(1_500, 13.0, 11.0, 12.0, 2_000, 1_200, 2_200, 2.6, 6.5),
    Size(5_500, 20.0, 16.0, 22.0, 4_000, 2_400, 6_500, 3.4, 8.5),
    Size(10_000, 26.0, 20.0, 28.0, 7_500, 4_500, 9_500, 3.7, 10.0),
    Size(15_000, 30.0, 23.0, 36.0, 10_000, 5_000, 10_000, 3.9, 12.0),
    Size(26_000, 34.0, 25.0, 45.0, 16_000, 5_500, 10_000, 4.0, 16.5),
    Size(inf, 42.0, 29.0, 62.0, 20_000, 6_000, 11_000, 4.0, 20.0),
)
# A cooler burns its own diesel; high and heavy loads stand in the wind. Assumed as well.
BODY_FUEL = {"reefer": 1.10, "isotherm": 1.02, "lowboy": 1.15, "tank": 1.03, "tipper": 1.05}
WIDTH_M = 2.55
SMALL_VAN_KG, SMALL_VAN_M3 = 1_500.0, 16.0


@dataclass(frozen=True, slots=True)
class Truck:
    """A truck as the calculator needs it. `consumption_origin`: vehicle (its owner says so) or assumed."""

    body: str
    capacity_kg: float
    volume_m3: float
    loaded_l: float
    empty_l: float
    consumption_origin: str
    wear: float
    tare_kg: float
    axle_empty_kg: float
    axle_loaded_kg: float
    height_m: float
    width_m: float
    length_m: float

    def filled(self, weight_kg: float, volume_m3: float) -> float:
        """How much of it the load fills, 1 when full: by weight or by room."""
        return min(1.0, max(weight_kg / self.capacity_kg, volume_m3 / self.volume_m3))

    def litres_100km(self, weight_kg: float) -> float:
        """Between empty and loaded, by weight."""
        share = min(1.0, weight_kg / self.capacity_kg)
        return self.empty_l + (self.loaded_l - self.empty_l) * share

    def axle_kg(self, weight_kg: float) -> float:
        """The heaviest single axle with such a load."""
        share = min(1.0, weight_kg / self.capacity_kg)
        return self.axle_empty_kg + (self.axle_loaded_kg - self.axle_empty_kg) * share

    def profile(self, weight_kg: float, hazmat: bool = False) -> Profile:
        """What a router is told. Weights in steps of a tonne, so that like loads share a cached route."""
        gross = self.tare_kg + min(weight_kg, self.capacity_kg)
        return Profile(
            height_m=self.height_m,
            width_m=self.width_m,
            length_m=self.length_m,
            weight_t=float(-(-gross // 1_000)),
            axle_t=float(-(-self.axle_kg(weight_kg) // 1_000)),
            hazmat=hazmat,
        )


def truck_of(
    body: str,
    weight_kg: float = 0.0,
    volume_m3: float = 0.0,
    *,
    capacity_kg: float | None = None,
    room_m3: float | None = None,
    loaded_l: float | None = None,
    axle_kg: float | None = None,
    height_m: float | None = None,
    width_m: float | None = None,
    length_m: float | None = None,
) -> Truck:
    """The truck that its owner describes; what is not said is that of its size, and of the body's usual size."""
    usual_kg, usual_m3 = BODY_CAPACITY[body]
    if body == "van" and weight_kg <= SMALL_VAN_KG and volume_m3 <= SMALL_VAN_M3:
        usual_kg, usual_m3 = SMALL_VAN_KG, SMALL_VAN_M3
    carries = capacity_kg or usual_kg
    size = next(size for size in SIZES if carries <= size.up_to_kg)
    burns = BODY_FUEL.get(body, 1.0)
    loaded = loaded_l or size.loaded_l * burns
    return Truck(
        body=body,
        capacity_kg=carries,
        volume_m3=room_m3 or usual_m3,
        loaded_l=loaded,
        empty_l=loaded * size.empty_l / size.loaded_l,
        consumption_origin="assumed" if loaded_l is None else "vehicle",
        wear=size.wear,
        tare_kg=size.tare_kg,
        axle_empty_kg=min(size.axle_empty_kg, axle_kg or inf),
        axle_loaded_kg=axle_kg or size.axle_loaded_kg,
        height_m=height_m or size.height_m,
        width_m=width_m or WIDTH_M,
        length_m=length_m or size.length_m,
    )
