"""Towns, and what a haul between two of them is and costs."""

from typing import Annotated

from msgspec import Meta

from ..messages import Money
from .common import Body, Form, Lang, View, VolumeM3, WeightKg


class CityQuery(Form, frozen=True):
    """City search: prefix, typo tolerant, any of the four languages."""

    q: Annotated[str, Meta(min_length=1, max_length=80)]
    lang: Lang = "ru"
    limit: Annotated[int, Meta(ge=1, le=50)] = 10


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


class QuoteForm(Form, frozen=True):
    """What a haul would be and cost. Cities are gazetteer ids."""

    pickup_city: int
    drop_city: int
    weight_kg: WeightKg
    volume_m3: VolumeM3 = 0
    body: Body = "tent"


class Quote(View, frozen=True):
    """Distance in metres, time in seconds, price in minor units; `origin` says where the distance is from."""

    distance_m: float
    duration_s: float
    origin: str
    estimate: bool
    price: Money
    line: list[tuple[float, float]]  # (lat, lon), through the towns passed
    towns: list[str]
