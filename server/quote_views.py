"""A reckoned haul as clients see it."""

from dispatch import journey, price_range, trip_cost
from geo.gazetteer import Gazetteer
from geo.tolls import TollTable
from geo.travel import Border
from server.protocol.messages import Money
from server.protocol.rest.quotes import (
    BorderFigures,
    BorderPassed,
    EtaWindow,
    FuelFigures,
    Line,
    PriceRange,
    ProfitFigures,
    Quote,
    TollFigures,
    TollPassed,
)

from .calculator import Reckoned
from .views import money


def quote(found: Reckoned, crew: int, gazetteer: Gazetteer, lang: str) -> Quote:
    """The whole answer."""
    way, cost = found.way, found.cost
    towns = [gazetteer.city(town) for town in way.towns]
    return Quote(
        distance_m=way.distance_m,
        duration_s=way.duration_s,
        origin=way.origin,
        estimate=way.estimate,
        price=money(found.price),
        line=[(round(at.lat, 5), round(at.lon, 5)) for at in way.line],
        towns=[town.names.get(lang, town.names["en"]) for town in towns if town is not None],
        driving_s=way.driving_s,
        traffic_s=way.traffic_s,
        line_origin=way.line_origin,
        polyline=Line(way.polyline, way.precision, way.origin, way.drawable) if way.polyline else None,
        borders=[_border(border, lang) for border in way.borders],
        eta=_eta(cost.eta, crew),
        fuel=FuelFigures(
            litres=round(cost.fuel.litres, 1),
            litres_100km=round(cost.fuel.litres_100km, 2),
            litres_origin=cost.fuel.consumption_origin,
            cost=_kzt(cost.fuel.amount),
            origin=cost.fuel.price_origin,
        ),
        tolls=_tolls(cost.tolls, lang),
        border_cost=BorderFigures(_kzt(cost.borders.amount), cost.borders.origin),
        price_range=_range(found.range),
        profit=_profit(cost.profit, "none" if found.deadhead is None else found.deadhead.origin),
        trucks=cost.trucks,
        price_origin=found.priced.origin,
        price_version=found.priced.version,
    )


def _border(border: Border, lang: str) -> BorderPassed:
    known = border.crossing
    return BorderPassed(
        leaves=border.leaves,
        enters=border.enters,
        crossing=None if known is None else known.id,
        name="" if known is None else known.names[lang],
        wait_s=border.wait_s,
        origin=border.wait_origin,
    )


def _eta(eta: journey.Eta, crew: int) -> EtaWindow:
    typical = eta.typical
    return EtaWindow(
        depart_at=typical.depart_at,
        early_at=eta.early_at,
        typical_at=typical.arrive_at,
        late_at=eta.late_at,
        driving_s=typical.driving_s,
        rest_s=typical.rest_s,
        border_s=typical.border_s,
        service_s=typical.service_s,
        heat_s=typical.heat_s,
        crew=crew,
        origin="aetr",
    )


def _tolls(tolls: trip_cost.TollCost, lang: str) -> TollFigures:
    return TollFigures(
        cost=_kzt(tolls.amount),
        prepaid=tolls.prepaid,
        sections=[
            TollPassed(
                section=toll.section,
                # Russian is read by whoever reads Kazakh here; the others get the English one.
                name=toll.names["ru" if lang in ("ru", "kk") else "en"],
                metres=toll.metres,
                cost=_kzt(round(toll.amount * trip_cost.MINOR)),
                assumed=toll.assumed,
            )
            for toll in tolls.sections
        ],
        origin=tolls.origin,
    )


def _range(found: price_range.PriceRange) -> PriceRange:
    return PriceRange(money(found.low), money(found.typical), money(found.high), found.hauls, found.origin)


def _profit(profit: trip_cost.Profit, deadhead_origin: str) -> ProfitFigures:
    return ProfitFigures(
        profit=_kzt(profit.amount),
        per_hour=_kzt(profit.per_hour),
        seconds=profit.seconds,
        price=_kzt(profit.price),
        fuel=_kzt(profit.fuel),
        tolls=_kzt(profit.tolls),
        borders=_kzt(profit.borders),
        wear=_kzt(profit.wear),
        deadhead_m=profit.deadhead_m,
        deadhead_origin=deadhead_origin,
        loading_s=profit.loading_s,
        unloading_s=profit.unloading_s,
        rest_s=profit.rest_s,
        origin="assumed",
    )


def _kzt(amount: int) -> Money:
    return Money(amount, TollTable.currency)
