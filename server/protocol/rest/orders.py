"""Loads: posted, edited, followed, called off, driven."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from ..messages import STORABLE, Latitude, Longitude, OrderState, RowId, Seconds, ShortText
from .common import (
    AdrClass,
    Amount,
    Body,
    CancelReason,
    CargoDocument,
    CargoKind,
    Fault,
    Form,
    LongText,
    OrderStatus,
    PaymentMethod,
    PaymentWhen,
    PricingKind,
    RejectReason,
    Side,
    StopKind,
    Suspicion,
    View,
    VolumeM3,
    WeightKg,
)

Cargo = Annotated[str, Meta(min_length=1, max_length=200, pattern=STORABLE)]
Pieces = Annotated[int, Meta(ge=1, le=100_000)]
Length = Annotated[float, Meta(ge=0.001, le=60, description="metres, of the largest piece")]
Celsius = Annotated[float, Meta(ge=-60, le=60)]
Days = Annotated[int, Meta(ge=0, le=180, description="after delivery")]
Percent = Annotated[int, Meta(ge=0, le=100)]
ValidS = Annotated[int, Meta(ge=60, le=30 * 86400, description="until it expires untaken")]
ConfirmS = Annotated[int, Meta(ge=3600, le=14 * 86400, description="how often its shipper confirms it")]
OtherBodies = Annotated[list[Body], Meta(max_length=8)]
Sides = Annotated[list[Side], Meta(max_length=4)]
CargoDocuments = Annotated[list[CargoDocument], Meta(max_length=14)]


class OrderStop(Form, frozen=True, omit_defaults=True):
    """A halt: a town of the gazetteer, a pin (lat, lon), or both. Address, contact and note are told to the
    parties of the haul only."""

    kind: StopKind
    city: int | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None
    address: ShortText = ""
    window_from: Seconds | None = None
    window_to: Seconds | None = None
    contact_name: Annotated[str, Meta(max_length=120, pattern=STORABLE)] = ""
    contact_phone: Annotated[str, Meta(max_length=32, pattern=STORABLE)] = ""
    note: Annotated[str, Meta(max_length=500, pattern=STORABLE)] = ""


Stops = Annotated[list[OrderStop], Meta(max_length=12, description="in order of driving, a pickup first")]


class OrderForm(Form, frozen=True):
    """Post a load, between two towns or through `stops`. Needs an Idempotency-Key header. Without a price the
    quoted one is taken; of a load that takes bids it is a guide. `allow_duplicate` posts it although an open load
    of yours looks the same."""

    cargo: Cargo
    weight_kg: WeightKg
    pickup_city: int | None = None
    drop_city: int | None = None
    stops: Stops | None = None
    volume_m3: VolumeM3 = 0
    body: Body = "tent"
    other_bodies: OtherBodies = field(default_factory=list)
    kind: CargoKind = "general"
    pieces: Pieces | None = None
    length_m: Length | None = None
    width_m: Length | None = None
    height_m: Length | None = None
    sides: Sides = field(default_factory=list)
    temp_min_c: Celsius | None = None
    temp_max_c: Celsius | None = None
    adr: AdrClass | None = None
    documents: CargoDocuments = field(default_factory=list)
    pricing: PricingKind = "fixed"
    price: Amount | None = None
    payment_method: PaymentMethod = "transfer"
    payment_when: PaymentWhen = "on_delivery"
    payment_days: Days = 0
    prepay_percent: Percent = 0
    vat: bool = False
    comment: LongText = ""
    private: bool = False
    valid_s: ValidS = 86400
    confirm_s: ConfirmS | None = None
    allow_duplicate: bool = False


class OrderEdit(Form, frozen=True):
    """Any of the fields of a load: what is left out stays as it is, null takes it back to what it is unsaid.

    `stops` are said as a whole.
    """

    stops: Stops | UnsetType | None = UNSET
    cargo: Cargo | UnsetType | None = UNSET
    weight_kg: WeightKg | UnsetType | None = UNSET
    volume_m3: VolumeM3 | UnsetType | None = UNSET
    body: Body | UnsetType | None = UNSET
    other_bodies: OtherBodies | UnsetType | None = UNSET
    kind: CargoKind | UnsetType | None = UNSET
    pieces: Pieces | UnsetType | None = UNSET
    length_m: Length | UnsetType | None = UNSET
    width_m: Length | UnsetType | None = UNSET
    height_m: Length | UnsetType | None = UNSET
    sides: Sides | UnsetType | None = UNSET
    temp_min_c: Celsius | UnsetType | None = UNSET
    temp_max_c: Celsius | UnsetType | None = UNSET
    adr: AdrClass | UnsetType | None = UNSET
    documents: CargoDocuments | UnsetType | None = UNSET
    pricing: PricingKind | UnsetType | None = UNSET
    price: Amount | UnsetType | None = UNSET
    payment_method: PaymentMethod | UnsetType | None = UNSET
    payment_when: PaymentWhen | UnsetType | None = UNSET
    payment_days: Days | UnsetType | None = UNSET
    prepay_percent: Percent | UnsetType | None = UNSET
    vat: bool | UnsetType | None = UNSET
    comment: LongText | UnsetType | None = UNSET
    private: bool | UnsetType | None = UNSET
    valid_s: ValidS | UnsetType | None = UNSET
    confirm_s: ConfirmS | UnsetType | None = UNSET


class OrdersQuery(Form, frozen=True):
    """A page of orders, newest first. `status`: some of the states, separated by commas. `q`: a number, or words
    of the cargo, the towns or the comment. `since` and `until`: when they were posted."""

    before: RowId | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    status: Annotated[list[OrderStatus], Meta(max_length=13)] = field(default_factory=list)
    q: Annotated[str, Meta(max_length=80, pattern=STORABLE)] = ""
    since: Seconds | None = None
    until: Seconds | None = None


class OrderEvent(View, frozen=True, omit_defaults=True):
    """One line of an order's history: what, who did it in which part, and what belongs to it."""

    seq: int
    kind: str
    status: OrderStatus
    at: float
    actor: int | None = None
    role: str = "system"
    fields: list[str] = field(default_factory=list)  # of an edit
    code: str | None = None  # of a cancellation or a dispute
    note: str = ""
    fault: Fault | None = None
    free: bool | None = None
    grounds: list[Suspicion] = field(default_factory=list)
    reasons: list[RejectReason] = field(default_factory=list)
    until: Seconds | None = None  # of a pause of sharing


