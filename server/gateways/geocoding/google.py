"""Google's Geocoding API (`/maps/api/geocode/json`)."""

from msgspec import Struct

from geo.geocoding import Found
from geo.providers import NoAnswer, ProviderFault
from geo.types import Position
from server.gateways.vendor import Vendor, decoded, fault_of

LANGUAGES = {"ru": "ru", "kk": "kk", "en": "en", "zh": "zh-CN"}
NEAR_DEG = 1.5
FAULTS = {
    "OVER_QUERY_LIMIT": "quota",
    "OVER_DAILY_LIMIT": "quota",
    "REQUEST_DENIED": "refused",
    "INVALID_REQUEST": "rejected",
    "UNKNOWN_ERROR": "server",
}
TOWNS = frozenset({"locality", "postal_town", "sublocality", "neighborhood", "administrative_area_level_3"})


class _LatLng(Struct):
    lat: float
    lng: float


class _Geometry(Struct):
    location: _LatLng
    location_type: str = "APPROXIMATE"


class _Component(Struct):
    short_name: str = ""
    types: list[str] = []


class _Result(Struct):
    formatted_address: str
    geometry: _Geometry
    types: list[str] = []
    address_components: list[_Component] = []


class _Answer(Struct):
    status: str
    results: list[_Result] = []
    error_message: str = ""


class GoogleGeocoder:
    """Answers may be kept for 30 days at most, by the terms."""

    name = "google"

    def __init__(self, base_url: str, key: str) -> None:
        self._vendor = Vendor(base_url)
        self._key = key

    async def search(self, text: str, lang: str, near: Position | None, limit: int) -> list[Found]:
        """By free text."""
        params = {"address": text, "region": "kz"}
        if near is not None:
            south, north = near.lat - NEAR_DEG, near.lat + NEAR_DEG
            params["bounds"] = f"{south:.3f},{near.lon - NEAR_DEG:.3f}|{north:.3f},{near.lon + NEAR_DEG:.3f}"
        return (await self._ask(params, lang))[:limit]

    async def reverse(self, at: Position, lang: str) -> list[Found]:
        """The best of the addresses that Google knows for the place."""
        return (await self._ask({"latlng": f"{at.lat:.6f},{at.lon:.6f}"}, lang))[:1]

    async def close(self) -> None:
        """Closes the session."""
        await self._vendor.close()

    async def _ask(self, params: dict[str, str], lang: str) -> list[Found]:
        status, raw, after = await self._vendor.call(
            "GET",
            "/maps/api/geocode/json",
            params={**params, "language": LANGUAGES[lang], "key": self._key},
        )
        if status != 200:
            raise fault_of(status, after)
        answer = decoded(raw, _Answer)
        if answer.status == "ZERO_RESULTS" or (answer.status == "OK" and not answer.results):
            raise NoAnswer
        if answer.status != "OK":
            raise ProviderFault(FAULTS.get(answer.status, "malformed"), answer.error_message[:200])
        return [_found(result, self.name) for result in answer.results]


def _found(result: _Result, origin: str) -> Found:
    at = result.geometry.location
    country = next((part.short_name for part in result.address_components if "country" in part.types), "")
    return Found(
        label=result.formatted_address,
        lat=at.lat,
        lon=at.lng,
        precision=_precision(result.geometry.location_type, frozenset(result.types)),
        kind="address",
        origin=origin,
        country=country,
    )


def _precision(location_type: str, types: frozenset[str]) -> str:
    if location_type == "ROOFTOP":
        return "house"
    if location_type == "RANGE_INTERPOLATED" or types & {"route", "intersection", "street_address"}:
        return "street"
    if types & TOWNS:
        return "town"
    return "place" if location_type == "GEOMETRIC_CENTER" else "region"
