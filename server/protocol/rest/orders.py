"""Loads: posted, followed, called off, driven."""

from typing import Annotated, Literal

from msgspec import Meta

from ..messages import STORABLE, OrderState, ShortText
from .common import Body, Form, View, VolumeM3, WeightKg


class OrderForm(Form, frozen=True):
    """Post a load. Needs an Idempotency-Key header. Without a price the quoted one is taken."""

    pickup_city: int
    drop_city: int
    cargo: Annotated[str, Meta(min_length=1, max_length=200, pattern=STORABLE)]
    weight_kg: WeightKg
    volume_m3: VolumeM3 = 0
    body: Body = "tent"
    price: Annotated[int, Meta(ge=1, le=10**12, description="minor units of KZT")] | None = None
    valid_s: Annotated[int, Meta(ge=60, le=30 * 86400)] = 86400


class OrderEvent(View, frozen=True):
    """One line of an order's history."""

    seq: int
    kind: str
    status: str
    at: float
    actor: int | None = None


class OrderDetail(View, frozen=True):
    """An order with its route and history."""

    order: OrderState
    line: list[tuple[float, float]]
    events: list[OrderEvent]


class OrderPage(View, frozen=True):
    """Newest first; `next` goes into `before` for the next page."""

    orders: list[OrderState]
    next: int | None = None


class CancelForm(Form, frozen=True):
    """Why the order is called off."""

    reason: ShortText = ""


class AdvanceForm(Form, frozen=True):
    """The next status step."""

    status: Literal["at_pickup", "loaded", "in_transit", "at_drop", "delivered"]
