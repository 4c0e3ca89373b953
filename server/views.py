"""Orders and offers as clients see them: the only place where domain values become protocol structs."""

from collections.abc import Sequence

import msgspec

from dispatch import model
from dispatch.asked import stops_of
from dispatch.bids import Bid, Bidder
from dispatch.events import OfferMade, SearchMatched
from dispatch.model import Actor, HistoryLine, Order, Status, Stop
from dispatch.sharing import WATCHABLE
from geo.cells import to_text
from geo.gazetteer import City
from server.protocol import messages
from server.protocol.messages import (
    BidderCard,
    BidState,
    Money,
    OfferCard,
    OrderState,
    Place,
    SharingPaused,
    StopState,
    Truck,
)
from server.protocol.rest.board import BoardLoad
from server.protocol.rest.moderation import CaseView
from server.protocol.rest.orders import Judgement, OrderEvent
from server.protocol.rest.places import CityView
from storage.live import Live, LiveIndex
from storage.moderation import Case

BETWEEN_STAFF_AND_SHIPPER = frozenset(
    {"placed", "held", "approved", "rejected", "appealed", "resubmitted", "cleared"}
)


def order_state(
    order: Order, live: LiveIndex | None, *, private: bool = False, exact: bool = False
) -> OrderState:
    """The order, with its truck while it may be seen; `live` None leaves the truck out.

    `private` tells addresses, contacts and phones: say so only of a reader whom dispatch.visibility lets. `exact`
    shows the truck although its driver holds the position back: to anybody but the shipper's side.
    """
    truck = None
    if (
        live is not None
        and order.driver is not None
        and order.status in WATCHABLE
        and (exact or order.unshared is None)
    ):
        entry = live.get(order.driver)
        truck = None if entry is None else truck_of(entry)
    load, terms = order.load, order.terms
    return OrderState(
        order=order.id,
        status=order.status,
        seq=order.seq,
        pickup=_place(order.haul.pickup),
        drop=_place(order.haul.drop),
        cargo=load.cargo,
        weight_kg=load.weight_kg,
        volume_m3=load.volume_m3,
        body=load.body,
        distance_m=order.haul.distance_m,
        duration_s=order.haul.duration_s,
        estimate=order.haul.estimate,
        price=money(order.price),
        created_at=order.created_at,
        driver=order.driver,
        truck=truck,
        version=order.version,
        kind=load.kind,
        other_bodies=list(load.other_bodies),
        pieces=load.pieces,
        length_m=load.length_m,
        width_m=load.width_m,
        height_m=load.height_m,
        sides=list(load.sides),
        temp_min_c=load.temp_min_c,
        temp_max_c=load.temp_max_c,
        adr=load.adr,
        documents=list(load.documents),
        stops=[stop_state(stop, private=private) for stop in stops_of(order)],
        pricing=terms.pricing,
        payment_method=terms.method,
        payment_when=terms.when,
        payment_days=terms.days,
        prepay_percent=terms.prepay_percent,
        vat=terms.vat,
        comment=terms.comment,
        private=order.private,
        shipper=order.shipper,
        company=order.company,
        expires_at=order.expires_at,
        confirm_by=order.confirm_by,
        ended_at=order.ended_at,
        ack_due=order.ack_due,
        sharing_paused=sharing_paused(order),
    )


def sharing_paused(order: Order) -> SharingPaused | None:
    """What is told instead of the exact position."""
    held = order.unshared
    if held is None or order.status not in WATCHABLE:
        return None
    return SharingPaused(held.since, held.until, None if held.cell is None else to_text(held.cell), held.city)


def stop_state(stop: Stop, *, private: bool) -> StopState:
    """A halt as everybody may know it, or with what only the parties of the haul may."""
    opens, closes = stop.window
    public = StopState(stop.kind, _place(stop.place), opens, closes)
    if not private:
        return public
    lat, lon = stop.exact or (None, None)
    return msgspec.structs.replace(
        public,
        lat=lat,
        lon=lon,
        address=stop.address,
        contact_name=stop.contact_name,
        contact_phone=stop.contact_phone,
        note=stop.note,
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


def search_matched(event: SearchMatched) -> messages.SearchMatched:
    """What a driver is told of a load that his saved search finds."""
    order = event.order
    return messages.SearchMatched(
        search=event.search,
        name=event.name,
        order=order.id,
        version=order.version,
        pickup=_place(order.haul.pickup),
        drop=_place(order.haul.drop),
        cargo=order.load.cargo,
        weight_kg=order.load.weight_kg,
        volume_m3=order.load.volume_m3,
        body=order.load.body,
        distance_m=order.haul.distance_m,
        price=money(order.price),
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
        rating=None if bidder.rating is None else round(bidder.rating, 2),
        hauls=bidder.hauls,
        ratings=bidder.ratings,
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


def order_event(line: HistoryLine, reader: Actor) -> OrderEvent:
    """One line of an order's history. Drivers are not told what staff and the shipper said to each other, nobody
    but staff who of the staff it was."""
    detail = {
        name: line.detail[name]
        for name in ("fields", "code", "fault", "free", "until")
        if name in line.detail
    }
    words = line.detail.get("reason") or line.detail.get("note")
    if reader is not Actor.DRIVER or line.kind not in BETWEEN_STAFF_AND_SHIPPER:
        detail |= {name: line.detail[name] for name in ("grounds", "reasons") if name in line.detail}
        detail |= {"note": words} if words else {}
    hidden = line.role is Actor.ADMIN and reader is not Actor.ADMIN
    told = {
        "seq": line.seq,
        "kind": line.kind,
        "status": line.status,
        "at": line.at,
        "actor": None if hidden else line.actor,
        "role": line.role,
        **detail,
    }
    return msgspec.convert(told, OrderEvent)


def judgement(cases: Sequence[Case], order: Order) -> Judgement | None:
    """What staff say of a load, for its shipper: the newest case that is not only a mark for staff."""
    told = next((case for case in cases if case.kind != "flag" or case.state == "rejected"), None)
    if told is None or told.state == "dropped":
        return None
    rejected = told.state == "rejected" and order.status is Status.MODERATION
    return msgspec.convert(
        {
            "kind": told.kind,
            "state": told.state,
            "grounds": list(told.grounds),
            "reasons": list(told.reasons),
            "note": told.note,
            "due_at": told.due_at,
            "may_appeal": rejected and not any(case.kind == "appeal" for case in cases),
        },
        Judgement,
    )


def case_view(case: Case, order: Order, *, private: bool) -> CaseView:
    """One load before staff."""
    told = {name: getattr(case, name) for name in CaseView.__struct_fields__ if name not in ("case", "order")}
    told["order"] = order_state(order, None, private=private)
    return msgspec.convert({"case": case.id, **told}, CaseView, from_attributes=True)


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
