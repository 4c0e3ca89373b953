"""Loads open to every subscribed driver."""

from typing import Annotated

from msgspec import Meta

from ..messages import Latitude, Longitude, Money, Place, RowId
from .common import Body, Form, View, VolumeM3, WeightKg


class BoardQuery(Form, frozen=True):
    """Loads open to every subscribed driver, newest first; nearest pickup circle when lat, lon are given."""

    lat: Latitude | None = None
    lon: Longitude | None = None
    radius_m: Annotated[float, Meta(gt=0, le=2_000_000)] = 200_000
    body: Body | None = None
    max_weight_kg: WeightKg | None = None
    max_volume_m3: VolumeM3 | None = None
    before: RowId | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class BoardLoad(View, frozen=True):
    """A load on the board."""

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


class Board(View, frozen=True):
    """One page of the board."""

    loads: list[BoardLoad]
    next: int | None = None
