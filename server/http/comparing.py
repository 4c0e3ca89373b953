"""Bids side by side: what a shipper weighs beside the price, and the orders in which it can be sorted."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from dispatch.bids import ALIVE, Bid, Bidder
from dispatch.model import Order
from dispatch.sharing import paused
from geo.coarse import band_m
from geo.distance import haversine_m
from server import views
from server.protocol.rest.bids import BidLine

if TYPE_CHECKING:
    from server.services import Services

ROAD_M_S = 15.0  # 54 km/h as the crow flies: what an empty truck makes of roads, towns and pauses
FAR = float("inf")


def lines(
    order: Order,
    found: Sequence[tuple[Bid, Bidder]],
    services: "Services",
    now: float,
    sort: str,
) -> list[BidLine]:
    """The bids as lines, live ones first. Where a truck is stays unsaid: only how far, in coarse steps."""
    compared = [_line(order, bid, bidder, services, now) for bid, bidder in found]
    key = SORTS[sort]
    return sorted(compared, key=lambda line: (line.bid.status not in ALIVE, *key(line)))


def _line(order: Order, bid: Bid, bidder: Bidder, services: "Services", now: float) -> BidLine:
    entry = None if paused(services.sharing.of(bid.driver), now) else services.live.get(bid.driver)
    deadhead_m = None
    if entry is not None and bid.status in ALIVE and now - entry.at <= services.policy.max_fix_age_s:
        pickup = order.haul.pickup
        deadhead_m = band_m(haversine_m(entry.lat, entry.lon, pickup.lat, pickup.lon))
    eta_s = None
    if bid.eta_at is not None:
        eta_s = max(0, round(bid.eta_at - now))
    elif deadhead_m is not None:
        free_in_s = max(0.0, (bid.available_from or now) - now)
        eta_s = round(free_in_s + deadhead_m / ROAD_M_S)
    return BidLine(views.bid_state(bid), views.bidder_card(bidder), deadhead_m, eta_s)


def _price(line: BidLine) -> int:
    return line.bid.price.amount


# What is unknown stands last; equals by price, then by age.
SORTS: dict[str, Callable[[BidLine], tuple[float, ...]]] = {
    "price": lambda line: (_price(line), line.bid.bid),
    "deadhead": lambda line: (FAR if line.deadhead_m is None else line.deadhead_m, _price(line)),
    "rating": lambda line: (-(line.bidder.rating or 0.0), -line.bidder.ratings, _price(line)),
    "reliability": lambda line: (
        1.0 if line.bidder.reliability is None else -line.bidder.reliability,
        -line.bidder.hauls,
        _price(line),
    ),
    "eta": lambda line: (FAR if line.eta_s is None else line.eta_s, _price(line)),
}
