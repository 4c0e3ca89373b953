"""What somebody looks back on."""

from typing import Annotated, Literal

from msgspec import Meta, field

from ..messages import RowId, Seconds
from .common import Form, OrderStatus, View
from .reports import SheetFormat

OfferState = Literal["live", "accepted", "lost", "declined", "expired", "withdrawn"]
Period = Literal["day", "week", "month"]
Limit = Annotated[int, Meta(ge=1, le=200)]


class TripsQuery(Form, frozen=True):
    """The latest order first; `since` and `until` by when the load was taken."""

    before: RowId | None = None
    limit: Limit = 50
    status: Annotated[list[OrderStatus], Meta(max_length=13)] = field(default_factory=list)
    since: Seconds | None = None
    until: Seconds | None = None


class TripLineView(View, frozen=True):
    """A haul and what came of it; its trip stands at /orders/{order}/trip. `payment`: the state of what stands at
    /orders/{order}/payments, or `overdue` when it is due and neither side says that it was paid."""

    order: int
    status: str
    pickup: str
    drop: str
    cargo: str
    distance_m: float
    amount: int
    currency: str
    driver: int
    driver_name: str
    started_at: Seconds
    ended_at: Seconds | None
    driven_m: float
    empty_m: float | None
    payment: str
    due_at: Seconds | None


class TripPage(View, frozen=True):
    """The latest first."""

    trips: list[TripLineView]
    next: int | None


class OfferHistoryQuery(Form, frozen=True):
    """The latest first; `driver` for a logistician: one of the fleet."""

    before: RowId | None = None
    limit: Limit = 50
    status: Annotated[list[OfferState], Meta(max_length=6)] = field(default_factory=list)
    since: Seconds | None = None
    until: Seconds | None = None
    driver: RowId | None = None


class OfferLineView(View, frozen=True):
    """An offer and how it ended."""

    offer: int
    order: int
    status: str
    kind: str
    wave: int
    deadhead_m: float
    made_at: Seconds
    seen_at: Seconds | None
    ended_at: Seconds | None
    decline_reason: str | None
    pickup: str
    drop: str
    cargo: str
    distance_m: float
    amount: int
    currency: str


class OfferHistory(View, frozen=True):
    """The latest first."""

    offers: list[OfferLineView]
    next: int | None


class EarningsQuery(Form, frozen=True):
    """A span of at most 400 days, without one the last 90, in periods of the reader's calendar."""

    since: Seconds | None = None
    until: Seconds | None = None
    by: Period = "week"


class PeriodView(View, frozen=True):
    """What was delivered in a period that begins on this day: earned, or for shippers paid."""

    begins: str
    currency: str
    hauls: int
    amount: int
    loaded_m: float
    driven_m: float | None
    empty_m: float | None
    seconds: float


class EarningsView(View, frozen=True):
    """The earliest period first; periods without a haul are left out."""

    since: Seconds
    until: Seconds
    by: str
    periods: list[PeriodView]


class CabinetSheetQuery(Form, frozen=True):
    """A list as a file, at most 20,000 rows of it; without a span the last 90 days."""

    format: SheetFormat = "csv"
    since: Seconds | None = None
    until: Seconds | None = None
    by: Period = "week"
    driver: RowId | None = None
