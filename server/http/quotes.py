"""What a haul would be, cost and leave, without posting it."""

from dispatch.model import Load
from dispatch.trucks import Truck, truck_of
from geo.types import Position
from server import quote_views
from server.calculator import Wish
from server.protocol.rest.quotes import Pin, Quote, QuoteForm, StopForm

from .route import Call, Route


async def quote(call: Call[QuoteForm, None]) -> Quote:
    """All figures of a haul, each with its origin."""
    form, calculator = call.body, call.services.calculator
    pickup = calculator.spot("pickup_city", form.pickup_city, _place(form.pickup))
    between = [
        calculator.spot(f"stops[{number}].city", stop.city, _place(stop), stop.service_s)
        for number, stop in enumerate(form.stops)
    ]
    drop = calculator.spot("drop_city", form.drop_city, _place(form.drop))
    load = Load("", form.weight_kg, form.volume_m3, form.body, adr="any" if form.adr else None)
    wish = Wish(
        spots=(pickup, *between, drop),
        load=load,
        truck=_truck(form),
        depart_at=form.depart_at,
        driver_at=_place(form.driver_at),
        price=form.price,
        crew=form.crew,
        prepaid=form.toll_prepaid,
    )
    return quote_views.quote(await calculator.quote(wish), form.crew, call.services.gazetteer, call.lang)


def _place(pin: Pin | StopForm | None) -> Position | None:
    return None if pin is None or pin.lat is None or pin.lon is None else Position(pin.lat, pin.lon)


def _truck(form: QuoteForm) -> Truck | None:
    own = form.vehicle
    if own is None:
        return None
    return truck_of(
        form.body,
        form.weight_kg,
        form.volume_m3,
        capacity_kg=own.capacity_kg,
        room_m3=own.volume_m3,
        loaded_l=own.litres_100km,
        axle_kg=own.axle_kg,
        height_m=own.height_m,
        width_m=own.width_m,
        length_m=own.length_m,
    )


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/api/v1/quotes",
        quote,
        "Distance, time, costs, price and profit of a haul",
        "places",
        request=QuoteForm,
        response=Quote,
        errors=("place_unknown",),
        scope="places:read",
    ),
)
