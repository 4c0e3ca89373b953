"""What a driver shares of where he is, public links to one order, and who looked."""

from typing import Annotated, Literal

from msgspec import Meta

from ..messages import STORABLE, Latitude, Longitude, RowId, Seconds
from .common import Body, Form, Grade, OrderStatus, StopKind, View

AfterTrip = Annotated[
    int, Meta(ge=0, le=5, description="minutes after a haul in which its shipper sees the truck")
]
PauseMinutes = Annotated[int, Meta(ge=1, le=120)]
LinkLabel = Annotated[str, Meta(min_length=1, max_length=80, pattern=STORABLE, description="for whom it is")]
ViewerKind = Literal["shipper", "fleet", "link", "staff"]


class SharingForm(Form, frozen=True):
    """A driver's own rules, all of them. `on_duty_only`: without a load only while on duty. `pause_until`: not
    found for loads and not counted on maps until then; only without a load, for seven days at most."""

    on_duty_only: bool = False
    pause_until: Seconds | None = None
    after_trip_min: AfterTrip = 5


class SharingView(View, frozen=True):
    """A driver's own rules as they stand."""

    on_duty_only: bool
    pause_until: Seconds | None
    after_trip_min: int


class OrderSharingForm(Form, frozen=True):
    """Holds the exact position back from the shipper's side for so many minutes from now, or shares it again."""

    paused: bool
    minutes: PauseMinutes = 60


class OrderSharing(View, frozen=True):
    """Whether the exact position is held back on this order."""

    order: RowId
    paused: bool
    since: Seconds | None = None
    until: Seconds | None = None


class SeenQuery(Form, frozen=True):
    """A page, newest first."""

    before: RowId | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class ViewerView(View, frozen=True):
    """Somebody was shown where the caller was, within five minutes: the company or person, the label of the link,
    or our staff with their grade."""

    view: int
    kind: ViewerKind
    name: str
    grade: Grade | None
    order: RowId | None
    first_at: Seconds
    last_at: Seconds
    looks: int


class Viewers(View, frozen=True):
    """One page, newest first."""

    viewers: list[ViewerView]
    next: int | None = None


class LinkForm(Form, frozen=True):
    """A public link to one order. Without `closes_at` it closes two hours after the haul."""

    label: LinkLabel
    opens_at: Seconds | None = None
    closes_at: Seconds | None = None


class LinkView(View, frozen=True):
    """A link as the parties of the order see it. `side`: whose it is. `live`: it is open, or will be."""

    link: int
    label: str
    side: Literal["shipper", "driver"]
    live: bool
    opens_at: Seconds
    closes_at: Seconds
    created_at: Seconds
    revoked_at: Seconds | None
    views: int
    last_view_at: Seconds | None


class LinkMade(View, frozen=True):
    """A new link; the secret is told this once. The page reads GET /api/v1/shared/{secret}."""

    link: int
    secret: str
    view: LinkView


class Links(View, frozen=True):
    """The links of an order, newest first."""

    links: list[LinkView]
    next: int | None = None


class LinkLook(View, frozen=True):
    """Looks by way of a link from one network within five minutes. Of the address the network is told (/24, or /48
    of IPv6), of the browser its kind."""

    view: int
    network: str
    agent: str
    first_at: Seconds
    last_at: Seconds
    looks: int


class LinkLooks(View, frozen=True):
    """One page, newest first."""

    views: list[LinkLook]
    next: int | None = None


class SharedStop(View, frozen=True, omit_defaults=True):
    """A halt by its town, whose middle is at `lat`, `lon`."""

    kind: StopKind
    town: str
    lat: Latitude
    lon: Longitude
    window_from: Seconds | None = None
    window_to: Seconds | None = None


class SharedPosition(View, frozen=True):
    """Where the truck was `age_s` ago."""

    lat: Latitude
    lon: Longitude
    age_s: float
    speed: float | None
    heading: float | None


class SharedOrder(View, frozen=True, omit_defaults=True):
    """What anybody with the link may know: no name, number, price, address, cargo or id. There is a position while
    the haul lasts (and some minutes after it) and its driver shares it; `paused` says that he does not now. Ask
    again every five seconds."""

    status: OrderStatus
    body: Body
    stops: list[SharedStop]
    closes_at: Seconds
    paused: bool = False
    position: SharedPosition | None = None
    remaining_m: float | None = None
    eta_at: Seconds | None = None