class Contact(View, frozen=True):
    """The other side of a haul, while its parties may know each other."""

    role: Literal["shipper", "driver"]
    user: int
    name: str
    phone: str


class Judgement(View, frozen=True):
    """What staff have to say about the shipper's load. `state` waiting: nothing yet."""

    kind: str
    state: str
    grounds: list[Suspicion]
    reasons: list[RejectReason]
    note: str
    due_at: Seconds
    may_appeal: bool


class OrderDetail(View, frozen=True):
    """An order with its route and history; `judgement` is for its shipper."""

    order: OrderState
    line: list[tuple[float, float]]
    events: list[OrderEvent]
    contacts: list[Contact] = field(default_factory=list)
    judgement: Judgement | None = None


class OrderPage(View, frozen=True):
    """Newest first; `next` goes into `before` for the next page."""

    orders: list[OrderState]
    next: int | None = None


class OrderVersion(View, frozen=True):
    """What an order was from one edit to the next."""

    version: int
    at: float
    actor: int | None
    form: OrderEdit


class OrderVersions(View, frozen=True):
    """Oldest first; empty for an order that was never edited."""

    versions: list[OrderVersion]


class CancelForm(Form, frozen=True):
    """Why the order is called off: a code, and words. `fault` is for staff to say."""

    reason: ShortText = ""
    code: CancelReason = "other"
    fault: Fault | None = None


class CloseForm(Form, frozen=True):
    """What was agreed, if anything was in dispute."""

    note: LongText = ""


class AcknowledgeForm(Form, frozen=True):
    """The version whose times the driver agrees to."""

    version: int


class AppealForm(Form, frozen=True):
    """Why the load should go out after all."""

    text: Annotated[str, Meta(min_length=1, max_length=1000, pattern=STORABLE)]


class AdvanceForm(Form, frozen=True):
    """The next status step."""

    status: Literal["at_pickup", "loaded", "in_transit", "at_drop", "delivered"]
