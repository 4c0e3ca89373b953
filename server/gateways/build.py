"""Chains of map services out of the settings: what is behind `embedded` is never asked."""

from collections.abc import Callable

from geo.crossings import Crossings
from geo.gazetteer import Gazetteer
from geo.geocoding import Geocoder
from geo.roads import RoadGraph
from geo.routing import RouteProvider
from geo.whereabouts import Whereabouts
from storage.cache import TimedCache

from .chain import Chain, Link
from .geocoding.google import GoogleGeocoder
from .geocoding.nominatim import Nominatim
from .geocoding.places import Places
from .meters import VendorMeters
from .routes.google import GoogleRoutes
from .routes.google_legacy import GoogleLegacy
from .routes.osrm import Osrm
from .routes.valhalla import Valhalla
from .routes.ways import Ways
from .settings import Maps

ROUTES: dict[str, Callable[[Maps], RouteProvider]] = {
    "valhalla": lambda maps: Valhalla(maps.valhalla_url),
    "osrm": lambda maps: Osrm(maps.osrm_url),
    "google": lambda maps: GoogleRoutes(maps.google_routes_url, maps.google_key, traffic=maps.google_traffic),
    "google-legacy": lambda maps: GoogleLegacy(
        maps.google_maps_url, maps.google_key, traffic=maps.google_traffic
    ),
}
GEOCODERS: dict[str, Callable[[Maps], Geocoder]] = {
    "nominatim": lambda maps: Nominatim(maps.nominatim_url),
    "google": lambda maps: GoogleGeocoder(maps.google_maps_url, maps.google_key),
}


def ways(maps: Maps, roads: RoadGraph, crossings: Crossings, cache: TimedCache, meters: VendorMeters) -> Ways:
    """Routes by the vendors that the settings name, then by the corridor graph."""
    links = [Link(ROUTES[name](maps), _keep_s(name, maps)) for name in _before_embedded(maps.routes)]
    chain = Chain("routes", links, cache, meters, budget_s=maps.budget_s, call_s=maps.budget_s / 2)
    return Ways(chain, roads, crossings, traffic=maps.google_traffic)


def places(
    maps: Maps, gazetteer: Gazetteer, crossings: Crossings, cache: TimedCache, meters: VendorMeters
) -> Places:
    """Addresses by the vendors that the settings name, then by the built-in tables."""
    links = [Link(GEOCODERS[name](maps), _keep_s(name, maps)) for name in _before_embedded(maps.geocoders)]
    chain = Chain("geocoding", links, cache, meters, budget_s=maps.budget_s, call_s=maps.budget_s / 2)
    return Places(chain, Whereabouts(gazetteer, crossings))


def _before_embedded(names: tuple[str, ...]) -> tuple[str, ...]:
    return names[: names.index("embedded")] if "embedded" in names else names


def _keep_s(name: str, maps: Maps) -> float:
    return maps.google_keep_s if name.startswith("google") else maps.own_keep_s
