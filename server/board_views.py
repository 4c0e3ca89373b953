"""The board as clients see it."""

from dispatch.board import BoardLoad, Card
from server.payment_views import record_view
from server.protocol.messages import Money, Place
from server.protocol.rest import board as rest
from storage.board.asked import Total
from storage.board.clusters import Clusters
from storage.board.facets import Facets


def card(seen: Card, now: float) -> rest.BoardCard:
    """A load and what it is to the one who looks. Times to the second: who needs more watches the socket."""
    load, content, terms = seen.load, seen.load.load, seen.load.terms
    return rest.BoardCard(
        order=load.order,
        version=load.version,
        pickup=Place(*load.pickup),
        drop=Place(*load.drop),
        stops=load.stops,
        cargo=content.cargo,
        kind=content.kind,
        weight_kg=content.weight_kg,
        volume_m3=content.volume_m3,
        body=content.body,
        other_bodies=list(content.other_bodies),
        sides=list(content.sides),
        documents=list(content.documents),
        distance_m=load.distance_m,
        duration_s=load.duration_s,
        estimate=load.estimate,
        price=Money(*load.price),
        price_per_km=load.per_km,
        pricing=terms.pricing,
        payment_method=terms.method,
        payment_when=terms.when,
        payment_days=terms.days,
        prepay_percent=terms.prepay_percent,
        vat=terms.vat,
        created_at=load.created_at,
        age_s=max(0.0, round(now - (load.board_at or load.created_at), 1)),
        until=load.until,
        on_board=load.on_board,
        shipper=rest.PosterView(
            load.poster.name,
            load.poster.verified,
            load.poster.rating,
            load.poster.ratings,
            load.poster.user,
            record_view(load.poster.payments),
        ),
        reasons=[str(reason) for reason in seen.reasons],
        pickup_from=load.pickup_window.opens,
        pickup_to=load.pickup_window.closes,
        drop_from=load.drop_window.opens,
        drop_to=load.drop_window.closes,
        pieces=content.pieces,
        length_m=content.length_m,
        width_m=content.width_m,
        height_m=content.height_m,
        temp_min_c=content.temp_min_c,
        temp_max_c=content.temp_max_c,
        adr=content.adr,
        deadhead_m=None if seen.deadhead_m is None else round(seen.deadhead_m),
        detour_m=None if seen.detour_m is None else round(seen.detour_m),
        fits=seen.fits,
        profit=_profit(load, seen),
    )


def total(count: Total | None) -> rest.BoardTotal | None:
    """How many there are."""
    return None if count is None else rest.BoardTotal(count.count, count.exact)


def _profit(load: BoardLoad, seen: Card) -> rest.ProfitView | None:
    if seen.profit is None:
        return None
    road_km = (load.distance_m + seen.profit.deadhead_m) / 1000
    return rest.ProfitView(
        amount=seen.profit.amount,
        per_hour=seen.profit.per_hour,
        per_km=round(seen.profit.amount / max(road_km, 0.001)),
        seconds=round(seen.profit.seconds),
        currency=load.price.currency,
    )


def facets(found: Facets) -> rest.BoardFacets:
    """How loads divide."""
    words = found.words
    return rest.BoardFacets(
        total=rest.BoardTotal(found.total.count, found.total.exact),
        bodies=words["bodies"],
        kinds=words["kinds"],
        pricings=words["pricings"],
        payment_methods=words["methods"],
        payment_whens=words["whens"],
        adr=words["adr"],
        distances=[rest.DistanceBand(metres, loads) for metres, loads in found.distances],
    )


def clusters(found: Clusters, cards: list[Card], now: float) -> rest.BoardClusters:
    """A window of the map."""
    return rest.BoardClusters(
        resolution=found.resolution,
        exact=found.exact,
        at=found.at,
        clusters=[
            rest.BoardCluster(
                each.cell, each.lat, each.lon, each.loads, each.price_sum, each.price_min, each.price_max
            )
            for each in found.cells
        ],
        loads=[card(each, now) for each in cards],
    )
