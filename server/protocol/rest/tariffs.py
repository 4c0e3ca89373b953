"""Prices of hauls that staff set over the coded tariff."""

from typing import Annotated, Literal

from msgspec import Meta, field

from ..messages import STORABLE, Money, RowId, Seconds, Version
from .common import Body, CargoKind, Form, View

CityId = Annotated[int, Meta(ge=-(2**53), le=2**53, description="of the gazetteer")]
LanePriceKind = Literal["total", "per_km", "none"]
StaffNote = Annotated[str, Meta(max_length=500, pattern=STORABLE)]
PerKm = Annotated[int, Meta(ge=100, le=10**7, description="tiyn")]
Charge = Annotated[int, Meta(ge=0, le=10**10, description="tiyn")]


class TariffRate(Form, frozen=True, omit_defaults=True):
    """What a km of a whole truck costs up to a distance; without one, as far as it goes."""

    body: Body
    per_km: PerKm
    upto_km: Annotated[int, Meta(ge=1, le=20_000)] | None = None


class KindFactor(Form, frozen=True):
    """What a kind of cargo costs, as a multiple."""

    kind: CargoKind
    factor: Annotated[float, Meta(ge=0.2, le=5)]


class TariffForm(Form, frozen=True):
    """The next version of the table, whole. Bodies that are not in it are priced by the coded tariff. `minimum`:
    what no haul goes below; `loading_fee` is added; `abroad`: the factor across a border. It counts from
    `valid_from` on (default: now) and takes the place of whatever was planned behind that."""

    rates: Annotated[list[TariffRate], Meta(min_length=1, max_length=120)]
    factors: Annotated[list[KindFactor], Meta(max_length=20)] = field(default_factory=list)
    minimum: Charge = 0
    loading_fee: Charge = 0
    abroad: Annotated[float, Meta(ge=1, le=10)] = 2.1
    valid_from: Seconds | None = None
    note: StaffNote = ""


class TariffView(View, frozen=True):
    """A version of the table. Amounts in tiyn."""

    version: int
    valid_from: float
    rates: list[TariffRate]
    factors: list[KindFactor]
    minimum: int
    loading_fee: int
    abroad: float
    currency: str
    note: str
    set_by: int
    set_at: float


class TariffNow(View, frozen=True):
    """What counts now (null: the coded tariff) and what is planned. `version` is the newest one: the ETag."""

    version: int
    in_force: TariffView | None
    coming: list[TariffView]


class TariffsQuery(Form, frozen=True):
    """A page of versions, newest first."""

    before: Version | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class TariffVersions(View, frozen=True):
    """Newest first."""

    versions: list[TariffView]
    next: int | None = None


class LanePriceForm(Form, frozen=True):
    """The next version of what a haul from one town to another costs, for one body or for all (null).

    `kind` total: `amount` for a whole truck, without stops between; per_km: `amount` a km of a whole truck; none:
    the table counts again. `If-Match` is the lane's version, "0" for one that never had a price."""

    pickup_city: CityId
    drop_city: CityId
    kind: LanePriceKind
    body: Body | None = None
    amount: Annotated[int, Meta(ge=0, le=10**12, description="tiyn")] = 0
    valid_from: Seconds | None = None
    valid_until: Seconds | None = None
    note: StaffNote = ""


class LanePriceView(View, frozen=True):
    """A version of a lane's price."""

    entry: int
    pickup_city: int
    drop_city: int
    body: str | None
    version: int
    kind: LanePriceKind
    amount: Money
    valid_from: float
    valid_until: float | None
    note: str
    set_by: int
    set_at: float


class LanePricesQuery(Form, frozen=True):
    """A page of lanes, each as its newest version says; from or to a town, if it is named."""

    before: RowId | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    pickup_city: CityId | None = None
    drop_city: CityId | None = None


class LaneHistoryQuery(Form, frozen=True):
    """A page of the versions of one lane, newest first."""

    pickup_city: CityId
    drop_city: CityId
    body: Body | None = None
    before: Version | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class LanePrices(View, frozen=True):
    """Last set first."""

    lanes: list[LanePriceView]
    next: int | None = None
