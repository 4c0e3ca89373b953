"""Nominatim, self-hosted: OpenStreetMap's names in any language without a re-import, on the PostgreSQL we know."""

from msgspec import Struct

from geo.geocoding import Found
from geo.providers import NoAnswer
from geo.types import Position
from server.gateways.vendor import Vendor, decoded, fault_of

LANGUAGES = {"ru": "ru,kk,en", "kk": "kk,ru,en", "en": "en,ru", "zh": "zh-Hans,zh,en,ru"}
COUNTRIES = "kz,ru,cn,kg,uz,tj,tm,mn"
NEAR_DEG = 1.5  # a box of about 150 km around the reader is preferred
SETTLEMENTS = ("city", "town", "village", "hamlet", "municipality", "county")


class _Address(Struct):
    house_number: str = ""
    road: str = ""
    city: str = ""
    town: str = ""
    village: str = ""
    hamlet: str = ""
    municipality: str = ""
    county: str = ""
    state: str = ""
    country_code: str = ""


class _Place(Struct):
    lat: float
    lon: float
    display_name: str = ""
    name: str = ""
    place_rank: int = 0
    address: _Address | None = None
    error: str = ""


class _Nothing(Struct):
    """`{"error": "Unable to geocode"}`, with status 200."""

    error: str


class Nominatim:
    """The dialect is also that of hosted services; a key of theirs goes into the base URL."""

    name = "nominatim"

    def __init__(self, base_url: str) -> None:
        self._vendor = Vendor(base_url)

    async def search(self, text: str, lang: str, near: Position | None, limit: int) -> list[Found]:
        """By free text."""
        params = {
            "q": text,
            "format": "jsonv2",
            "addressdetails": "1",
            "limit": str(limit),
            "countrycodes": COUNTRIES,
            "accept-language": LANGUAGES[lang],
        }
        if near is not None:
            west, east = near.lon - NEAR_DEG, near.lon + NEAR_DEG
            params["viewbox"] = f"{west:.3f},{near.lat + NEAR_DEG:.3f},{east:.3f},{near.lat - NEAR_DEG:.3f}"
        found = decoded(await self._ask("/search", params), list[_Place], strict=False)
        if not found:
            raise NoAnswer
        return [_found(place, self.name) for place in found]

    async def reverse(self, at: Position, lang: str) -> list[Found]:
        """The nearest thing with an address."""
        raw = await self._ask(
            "/reverse",
            {
                "lat": f"{at.lat:.6f}",
                "lon": f"{at.lon:.6f}",
                "format": "jsonv2",
                "addressdetails": "1",
                "zoom": "18",
                "accept-language": LANGUAGES[lang],
            },
        )
        if raw.lstrip().startswith(b'{"error"'):
            decoded(raw, _Nothing)
            raise NoAnswer
        return [_found(decoded(raw, _Place, strict=False), self.name)]

    async def close(self) -> None:
        """Closes the session."""
        await self._vendor.close()

    async def _ask(self, path: str, params: dict[str, str]) -> bytes:
        status, raw, after = await self._vendor.call(
            "GET", path, params=params, headers={"User-Agent": "tracking-desk"}
        )
        if status == 404:  # a point without anything near, in some versions
            raise NoAnswer
        if status != 200:
            raise fault_of(status, after)
        return raw


def _found(place: _Place, origin: str) -> Found:
    address = place.address or _Address()
    street = " ".join(part for part in (address.road, address.house_number) if part)
    settlement = next((name for kind in SETTLEMENTS if (name := getattr(address, kind))), address.state)
    # Streets and settlements told briefly; anything else by the name that OpenStreetMap shows.
    label = ", ".join(part for part in (street or place.name, settlement) if part) or place.display_name
    return Found(
        label=label,
        lat=place.lat,
        lon=place.lon,
        precision=_precision(place.place_rank, bool(address.house_number)),
        kind="address",
        origin=origin,
        country=address.country_code.upper(),
    )


def _precision(rank: int, house: bool) -> str:
    """By Nominatim's ranks: 30 houses and things, 26 and 27 streets, 13 to 25 settlements and their parts."""
    if house:
        return "house"
    if rank >= 28:
        return "place"
    return "street" if rank >= 26 else "town" if rank >= 13 else "region"
