"""Loads open to every subscribed driver: searched, counted, and gathered on a map."""

from typing import Annotated, Literal

from msgspec import Meta, field

from ..messages import Latitude, Longitude, Money, Place, RowId, Seconds
from .common import (
    Body,
    CargoKind,
    CursorText,
    Form,
    PaymentMethod,
    PaymentWhen,
    PricingKind,
    View,
    VolumeM3,
    WeightKg,
)
from .remittance import PaymentRecord

BoardSort = Literal["newest", "nearest", "per_km", "profit", "pickup_date"]
AdrFilter = Literal["any", "none", "only"]
Radius = Annotated[float, Meta(ge=1, le=2_000_000)]
CityId = Annotated[int, Meta(ge=-(2**53) + 1, le=2**53 - 1, description="Of the gazetteer.")]
Tiyn = Annotated[int, Meta(ge=0, le=10**15, description="minor units of KZT")]
Polyline = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=4000,
        pattern=r"^[?-~]+(?![\s\S])",
        description="Places in Google's encoded polyline format, five digits.",
    ),
]
BoundingBox = Annotated[
    list[float],
    Meta(
        min_length=4,
        max_length=4,
        description="west, south, east, north in degrees; west above east crosses the antimeridian.",
    ),
]


class BoardFilters(Form, frozen=True):
    """What is asked of loads; all of it together. In a query string, lists are separated by commas.

    Pickup: near a city or a place (`radius_m`), inside `bbox`, inside `polygon` (3 to 100 vertices). Drop: near a
    city or a place. Along a route, between cities or over a line of your own: pickup near it, drop near it further
    on, for at most `max_detour_m` of road. Prices are compared in KZT. Pickup dates match a load whose window
    overlaps them. `fits` leaves out what your active vehicle cannot carry, or `vehicle`, another one of yours.
    """

    from_city: CityId | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None
    radius_m: Radius = 200_000
    to_city: CityId | None = None
    to_lat: Latitude | None = None
    to_lon: Longitude | None = None
    to_radius_m: Radius = 100_000
    bbox: BoundingBox | None = None
    polygon: Polyline | None = None
    route_from: CityId | None = None
    route_to: CityId | None = None
    route_via: Annotated[list[CityId], Meta(max_length=8)] = field(default_factory=list)
    route_line: Polyline | None = None
    max_detour_m: Annotated[float, Meta(ge=1, le=500_000)] = 50_000
    fits: bool = True
    vehicle: RowId | None = None
    bodies: Annotated[list[Body], Meta(max_length=9)] = field(default_factory=list)
    kinds: Annotated[list[CargoKind], Meta(max_length=30)] = field(default_factory=list)
    weight_min_kg: WeightKg | None = None
    weight_max_kg: WeightKg | None = None
    volume_max_m3: VolumeM3 | None = None
    price_min: Tiyn | None = None
    price_per_km_min: Tiyn | None = None
    pickup_after: Seconds | None = None
    pickup_before: Seconds | None = None
    adr: AdrFilter = "any"
    pricings: Annotated[list[PricingKind], Meta(max_length=3)] = field(default_factory=list)
    payment_methods: Annotated[list[PaymentMethod], Meta(max_length=3)] = field(default_factory=list)
    payment_whens: Annotated[list[PaymentWhen], Meta(max_length=3)] = field(default_factory=list)
    vat: bool | None = None
    prepay_min: Annotated[int, Meta(ge=0, le=100)] | None = None
    rating_min: Annotated[float, Meta(ge=0, le=5)] | None = None
    paid_min: (
        Annotated[float, Meta(ge=0, le=1, description="Share of hauls paid by the due date.")] | None
    ) = None


class BoardQuery(BoardFilters, frozen=True):
    """A page of the board. `nearest` and `profit` measure from the place that is searched, else from your truck;
    `profit` orders the loads around. With `count` the first page also tells how many there are. `driver`: for whom
    a logistician looks."""

    sort: BoardSort = "newest"
    after: CursorText | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    count: bool = False
    driver: RowId | None = None


