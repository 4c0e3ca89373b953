"""A trip as the parties of its order see it."""

from typing import Literal

from msgspec import field

from ..messages import Seconds, StopEta
from .common import Form, Lang, View

Step = Literal["at_pickup", "loaded", "in_transit", "at_drop", "delivered"]


class WaitingView(View, frozen=True):
    """The clock at a stop: counts from the arrival, or from the appointment for who came early."""

    since: Seconds
    until: Seconds | None
    seconds: float
    detention_s: float  # beyond the two hours that the price includes


class StopVisitView(View, frozen=True):
    """A stop as it went. `stop` counts from 0 in order of driving; `kind`: pickup | drop."""

    stop: int
    kind: str
    arrived_at: Seconds | None
    left_at: Seconds | None
    waiting: WaitingView | None
    eta: StopEta | None


class HaltView(View, frozen=True):
    """The truck stood for two minutes or longer."""

    since: Seconds
    until: Seconds
    lat: float
    lon: float


class TripView(View, frozen=True):
    """The trip of an order. `suggested`: the step that the stream says is due, for the driver.

    `metres` driven since the load was taken, `empty_metres` of them to the pickup, once the trip is closed.
    """

    order: int
    driver: int
    started_at: Seconds
    ended_at: Seconds | None
    closed_at: Seconds | None
    metres: float
    empty_metres: float | None
    stops: list[StopVisitView]
    detention_s: float
    halts: list[HaltView] = field(default_factory=list)
    eta_at: Seconds | None = None
    delay_s: float = 0.0
    suggested: str | None = None


class TrackSpot(View, frozen=True, array_like=True):
    """Where the truck was, and when."""

    at: Seconds
    lat: float
    lon: float


class TrackView(View, frozen=True):
    """The way driven, oldest first."""

    order: int
    whole: bool  # False while the trip goes on
    spots: list[TrackSpot]


class PaperQuery(Form, frozen=True):
    """The language of the paper; without it the reader's."""

    lang: Lang | None = None


class DismissForm(Form, frozen=True):
    """The suggested step that is not true."""

    status: Step
