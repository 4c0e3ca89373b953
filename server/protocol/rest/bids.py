"""Bids on a load: placed by drivers, compared and answered by its shipper."""

from typing import Annotated, Literal

from msgspec import Meta

from ..messages import (
    Amount,
    BidDeclineReason,
    BidderCard,
    BidSeconds,
    BidState,
    BidText,
    Money,
    RowId,
    Seconds,
    Uuid,
    Version,
)
from .board import BoardLoad
from .common import Form, PageQuery, View

BidSort = Literal["price", "deadhead", "rating", "reliability", "eta"]


class BidForm(Form, frozen=True):
    """A driver's price. While the driver is on a haul it needs `available_from`.

    `order_version` is the version of the load on the screen: an edited one refuses with `version_stale`. A
    logistician names the `driver` of the fleet who bids.
    """

    amount: Amount
    valid_s: BidSeconds = 7200
    message: BidText = ""
    eta_at: Seconds | None = None
    available_from: Seconds | None = None
    order_version: Version | None = None
    driver: RowId | None = None


class CounterForm(Form, frozen=True):
    """The shipper's price."""

    amount: Amount
    valid_s: BidSeconds = 7200
    message: BidText = ""


class BidDeclineForm(Form, frozen=True):
    """Why not."""

    reason: BidDeclineReason = "other"


class BidSeenForm(Form, frozen=True):
    """Which version was on the screen."""

    version: Version


class BidAcceptForm(Form, frozen=True):
    """A retry with the same accept_id gets the same answer."""

    accept_id: Uuid


class BiddingForm(Form, frozen=True):
    """`open`: bidders are told whether a lower bid is live, never how low or whose. Sealed otherwise."""

    open: bool


class BidsQuery(Form, frozen=True):
    """How to sort: live bids stand before ended ones in every order."""

    sort: BidSort = "price"


class BidLine(View, frozen=True):
    """A bid as the shipper compares it. `deadhead_m`: within so many metres of the pickup now, in coarse steps.

    `eta_s`: seconds to the pickup, by the driver's word or else by the distance; None when neither is known.
    """

    bid: BidState
    bidder: BidderCard
    deadhead_m: int | None = None
    eta_s: int | None = None


class OrderBids(View, frozen=True):
    """The bids on a load. `low` and `high` bound what may be bid or countered."""

    order: RowId
    guide: Money
    low: Money
    high: Money
    bids: list[BidLine]


class BidVersionView(View, frozen=True):
    """One change of a bid."""

    version: int
    side: Literal["driver", "shipper"]
    price: Money
    message: str
    expires_at: float
    at: float
    eta_at: float | None = None
    available_from: float | None = None


class BidDetail(View, frozen=True):
    """A bid with all its changes."""

    bid: BidState
    versions: list[BidVersionView]


class OwnBid(View, frozen=True):
    """A driver's bid and the load that it is for."""

    bid: BidState
    load: BoardLoad


class OwnBidsQuery(PageQuery, frozen=True):
    """Keyset page of one driver's bids; a logistician names one of the fleet."""

    driver: RowId | None = None


class OwnBids(View, frozen=True):
    """Newest first; `next` goes into `before` for the next page."""

    bids: list[OwnBid]
    next: Annotated[int, Meta(description="for `before`")] | None = None
