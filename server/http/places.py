"""Where from, where to, how far and how much."""

from dispatch.model import Load
from server import views
from server.protocol.rest.places import Cities, CityQuery, Quote, QuoteForm

from .route import Call, Route


async def cities(call: Call[None, CityQuery]) -> Cities:
    """City search in the asked language."""
    query = call.query
    found = call.services.gazetteer.search(query.q, query.lang, query.limit)
    return Cities([views.city_view(city, query.lang) for city in found])


async def quote(call: Call[QuoteForm, None]) -> Quote:
    """What a haul would be and cost, without posting it."""
    form = call.body
    load = Load("", form.weight_kg, form.volume_m3, form.body)
    quoted = call.services.dispatcher.quote(form.pickup_city, form.drop_city, load)
    route = quoted.route
    towns = [call.services.gazetteer.city(town) for town in route.towns]
    return Quote(
        distance_m=route.distance_m,
        duration_s=route.duration_s,
        origin=route.origin,
        estimate=route.estimate,
        price=views.money(quoted.price),
        line=[(at.lat, at.lon) for at in route.line],
        towns=[town.names["ru"] for town in towns if town is not None],
    )


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/cities",
        cities,
        "Find a city by name",
        "places",
        query=CityQuery,
        response=Cities,
        scope="places:read",
    ),
    Route(
        "POST",
        "/api/v1/quotes",
        quote,
        "Distance, time and price of a haul",
        "places",
        request=QuoteForm,
        response=Quote,
        errors=("place_unknown",),
        scope="places:read",
    ),
)
