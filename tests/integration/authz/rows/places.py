"""Towns, places, quotes and the prices behind them."""

from geo.types import Position
from storage.saved_places import PlaceNote

from ..matrix import Row
from ..world import Person, World

ALMATY, KONAEV = 1526384, 1519948
_HAUL = {"pickup_city": ALMATY, "drop_city": KONAEV, "weight_kg": 300.0}
_PLACE = {"label": "Склад", "lat": 43.9, "lon": 77.1}


async def a_place(world: World, person: Person) -> int:
    note = PlaceNote("Склад", Position(43.9, 77.1), KONAEV)
    return (await world.services.saved_places.add(person.user, note)).id


ROWS = (
    Row("GET /api/v1/cities", query="?q=алма"),
    Row("GET /api/v1/places/search", query="?q=алматы"),
    Row("GET /api/v1/places/reverse", query="?lat=43.9&lon=77.1"),
    Row("GET /api/v1/crossings"),
    Row("POST /api/v1/quotes", body=_HAUL),
    Row("GET /api/v1/saved-places"),
    Row("POST /api/v1/saved-places", body=_PLACE),
    Row("GET /api/v1/saved-places/{place}", own=a_place, staff="own"),
    Row(
        "PUT /api/v1/saved-places/{place}",
        own=a_place,
        staff="own",
        body=_PLACE,
        headers={"If-Match": '"1"'},
    ),
    Row("DELETE /api/v1/saved-places/{place}", own=a_place, staff="own"),
    Row("POST /api/v1/saved-places/{place}/used", own=a_place, staff="own"),
    Row("GET /api/v1/admin/fuel-prices"),
    Row("PUT /api/v1/admin/fuel-prices", body={"country": "KZ", "amount": 33_000, "valid_from": 1e9}),
)
