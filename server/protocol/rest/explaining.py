"""Why a load went to whom it went, and why it did not come to somebody."""

from typing import Literal

from ..messages import Metres, RowId, Seconds
from .common import Form, View

DispatchObstacle = Literal[
    "blocked",
    "subscription",
    "no_vehicle",
    "unfit",
    "hidden",
    "off_duty",
    "busy",
    "offered",
    "declined",
    "cards",
    "no_position",
    "stale_position",
    "far",
]
OfferOutcome = Literal["live", "accepted", "lost", "declined", "expired", "withdrawn"]
OfferWay = Literal["wave", "invitation", "board", "bid"]
Misfit = Literal["body", "weight", "volume", "size", "sides", "adr", "temperature"]


class DispatchQuery(Form, frozen=True):
    """`driver`: one more who is looked at, however far away."""

    driver: RowId | None = None


class OfferTold(View, frozen=True):
    """An offer of the order. `reasons` are the terms that add up to `score`."""

    offer: RowId
    driver: RowId
    name: str
    kind: OfferWay
    status: OfferOutcome
    wave: int
    version: int
    deadhead_m: Metres
    score: float
    reasons: dict[str, float]
    made_at: Seconds
    expires_at: Seconds
    seen_at: Seconds | None = None
    ended_at: Seconds | None = None
    decline_reason: str | None = None


class DriverJudged(View, frozen=True):
    """What a wave would make of a driver now: with no obstacle an offer, if it is among the best."""

    driver: RowId
    name: str
    obstacles: list[DispatchObstacle]
    misfits: list[Misfit]
    deadhead_m: Metres | None = None
    fix_age_s: float | None = None
    score: float | None = None
    reasons: dict[str, float] | None = None


class DispatchExplained(View, frozen=True):
    """The search for a driver: circles (metres), how far it came, whom it asked, and whom it would ask now.

    `most` is what each term of a score comes to at most; `wave_size` go out at once. The nearest drivers on duty
    are judged, at most 100, best first, those behind an obstacle last.
    """

    order: RowId
    wave: int
    radii_m: list[Metres]
    wave_size: int
    most: dict[str, float]
    offers: list[OfferTold]
    drivers: list[DriverJudged]
    seek_at: Seconds | None = None
    board_at: Seconds | None = None


class WhyNotMe(View, frozen=True):
    """What a wave would make of you now. `place` among the `eligible` nearest, from 1."""

    order: RowId
    obstacles: list[DispatchObstacle]
    misfits: list[Misfit]
    most: dict[str, float]
    eligible: int
    place: int | None = None
    deadhead_m: Metres | None = None
    fix_age_s: float | None = None
    score: float | None = None
    reasons: dict[str, float] | None = None
