"""What happened, in the past tense. Told only after COMMIT."""

from dataclasses import dataclass

from .bids import Bid, Bidder
from .chat import Message
from .model import Actor, Offer, Order, Status
from .trip import Arrival


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    """A shipper posted a load."""

    order: Order


@dataclass(frozen=True, slots=True)
class OfferMade:
    """A load is offered to `driver`: order, offer and an invitation's `note` are what the card shows."""

    driver: int
    order: Order
    offer: Offer
    note: str = ""


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


@dataclass(frozen=True, slots=True)
class AccessChanged:
    """A user may work until `until`, epoch seconds; a moment that has passed: no more."""

    user: int
    until: float


@dataclass(frozen=True, slots=True)
class SearchMatched:
    """A saved search of a driver's, by its name, finds an order that is not offered to him."""

    driver: int
    order: Order
    search: int
    name: str


@dataclass(frozen=True, slots=True)
class BidMade:
    """A driver bids on a load; `bidder` is what its shipper may know of him."""

    bid: Bid
    bidder: Bidder


@dataclass(frozen=True, slots=True)
class BidChanged:
    """A bid has other terms, or (told to the driver only) another standing among the others."""

    bid: Bid
    driver_only: bool = False


@dataclass(frozen=True, slots=True)
class BidClosed:
    """A bid has ended: its status says how."""

    bid: Bid


@dataclass(frozen=True, slots=True)
class Forecast:
    """When the stops ahead of a trip are reached, as of `at`; nothing of it is stored as an event."""

    order: int
    shipper: int
    driver: int | None
    at: float
    arrivals: tuple[Arrival, ...]


@dataclass(frozen=True, slots=True)
class ChatWritten:
    """A message of an order's conversation is stored; `users` are the people of both sides."""

    message: Message
    users: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ChatRead:
    """`user`, of that side, has read a conversation up to `upto`; `users` are the people of both sides."""

    order: int
    user: int
    side: Actor
    upto: int
    at: float
    users: tuple[int, ...]


Event = (
    OrderPlaced | OfferMade | OfferEnded | OrderChanged | SearchMatched | BidMade | BidChanged | BidClosed
    | ChatWritten | ChatRead | Forecast | AccessChanged
)  # fmt: skip
