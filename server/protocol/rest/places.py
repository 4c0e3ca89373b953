"""Towns, addresses, border crossings, and the places that a user keeps."""

from typing import Annotated, Literal

from msgspec import Meta

from ..messages import STORABLE, Latitude, Longitude
from .common import Form, Lang, View

# How exactly a place is known; `estimate` is a bearing from the nearest town, or a town instead of an address.
Precision = Literal["house", "street", "place", "town", "region", "estimate"]
PlaceKind = Literal["city", "crossing", "address", "pin"]
CrossingKind = Literal["multilateral", "bilateral"]


class CityQuery(Form, frozen=True):
    """City search: prefix, typo tolerant, any of the four languages. Namesakes near lat, lon stand first."""

    q: Annotated[str, Meta(min_length=1, max_length=80)]
    lang: Lang | None = None
    limit: Annotated[int, Meta(ge=1, le=50)] = 10
    lat: Latitude | None = None
    lon: Longitude | None = None


class CityView(View, frozen=True):
    """A town of the gazetteer in the asked language."""

    city: int
    name: str
    country: str
    region: str
    lat: float
    lon: float
    population: int


class Cities(View, frozen=True):
    """Best match first."""

    cities: list[CityView]


class PlaceQuery(Form, frozen=True):
    """An address, a town, a crossing, or degrees (latitude first). What is near lat, lon is preferred."""

    q: Annotated[str, Meta(min_length=1, max_length=200)]
    lang: Lang | None = None
    limit: Annotated[int, Meta(ge=1, le=20)] = 8
    lat: Latitude | None = None
    lon: Longitude | None = None


class PinQuery(Form, frozen=True):
    """A pin on the map."""

    lat: Latitude
    lon: Longitude
    lang: Lang | None = None


class PlaceView(View, frozen=True):
    """A place, and who says so: `origin` is gazetteer, nominatim or google.

    `city` is the nearest town of the gazetteer, `city_m` metres to its centre; `crossing` the id of a crossing.
    """

    label: str
    lat: float
    lon: float
    precision: Precision
    kind: PlaceKind
    origin: str
    country: str
    city: int
    city_name: str
    city_m: float
    crossing: str | None = None


class Places(View, frozen=True):
    """Best match first."""

    places: list[PlaceView]


class CrossingQuery(Form, frozen=True):
    """Crossings into one country (ISO 3166), or all."""

    neighbour: Annotated[str, Meta(pattern="^[A-Z]{2}$", max_length=2)] | None = None
    lang: Lang | None = None


class CrossingView(View, frozen=True):
    """A road crossing of Kazakhstan. The place is approximate. Waits are mean seconds, the same for all so far."""

    crossing: str
    name: str
    neighbour: str
    opposite: str
    lat: float
    lon: float
    kind: CrossingKind
    trucks: bool
    wait_out_s: float
    wait_in_s: float
    wait_origin: str


class Crossings(View, frozen=True):
    """By neighbour."""

    crossings: list[CrossingView]


class SavedPlaceForm(Form, frozen=True):
    """A place to keep. Without `city` the nearest town is taken."""

    label: Annotated[str, Meta(min_length=1, max_length=80, pattern=STORABLE)]
    lat: Latitude
    lon: Longitude
    address: Annotated[str, Meta(max_length=300, pattern=STORABLE)] = ""
    city: int | None = None
    contact_name: Annotated[str, Meta(max_length=120, pattern=STORABLE)] = ""
    contact_phone: Annotated[
        str, Meta(max_length=32, description="Empty, or any usual form of a number, also of a landline.")
    ] = ""
    note: Annotated[str, Meta(max_length=500, pattern=STORABLE)] = ""


class SavedPlace(View, frozen=True):
    """A kept place; `contact_phone` in E.164."""

    place: int
    label: str
    address: str
    lat: float
    lon: float
    city: int
    city_name: str
    contact_name: str
    contact_phone: str
    note: str
    version: int
    uses: int
    used_at: float | None = None


class SavedPlaces(View, frozen=True):
    """The last used or made first; at most 200."""

    places: list[SavedPlace]
