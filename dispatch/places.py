"""Where a stop is, and what of that everybody may know: the town, or a cell of the grid around an address."""

from geo.cells import public_point
from geo.distance import haversine_m
from geo.gazetteer import City, Gazetteer
from geo.types import Position

from .asked import AskedStop
from .errors import Refusal
from .model import Place, Stop

PLACE_LANG = "ru"  # names kept with an order; a client shows its own language by city id
# An address this near to a town's centre is in the town: 12 km for most, a city of 300,000 is wider.
TOWN_M, CITY_M, CITY_INHABITANTS = 12_000.0, 20_000.0, 300_000
# A pin farther from the town that was named belongs to another one, or was dropped on a wrong map.
FAR_M = 60_000.0


def located(asked: AskedStop, gazetteer: Gazetteer, path: str) -> Stop:
    """The stop with its public place. `place_unknown`, or `address_far` for a pin elsewhere than its town."""
    exact = None if asked.lat is None or asked.lon is None else Position(asked.lat, asked.lon)
    return Stop(
        asked.kind,
        _public(asked, exact, gazetteer, path),
        asked.window,
        exact,
        asked.address,
        asked.contact_name,
        asked.contact_phone,
        asked.note,
    )


def town(city: City) -> Place:
    """A town as the place of a stop."""
    return Place(city.id, city.names[PLACE_LANG], city.lat, city.lon)


def _public(asked: AskedStop, exact: Position | None, gazetteer: Gazetteer, path: str) -> Place:
    named = None if asked.city is None else gazetteer.city(asked.city)
    if asked.city is not None and named is None:
        where = asked.said_as or f"{path}.city"
        raise Refusal("place_unknown", "no city has the number {city}", city=asked.city).at(where)
    if exact is None:
        if named is None:
            raise Refusal("order_incomplete", "say the town or put a pin on the map").at(f"{path}.city")
        return town(named)
    nearest = gazetteer.nearest(*exact)
    if named is None:
        named = nearest
    away_m = haversine_m(*exact, *named.position)
    if away_m > FAR_M and named is not nearest:
        raise Refusal("address_far", "{away:distance} from the town", away=away_m).at(f"{path}.city")
    if away_m <= (CITY_M if named.population >= CITY_INHABITANTS else TOWN_M):
        return town(named)
    # Out on the steppe an address is one farm: only the cell around it is told, under the town's name.
    return Place(named.id, named.names[PLACE_LANG], *public_point(*exact))
