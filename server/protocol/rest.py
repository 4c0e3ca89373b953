"""Bodies of the REST API. The same units and types as the websocket messages."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from .messages import (
    STORABLE,
    Latitude,
    Longitude,
    Money,
    OfferCard,
    OrderState,
    Place,
    RowId,
    Seconds,
    ShortText,
    Token,
    Uuid,
)

Body = Literal["tent", "reefer", "isotherm", "flatbed", "container", "tipper", "tank", "lowboy", "van"]
Role = Literal["driver", "shipper", "admin"]
Lang = Literal["ru", "kk", "en", "zh"]
Phone = Annotated[
    str, Meta(min_length=5, max_length=32, description="Any usual form; +7, 8 7xx and 7xx are Kazakhstan.")
]
WeightKg = Annotated[float, Meta(gt=0, le=100_000)]
VolumeM3 = Annotated[float, Meta(ge=0, le=500)]


class Form(Struct, frozen=True, forbid_unknown_fields=True):
    """A request body: unknown fields are refused, so that nothing is sent in vain."""


class View(Struct, frozen=True):
    """An answer body."""


# -- identity -----------------------------------------------------------------------------------------------


class OtpForm(Form, frozen=True):
    """Ask for a one-time code. `role` is that of the account made when the phone is new."""

    phone: Phone
    role: Literal["driver", "shipper"] = "driver"


class OtpAsked(View, frozen=True):
    """The same answer for known and unknown numbers. The code goes by SMS (default: the server's log)."""

    request: Uuid
    expires_at: Seconds
    resend_at: Seconds


class VerifyForm(Form, frozen=True):
    """The code that came for `request`."""

    request: Uuid
    code: Annotated[str, Meta(pattern="^[0-9]{6}$", max_length=6)]


class RefreshForm(Form, frozen=True):
    """A refresh token; browsers leave it out and send the cookie."""

    refresh: Token | None = None


class SignedIn(View, frozen=True):
    """A fresh access token (15 min). `refresh` is absent for browsers, which get it as an HttpOnly cookie."""

    access: str
    access_expires_at: Seconds
    user: int
    role: str
    refresh: str | None = None


class Ticket(View, frozen=True):
    """For `/ws?ticket=`: 30 s, single use."""

    ticket: str
    expires_at: Seconds


class TicketForm(Form, frozen=True):
    """A driver's device names itself so that its positions are taken."""

    device: RowId | None = None
    device_secret: Token | None = None


class DeviceForm(Form, frozen=True):
    """Register this phone or tracker."""

    label: ShortText = ""


class Device(View, frozen=True):
    """Shown once: only a hash of the secret is stored."""

    device: int
    device_secret: str


class VehicleForm(Form, frozen=True):
    """The driver's truck."""

    body: Body
    capacity_kg: WeightKg
    volume_m3: VolumeM3
    plate: Annotated[str, Meta(max_length=16, pattern=STORABLE)] = ""


class Profile(View, frozen=True):
    """Who is signed in."""

    user: int
    phone: str
    role: str
    name: str
    locale: str
    vehicle: VehicleForm | None = None
    paid_until: float | None = None
    on_duty: bool | None = None


class PushEndpointForm(Form, frozen=True):
    """Where to push: a Web Push subscription, a Firebase installation id, or a legacy FCM token."""

    kind: Literal["webpush", "fid", "token"]
    address: Annotated[str, Meta(min_length=1, max_length=1000, pattern=STORABLE)]
    p256dh: ShortText = ""
    auth: ShortText = ""
    locale: Lang = "ru"


class PushEndpoint(View, frozen=True):
    """A stored endpoint."""

    endpoint: int


class PushKey(View, frozen=True):
    """The VAPID public key for `pushManager.subscribe`, absent when Web Push is off."""

    key: str | None


# -- places and quotes --------------------------------------------------------------------------------------


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


# -- orders -------------------------------------------------------------------------------------------------


class OrderForm(Form, frozen=True):
    """Post a load. Needs an Idempotency-Key header. Without a price the quoted one is taken."""

    pickup_city: int
    drop_city: int
    cargo: Annotated[str, Meta(min_length=1, max_length=200, pattern=STORABLE)]
    weight_kg: WeightKg
    volume_m3: VolumeM3 = 0
    body: Body = "tent"
    price: Annotated[int, Meta(ge=1, le=10**12, description="minor units of KZT")] | None = None
    valid_s: Annotated[int, Meta(ge=60, le=30 * 86400)] = 86400


class OrderEvent(View, frozen=True):
    """One line of an order's history."""

    seq: int
    kind: str
    status: str
    at: float
    actor: int | None = None


class OrderDetail(View, frozen=True):
    """An order with its route and history."""

    order: OrderState
    line: list[tuple[float, float]]
    events: list[OrderEvent]


class OrderPage(View, frozen=True):
    """Newest first; `next` goes into `before` for the next page."""

    orders: list[OrderState]
    next: int | None = None


class CancelForm(Form, frozen=True):
    """Why the order is called off."""

    reason: ShortText = ""


class AdvanceForm(Form, frozen=True):
    """The next status step."""

    status: Literal["at_pickup", "loaded", "in_transit", "at_drop", "delivered"]


class AcceptForm(Form, frozen=True):
    """A retry with the same accept_id gets the same answer."""

    accept_id: Uuid


class DeclineForm(Form, frozen=True):
    """Why not."""

    reason: ShortText = ""


class Offers(View, frozen=True):
    """The caller's live offers."""

    offers: list[OfferCard]


class BoardQuery(Form, frozen=True):
    """Loads open to every subscribed driver, newest first; nearest pickup circle when lat, lon are given."""

    lat: Latitude | None = None
    lon: Longitude | None = None
    radius_m: Annotated[float, Meta(gt=0, le=2_000_000)] = 200_000
    body: Body | None = None
    max_weight_kg: WeightKg | None = None
    max_volume_m3: VolumeM3 | None = None
    before: RowId | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class BoardLoad(View, frozen=True):
    """A load on the board."""

    order: int
    pickup: Place
    drop: Place
    cargo: str
    weight_kg: float
    volume_m3: float
    body: str
    distance_m: float
    price: Money
    created_at: float


class Board(View, frozen=True):
    """One page of the board."""

    loads: list[BoardLoad]
    next: int | None = None


class CityQuery(Form, frozen=True):
    """City search: prefix, typo tolerant, any of the four languages."""

    q: Annotated[str, Meta(min_length=1, max_length=80)]
    lang: Lang = "ru"
    limit: Annotated[int, Meta(ge=1, le=50)] = 10


class PageQuery(Form, frozen=True):
    """Keyset page."""

    before: RowId | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


# -- administration -----------------------------------------------------------------------------------------


class SubscriptionForm(Form, frozen=True):
    """Sets until when a driver's subscription is paid."""

    paid_until: Seconds


class DriverView(View, frozen=True):
    """A driver as operators see them."""

    driver: int
    phone: str
    name: str
    body: str | None
    paid_until: float | None
    on_duty: bool


class Drivers(View, frozen=True):
    """One page, newest first."""

    drivers: list[DriverView]
    next: int | None = None


# -- errors -------------------------------------------------------------------------------------------------


class Problem(View, frozen=True):
    """RFC 9457 problem details with our stable `code`."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    retry: bool
    path: str | None = None
