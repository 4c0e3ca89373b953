"""Orders and offers as clients see them: the only place where domain values become protocol structs."""

from dispatch import model
from dispatch.bids import Bid, Bidder
from dispatch.events import OfferMade
from dispatch.model import HistoryLine, Order, Status
from geo.gazetteer import City
from server.protocol.messages import BidderCard, BidState, Money, OfferCard, OrderState, Place, Truck
from server.protocol.rest.board import BoardLoad
from server.protocol.rest.orders import OrderEvent
from server.protocol.rest.places import CityView
from storage.live import Live, LiveIndex

# While the haul lasts its parties see the truck. Not in a dispute: it may be on another haul by then.
WATCHABLE = frozenset({Status.ASSIGNED, Status.AT_PICKUP, Status.LOADED, Status.IN_TRANSIT, Status.AT_DROP})


def order_state(order: Order, live: LiveIndex | None) -> OrderState:
    """The order, with its truck while it may be seen; `live` None leaves the truck out."""
    truck = None
    if live is not None and order.driver is not None and order.status in WATCHABLE:
        entry = live.get(order.driver)
        truck = None if entry is None else truck_of(entry)
    return OrderState(
        order=order.id,
        status=order.status,
        seq=order.seq,
        pickup=_place(order.haul.pickup),
        drop=_place(order.haul.drop),
        cargo=order.load.cargo,
        weight_kg=order.load.weight_kg,
        volume_m3=order.load.volume_m3,
        body=order.load.body,
        distance_m=order.haul.distance_m,
        duration_s=order.haul.duration_s,
        estimate=order.haul.estimate,
        price=money(order.price),
        created_at=order.created_at,
        driver=order.driver,
        truck=truck,
    )


def offer_card(made: OfferMade) -> OfferCard:
    """What the driver is told about a load that is offered."""
    order, offer = made.order, made.offer
    return OfferCard(
        offer=offer.id,
        order=order.id,
        pickup=_place(order.haul.pickup),
        drop=_place(order.haul.drop),
        cargo=order.load.cargo,
        weight_kg=order.load.weight_kg,
        volume_m3=order.load.volume_m3,
        body=order.load.body,
        distance_m=order.haul.distance_m,
        deadhead_m=offer.deadhead_m,
        price=money(order.price),
        expires_at=offer.expires_at,
        wave=offer.wave,
        kind=offer.kind,
        pricing=order.terms.pricing,
        version=offer.version,
        note=made.note,
    )


def bid_state(bid: Bid) -> BidState:
    """A bid as both sides see it."""
    return BidState(
        bid=bid.id,
        order=bid.order,
        driver=bid.driver,
        status=bid.status,
        version=bid.version,
        order_version=bid.order_version,
        price=money(bid.price),
        made_at=bid.made_at,
        changed_at=bid.changed_at,
        expires_at=bid.expires_at,
        message=bid.message,
        eta_at=bid.eta_at,
        available_from=bid.available_from,
        counter=None if bid.counter is None else money(bid.counter),
        counter_message=bid.counter_message,
        seen=bid.seen_at is not None,
        outbid=bid.outbid,
        reason=bid.reason,
    )


def bidder_card(bidder: Bidder) -> BidderCard:
    """What a shipper may know of a driver who bids."""
    return BidderCard(
        driver=bidder.driver,
        name=bidder.name,
        rating=round(bidder.rating, 2),
        hauls=bidder.hauls,
        reliability=None if bidder.reliability is None else round(bidder.reliability, 3),
        body=bidder.body,
        capacity_kg=bidder.capacity_kg,
        volume_m3=bidder.volume_m3,
        papers=list(bidder.papers),
    )


def board_load(order: Order) -> BoardLoad:
    """A load on the board: what any subscribed driver may know of it."""
    return BoardLoad(
        order=order.id,
        pickup=_place(order.haul.pickup),
        drop=_place(order.haul.drop),
        cargo=order.load.cargo,
        weight_kg=order.load.weight_kg,
        volume_m3=order.load.volume_m3,
        body=order.load.body,
        distance_m=order.haul.distance_m,
        price=money(order.price),
        created_at=order.created_at,
    )


def order_event(line: HistoryLine) -> OrderEvent:
    """One line of an order's history."""
    return OrderEvent(line.seq, line.kind, line.status, line.at, line.actor)


def city_view(city: City, lang: str) -> CityView:
    """A town in the asked language."""
    return CityView(
        city=city.id,
        name=city.names[lang],
        country=city.country,
        region=city.admin1,
        lat=city.lat,
        lon=city.lon,
        population=city.population,
    )


def money(amount: model.Money) -> Money:
    """An amount."""
    return Money(amount.amount, amount.currency)


def _place(place: model.Place) -> Place:
    return Place(place.city, place.name, place.lat, place.lon)


def truck_of(entry: Live) -> Truck:
    """A live entry. 1e-6 degrees (0.1 m) are finer than any GPS, and short in JSON."""
    return Truck(
        entry.driver,
        round(entry.at, 3),
        round(entry.lat, 6),
        round(entry.lon, 6),
        entry.speed,
        entry.heading,
        entry.busy,
    )
