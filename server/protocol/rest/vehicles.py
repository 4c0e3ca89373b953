"""A driver's trucks, a company's fleet, and its drivers."""

from typing import Annotated

from msgspec import Meta, field

from ..messages import STORABLE, Latitude, Longitude, RowId, Seconds
from .common import AdrClass, Body, BodyVolumeM3, Country, Form, PageQuery, Side, View, WeightKg

Plate = Annotated[
    str,
    Meta(max_length=24, pattern=STORABLE, description="Spaces and lookalike Cyrillic letters do not count."),
]
InnerMetres = Annotated[float, Meta(ge=0.001, le=30)]
Celsius = Annotated[float, Meta(ge=-60, le=60)]


class TruckForm(Form, frozen=True):
    """A truck with its trailer, as a whole. What is left out is unknown; without ADR classes it carries none."""

    body: Body
    capacity_kg: WeightKg
    volume_m3: BodyVolumeM3
    country: Country = "KZ"
    plate: Plate = ""
    trailer_plate: Plate = ""
    length_m: InnerMetres | None = None
    width_m: InnerMetres | None = None
    height_m: InnerMetres | None = None
    sides: Annotated[list[Side], Meta(max_length=4)] = field(default_factory=list)
    adr: Annotated[list[AdrClass], Meta(max_length=15)] = field(default_factory=list)
    temp_min_c: Celsius | None = None
    temp_max_c: Celsius | None = None
    axles: Annotated[int, Meta(ge=1, le=20)] | None = None
    fuel_l_100km: Annotated[float, Meta(ge=0.1, le=200)] | None = None
    year: Annotated[int, Meta(ge=1950, le=2100)] | None = None


class TruckView(View, frozen=True):
    """A truck. `active` is the one that its `keeper` drives and that loads are matched with."""

    vehicle: int
    body: str
    capacity_kg: float
    volume_m3: float
    country: str
    plate: str
    trailer_plate: str
    length_m: float | None
    width_m: float | None
    height_m: float | None
    sides: list[str]
    adr: list[str]
    temp_min_c: float | None
    temp_max_c: float | None
    axles: int | None
    fuel_l_100km: float | None
    year: int | None
    keeper: int | None
    company: int | None
    active: bool
    archived_at: float | None
    version: int


class Trucks(View, frozen=True):
    """One page, newest first."""

    vehicles: list[TruckView]
    next: int | None = None


class TruckQuery(PageQuery, frozen=True):
    """Trucks in use, or those out of use."""

    archived: bool = False


class TruckDriverForm(Form, frozen=True):
    """Which driver of the fleet gets the truck; null takes it back."""

    driver: RowId | None = None


class FleetPosition(View, frozen=True):
    """Where a driver was, and when."""

    lat: Latitude
    lon: Longitude
    at: Seconds


class FleetDriver(View, frozen=True):
    """A driver of the fleet. `position` only while the driver shares it; `order` is the load in hand."""

    driver: int
    name: str
    phone: str
    on_duty: bool
    subscribed: bool
    order: int | None
    vehicle: int | None
    shares_position: bool
    position: FleetPosition | None
    joined_at: Seconds


class FleetDrivers(View, frozen=True):
    """One page, by driver id."""

    drivers: list[FleetDriver]
    next: int | None = None


class AfterQuery(Form, frozen=True):
    """Keyset page in ascending order."""

    after: Annotated[int, Meta(ge=0, le=2**53 - 1)] = 0
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class ShareForm(Form, frozen=True):
    """Whether the fleet may see where this driver is."""

    share_position: bool


class MyFleet(View, frozen=True):
    """The fleet that a driver is in."""

    company: int
    legal_name: str
    shares_position: bool
    joined_at: Seconds
