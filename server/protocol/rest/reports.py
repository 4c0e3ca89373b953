"""Reports for staff, and a vehicle's track to be played again."""

from typing import Annotated, Literal

from msgspec import Meta

from ..messages import Seconds
from .common import Form, View

ReportName = Literal[
    "orders_by_status", "corridors", "time_to_accept", "offer_funnel", "empty_runs", "drivers_online", "retention"
]  # fmt: skip
SheetFormat = Literal["csv", "xlsx"]


class SpanQuery(Form, frozen=True):
    """A span of time, at most 400 days; without an end until now, without a beginning 30 days before."""

    since: Seconds | None = None
    until: Seconds | None = None


class SheetQuery(SpanQuery, frozen=True):
    """The same as a file."""

    format: SheetFormat = "csv"


class ReportColumn(View, frozen=True):
    """`kind`: text | int | number | money (minor units of KZT) | moment | metres | seconds | share."""

    key: str
    title: str
    kind: str


class ReportView(View, frozen=True):
    """A report: rows under columns, as programs take them; `title` is the reader's language."""

    report: str
    since: Seconds
    until: Seconds
    columns: list[ReportColumn]
    rows: list[list[str | int | float | None]]


class ReplayQuery(Form, frozen=True):
    """A span of at most 31 days, without one the last day; `spots`: at most so many of it."""

    since: Seconds | None = None
    until: Seconds | None = None
    spots: Annotated[int, Meta(ge=10, le=5000)] = 2000


class ReplaySpot(View, frozen=True, array_like=True):
    """Seconds since the epoch, latitude, longitude, m/s, degrees; `flag` as positions have it, 0 for none."""

    at: Seconds
    lat: float
    lon: float
    speed: float | None
    heading: float | None
    flag: int


class ReplayBin(View, frozen=True, array_like=True):
    """A stretch of the scrubber: from when, how many fixes, and the highest speed in it."""

    at: Seconds
    fixes: int
    speed: float | None


class ReplayHaul(View, frozen=True):
    """An order that was carried in this span."""

    order: int
    since: Seconds
    until: Seconds | None


class ReplayView(View, frozen=True):
    """A driver's track. `every_s`: one spot of each so many seconds is shown; `bin_s`: the width of a bin."""

    driver: int
    since: Seconds
    until: Seconds
    every_s: float
    bin_s: float
    spots: list[ReplaySpot]
    bins: list[ReplayBin]
    hauls: list[ReplayHaul]
    metres: float
