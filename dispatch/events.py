"""What happened, in the past tense. Told only after COMMIT."""

from dataclasses import dataclass

from .model import Offer, Order, Status


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    """A shipper posted a load."""

    order: Order


@dataclass(frozen=True, slots=True)
class OfferMade:
    """A load is offered to `driver`: the order and the offer are what the card shows."""

    driver: int
    order: Order
    offer: Offer


@dataclass(frozen=True, slots=True)
class OfferEnded:
    """An offer is over. `reason`: taken | expired | withdrawn | declined | changed."""

    offer: int
    order: int
    driver: int
    reason: str


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """Event `seq` of an order: `kind` names it, `status` is the state after it, `driver` the assigned one;
    `fields` are what an edit has changed."""

    order: int
    seq: int
    kind: str
    status: Status
    at: float
    shipper: int
    driver: int | None
    fields: tuple[str, ...] = ()


Event = OrderPlaced | OfferMade | OfferEnded | OrderChanged