class BoardLoadQuery(Form, frozen=True):
    """For whom a logistician looks."""

    driver: RowId | None = None


class BoardFacetQuery(BoardFilters, frozen=True):
    """The search that is to be broken down."""

    driver: RowId | None = None


class BoardClusterQuery(BoardFilters, frozen=True):
    """A window of the map: `bbox` is required. `zoom` as web maps count it."""

    zoom: Annotated[int, Meta(ge=0, le=22)] = 5
    driver: RowId | None = None


class BoardLoad(View, frozen=True):
    """A load on the board, in brief."""

    order: int
    pickup: Place
    drop: Place
    cargo: str
    weight_kg: float
    volume_m3: float
    body: str
    distance_m: float
    price: Money
    created_at: float


class PosterView(View, frozen=True):
    """Who has posted a load: a public name, and the number to ask for the reputation by. `rating` is null until
    somebody has rated. `payments`: how the shipper pays."""

    name: str
    verified: bool
    rating: float | None
    ratings: int
    user: int
    payments: PaymentRecord


class ProfitView(View, frozen=True):
    """What is left for the driver after fuel, tolls and wear, from where the truck stands to the empty trailer."""

    amount: int
    per_hour: int
    per_km: int  # the empty run counted
    seconds: float
    currency: str


class BoardCard(View, frozen=True):
    """A load, and what it is to you: why it suits (`reasons`), how far away, what it leaves.

    `on_board` is false while it is still offered to others; `fits` is absent without a vehicle.
    """

    order: int
    version: int
    pickup: Place
    drop: Place
    stops: int
    cargo: str
    kind: str
    weight_kg: float
    volume_m3: float
    body: str
    other_bodies: list[str]
    sides: list[str]
    documents: list[str]
    distance_m: float
    duration_s: float
    estimate: bool
    price: Money
    price_per_km: int
    pricing: str
    payment_method: str
    payment_when: str
    payment_days: int
    prepay_percent: int
    vat: bool
    created_at: float
    age_s: float
    until: float
    on_board: bool
    shipper: PosterView
    reasons: list[str]
    pickup_from: float | None = None
    pickup_to: float | None = None
    drop_from: float | None = None
    drop_to: float | None = None
    pieces: int | None = None
    length_m: float | None = None
    width_m: float | None = None
    height_m: float | None = None
    temp_min_c: float | None = None
    temp_max_c: float | None = None
    adr: str | None = None
    deadhead_m: float | None = None
    detour_m: float | None = None
    fits: bool | None = None
    profit: ProfitView | None = None


class BoardTotal(View, frozen=True):
    """How many loads suit: counted up to 1,000, estimated above (`exact` is false)."""

    count: int
    exact: bool


class Board(View, frozen=True):
    """One page of the board; `next` goes into `after`."""

    loads: list[BoardCard]
    next: str | None = None
    total: BoardTotal | None = None


class DistanceBand(View, frozen=True):
    """Loads whose pickup is up to so far away; None is any farther one."""

    up_to_m: int | None
    loads: int


class BoardFacets(View, frozen=True):
    """How the loads that suit divide, by word. Counted where there are few, else estimated from a sample.

    A load that may go in several bodies counts for each.
    """

    total: BoardTotal
    bodies: dict[str, int]
    kinds: dict[str, int]
    pricings: dict[str, int]
    payment_methods: dict[str, int]
    payment_whens: dict[str, int]
    adr: dict[str, int]
    distances: list[DistanceBand]


class BoardCluster(View, frozen=True):
    """Loads that are picked up in one H3 cell, around their middle. Prices in minor units of KZT."""

    cell: str
    lat: float
    lon: float
    loads: int
    price_sum: int
    price_min: int
    price_max: int


class BoardClusters(View, frozen=True):
    """The window as cells of one H3 resolution, or, where few loads are in it, these loads. `at`: as of when."""

    resolution: int
    exact: bool
    at: float
    clusters: list[BoardCluster]
    loads: list[BoardCard]
