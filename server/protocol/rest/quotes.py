"""What a haul is, costs, and leaves for the driver. Every figure says where it comes from."""

from typing import Annotated

from msgspec import Meta, field

from ..messages import Latitude, Longitude, Money, Seconds
from .common import Body, Form, View, VolumeM3, WeightKg

ServiceS = Annotated[float, Meta(ge=0, le=7 * 86_400, description="seconds")]


class Pin(Form, frozen=True):
    """A place by its degrees."""

    lat: Latitude
    lon: Longitude


class StopForm(Form, frozen=True):
    """A stop between the ends: a city of the gazetteer, or a place; and how long the truck is served there."""

    city: int | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None
    service_s: ServiceS = 7_200


class VehicleFigures(Form, frozen=True):
    """The truck; what is left out is that of its body's usual size."""

    capacity_kg: Annotated[float, Meta(ge=100, le=100_000)] | None = None
    volume_m3: Annotated[float, Meta(ge=0.1, le=500)] | None = None
    litres_100km: Annotated[float, Meta(ge=1, le=200, description="diesel a 100 km, loaded")] | None = None
    axle_kg: Annotated[float, Meta(ge=100, le=30_000, description="heaviest single axle, loaded")] | None = (
        None
    )
    height_m: Annotated[float, Meta(ge=0.5, le=10)] | None = None
    width_m: Annotated[float, Meta(ge=0.5, le=10)] | None = None
    length_m: Annotated[float, Meta(ge=0.5, le=60)] | None = None


class QuoteForm(Form, frozen=True):
    """What a haul would be and cost. Cities are gazetteer ids; `pickup`, `drop` are the exact places, if known."""

    pickup_city: int
    drop_city: int
    weight_kg: WeightKg
    volume_m3: VolumeM3 = 0
    body: Body = "tent"
    pickup: Pin | None = None
    drop: Pin | None = None
    stops: Annotated[list[StopForm], Meta(max_length=8)] = field(default_factory=list)
    vehicle: VehicleFigures | None = None
    depart_at: Seconds | None = None
    driver_at: Pin | None = None
    crew: Annotated[int, Meta(ge=1, le=2)] = 1
    toll_prepaid: bool = True
    adr: bool = False
    price: Annotated[int, Meta(ge=1, le=10**12, description="minor units of KZT; for the profit")] | None = (
        None
    )


class Line(View, frozen=True):
    """A provider's own line, encoded. Not `drawable`: it may be shown on that provider's map only."""

    polyline: str
    precision: int
    origin: str
    drawable: bool


class BorderPassed(View, frozen=True):
    """A border on the way; `crossing` null where none of this pair of countries is known. Mean seconds."""

    leaves: str
    enters: str
    crossing: str | None
    name: str
    wait_s: float
    origin: str


class EtaWindow(View, frozen=True):
    """Nine of ten trucks arrive after `early_at`, nine of ten before `late_at`. The parts are of the typical one.

    `heat_s`: standing still because of a summer ban for heavy axles; the early end has none of it.
    """

    depart_at: float
    early_at: float
    typical_at: float
    late_at: float
    driving_s: float
    rest_s: float
    border_s: float
    service_s: float
    heat_s: float
    crew: int
    origin: str


class FuelFigures(View, frozen=True):
    """Diesel of the loaded truck. `origin` of the price: staff or default (assumed)."""

    litres: float
    litres_100km: float
    litres_origin: str
    cost: Money
    origin: str


class TollPassed(View, frozen=True):
    """A toll section. `assumed`: its length or its rate is no published figure."""

    section: str
    name: str
    metres: float
    cost: Money
    assumed: bool


class TollFigures(View, frozen=True):
    """All toll sections of the way."""

    cost: Money
    prepaid: bool
    sections: list[TollPassed]
    origin: str


class BorderFigures(View, frozen=True):
    """What the crossings cost, by CAREC's means."""

    cost: Money
    origin: str


class PriceRange(View, frozen=True):
    """One haul in twenty goes for less than `low`, one for more than `high`.

    `origin` lane: percentiles of `hauls` finished ones between these towns in 90 days; tariff: the trade's span.
    """

    low: Money
    typical: Money
    high: Money
    hauls: int
    origin: str


class ProfitFigures(View, frozen=True):
    """What is left for the driver of one truck, from where it stands to the empty trailer.

    `price` less `fuel` and `tolls` (of the empty run, too), `borders` and `wear` (assumed a km). `seconds`: empty
    run, loading, driving, rest, borders, unloading.
    """

    profit: Money
    per_hour: Money
    seconds: float
    price: Money
    fuel: Money
    tolls: Money
    borders: Money
    wear: Money
    deadhead_m: float
    deadhead_origin: str
    loading_s: float
    unloading_s: float
    rest_s: float
    origin: str


class Quote(View, frozen=True):
    """Metres, seconds, minor units. `origin` says whose the distance is: valhalla, osrm, google, embedded ...

    `duration_s` is driving and mean waits at borders, `driving_s` driving alone, `traffic_s` with the traffic of
    the departure. Costs are of one truck; the load fills `trucks` of them. `price_origin`: default (the coded
    tariff), tariff (what staff set) or lane-set (for these two towns), and the version of that.
    """

    distance_m: float
    duration_s: float
    origin: str
    estimate: bool
    price: Money
    line: list[tuple[float, float]]  # (lat, lon); may be drawn on any map
    towns: list[str]
    driving_s: float
    traffic_s: float | None
    line_origin: str
    polyline: Line | None
    borders: list[BorderPassed]
    eta: EtaWindow
    fuel: FuelFigures
    tolls: TollFigures
    border_cost: BorderFigures
    price_range: PriceRange
    profit: ProfitFigures
    trucks: int
    price_origin: str = "default"
    price_version: int | None = None
