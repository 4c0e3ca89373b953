"""What a route provider is asked and what it answers. The adapters live in server/gateways/routes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from .types import Position

Matrix = list[list["Cell | None"]]


class Profile(NamedTuple):
    """The vehicle as a router minds it: metres and tonnes. The default is a loaded 20-tonne articulated truck.

    `axle_t` is the heaviest single axle, `hazmat` dangerous goods on board.
    """

    height_m: float = 4.0
    width_m: float = 2.55
    length_m: float = 16.5
    weight_t: float = 40.0
    axle_t: float = 10.0
    hazmat: bool = False


class Leg(NamedTuple):
    """From one of the asked points to the next: metres, seconds of driving."""

    distance_m: float
    duration_s: float


class Cell(NamedTuple):
    """One cell of a matrix, and which provider filled it."""

    distance_m: float
    duration_s: float
    provider: str


@dataclass(frozen=True, slots=True)
class ProviderRoute:
    """A way as a provider gave it, driving only: no rest, no border waits.

    `duration_traffic_s` is with the traffic expected at departure, None where it was not asked or is unknown.
    `polyline` is encoded with `precision` decimals. `truck`: the seconds are a truck's, not a car's.
    `drawable`: the line may be shown on any map; Google's may be shown on a Google map only.
    """

    distance_m: float
    duration_s: float
    duration_traffic_s: float | None
    polyline: str
    precision: int
    provider: str
    legs: tuple[Leg, ...]
    truck: bool
    drawable: bool
    estimate: bool = False


class RouteProvider(Protocol):
    """One source of routes. Both methods raise `geo.providers.NoAnswer` or ProviderFault."""

    @property
    def name(self) -> str:
        """The origin that its figures carry."""
        ...

    async def route(
        self, points: Sequence[Position], profile: Profile, depart_at: float | None
    ) -> ProviderRoute:
        """The way through at least two points, in this order. `depart_at` epoch seconds; None: typical times."""
        ...

    async def matrix(
        self, origins: Sequence[Position], destinations: Sequence[Position], profile: Profile
    ) -> Matrix:
        """One row an origin, one cell a destination; None where no way is known."""
        ...

    async def close(self) -> None:
        """Lets go of connections and threads."""
        ...
