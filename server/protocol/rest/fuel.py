"""The price of diesel, which the calculator takes."""

from typing import Annotated

from msgspec import Meta

from ..messages import Money, RowId, Seconds
from .common import Country, Form, View

FuelRegion = Annotated[
    str, Meta(pattern=r"^[0-9A-Z]{0,16}(?![\s\S])", max_length=16, description="GeoNames admin1")
]


class FuelPriceForm(Form, frozen=True):
    """A price from `valid_from` on (default: now). The same moment again corrects it."""

    country: Annotated[str, Meta(pattern="^[A-Z]{2}$", max_length=2, description="ISO 3166")]
    amount: Annotated[int, Meta(ge=100, le=10_000_000, description="tiyn a litre; abroad, too")]
    region: FuelRegion = ""
    valid_from: Seconds | None = None


class FuelPriceView(View, frozen=True):
    """A price a litre; an empty `region` is the whole country. `origin`: staff, or default (assumed)."""

    country: str
    region: str
    price: Money
    valid_from: float
    origin: str


class FuelPriceList(View, frozen=True):
    """Prices in force, and those that staff have set for later."""

    prices: list[FuelPriceView]
    coming: list[FuelPriceView]


class FuelHistoryQuery(Form, frozen=True):
    """Keyset page; of one country or region, if they are named."""

    before: RowId | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    country: Country | None = None
    region: FuelRegion | None = None


class PastFuelPrice(View, frozen=True):
    """A price as it was set, by whom of the staff and when."""

    entry: int
    price: FuelPriceView
    set_by: int
    set_at: float


class FuelPriceHistory(View, frozen=True):
    """Last set first."""

    prices: list[PastFuelPrice]
    next: int | None = None
