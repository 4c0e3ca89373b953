"""The values of the order path: frozen, SI units, epoch seconds, money in minor units."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from geo.types import Position


class Status(StrEnum):
    """Where an order stands."""

    DRAFT = "draft"
    MODERATION = "moderation"
    OPEN = "open"
    ASSIGNED = "assigned"
    AT_PICKUP = "at_pickup"
    LOADED = "loaded"
    IN_TRANSIT = "in_transit"
    AT_DROP = "at_drop"
    DELIVERED = "delivered"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DISPUTED = "disputed"


class Actor(StrEnum):
    """Who moves an order: four roles of users, and the clock."""

    SHIPPER = "shipper"
    DRIVER = "driver"
    LOGISTICIAN = "logistician"
    ADMIN = "admin"
    SYSTEM = "system"


class Party(NamedTuple):
    """The user who asks, in the role of the sign-in. A shipper also acts for the orders of `companies`.

    A logistician moves no order as such: it acts for a driver of its fleet, as `Party(driver, Actor.DRIVER)`,
    which whoever knows the fleet makes of it. `by` is then the logistician.
    """

    user: int
    actor: Actor
    companies: frozenset[int] = frozenset()
    by: int | None = None

    @property
    def signed_in(self) -> int:
        """The user who really asked: what histories keep."""
        return self.user if self.by is None else self.by


def _by(*actors: Actor) -> frozenset[Actor]:
    return frozenset(actors)


_STAFF = Actor.ADMIN
_OWNER = Actor.SHIPPER
_CARRIER = Actor.DRIVER
_CLOCK = Actor.SYSTEM

# Every step an order may take and who may take it. What is not here is refused with `transition_forbidden`.
# Once the truck is loaded nobody can cancel: the cargo is on the road, so what is left is a dispute.
TRANSITIONS: dict[tuple[Status, Status], frozenset[Actor]] = {
    (Status.DRAFT, Status.MODERATION): _by(_OWNER),
    (Status.DRAFT, Status.OPEN): _by(_OWNER),
    (Status.DRAFT, Status.CANCELLED): _by(_OWNER, _STAFF),
    (Status.MODERATION, Status.OPEN): _by(_STAFF, _CLOCK),
    (Status.MODERATION, Status.CANCELLED): _by(_OWNER, _STAFF),
    (Status.MODERATION, Status.EXPIRED): _by(_CLOCK),
    # What an edit has made suspicious, and what staff have turned down, is judged before it is offered again.
    (Status.OPEN, Status.MODERATION): _by(_STAFF, _CLOCK),
    (Status.OPEN, Status.ASSIGNED): _by(_CARRIER),
    (Status.OPEN, Status.EXPIRED): _by(_CLOCK),
    (Status.OPEN, Status.CANCELLED): _by(_OWNER, _STAFF),
    (Status.ASSIGNED, Status.AT_PICKUP): _by(_CARRIER),
    (Status.ASSIGNED, Status.CANCELLED): _by(_OWNER, _CARRIER, _STAFF),
    (Status.AT_PICKUP, Status.LOADED): _by(_CARRIER),
    (Status.AT_PICKUP, Status.CANCELLED): _by(_OWNER, _CARRIER, _STAFF),
    (Status.LOADED, Status.IN_TRANSIT): _by(_CARRIER),
    (Status.LOADED, Status.DISPUTED): _by(_OWNER, _CARRIER, _STAFF),
    (Status.IN_TRANSIT, Status.AT_DROP): _by(_CARRIER),
    (Status.IN_TRANSIT, Status.DISPUTED): _by(_OWNER, _CARRIER, _STAFF),
    (Status.AT_DROP, Status.DELIVERED): _by(_CARRIER),
    (Status.AT_DROP, Status.DISPUTED): _by(_OWNER, _CARRIER, _STAFF),
    (Status.DELIVERED, Status.CLOSED): _by(_OWNER, _STAFF, _CLOCK),
    (Status.DELIVERED, Status.DISPUTED): _by(_OWNER, _CARRIER, _STAFF),
    (Status.DISPUTED, Status.CLOSED): _by(_STAFF),
    (Status.DISPUTED, Status.CANCELLED): _by(_STAFF),
    # A dispute that is taken back lets the haul go on where it stood; nobody chooses another of these.
    (Status.DISPUTED, Status.LOADED): _by(_CLOCK),
    (Status.DISPUTED, Status.IN_TRANSIT): _by(_CLOCK),
    (Status.DISPUTED, Status.AT_DROP): _by(_CLOCK),
    (Status.DISPUTED, Status.DELIVERED): _by(_CLOCK),
}

# The haul is over, one way or the other: `ended_at` is set and the driver is free again.
ENDED = frozenset({Status.DELIVERED, Status.CLOSED, Status.CANCELLED, Status.EXPIRED})


def allowed(now: Status, then: Status, actor: Actor) -> bool:
    """Whether `actor` may take an order from `now` to `then`."""
    return actor in TRANSITIONS.get((now, then), frozenset())


class Money(NamedTuple):
    """An amount in minor units of an ISO 4217 currency."""

    amount: int
    currency: str


class Place(NamedTuple):
    """An end of a haul: gazetteer id, the name at the time of posting, WGS-84 degrees."""

    city: int
    name: str
    lat: float
    lon: float

    @property
    def position(self) -> Position:
        """Where it is."""
        return Position(self.lat, self.lon)


@dataclass(frozen=True, slots=True)
class Load:
    """What is to be carried: kg, m3 (0 is unknown), metres of the largest piece, degrees Celsius.

    `body` is the one that the price is for; `other_bodies` would do as well. `adr` is a class of dangerous
    goods (ADR 2.2), `sides` the ways it must be loaded, `documents` the papers that the driver must carry.
    """

    cargo: str
    weight_kg: float
    volume_m3: float
    body: str
    kind: str = "general"
    other_bodies: tuple[str, ...] = ()
    pieces: int | None = None
    length_m: float | None = None
    width_m: float | None = None
    height_m: float | None = None
    sides: tuple[str, ...] = ()
    temp_min_c: float | None = None
    temp_max_c: float | None = None
    adr: str | None = None
    documents: tuple[str, ...] = ()

    @property
    def bodies(self) -> tuple[str, ...]:
        """Every body that was asked for, the first one first."""
        return (self.body, *self.other_bodies)


class Window(NamedTuple):
    """A span of time in epoch seconds; None is open at that end."""

    opens: float | None = None
    closes: float | None = None


ANYTIME = Window()


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the truck halts. `place` is what the board shows; the rest only the parties of the haul may see.

    `exact` is the pin of the address, None when the town is all that is known.
    """

    kind: str  # pickup | drop
    place: Place
    window: Window = ANYTIME
    exact: Position | None = None
    address: str = ""
    contact_name: str = ""
    contact_phone: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Haul:
    """The way from the first pickup to the last drop: metres, seconds, and where the figures are from."""

    pickup: Place
    drop: Place
    distance_m: float
    duration_s: float
    origin: str  # embedded | great-circle | the name of a route provider
    stops: tuple[Stop, ...] = ()  # all of them in order of driving; empty: the two ends, without any detail

    @property
    def estimate(self) -> bool:
        """Whether the distance is a great-circle estimate rather than a road."""
        return self.origin == "great-circle"


class Pricing(StrEnum):
    """How a price is agreed: as posted, as posted or by a counter-offer, or by bids alone."""

    FIXED = "fixed"
    NEGOTIABLE = "negotiable"
    BIDS = "bids"


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything agreed beside the price. `days` after delivery when payment is deferred."""

    pricing: Pricing = Pricing.FIXED
    method: str = "transfer"  # transfer | cash | card
    when: str = "on_delivery"  # on_loading | on_delivery | deferred
    days: int = 0
    prepay_percent: int = 0
    vat: bool = False
    comment: str = ""


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order before it has an id. `valid_s`: seconds until it expires unassigned; `confirm_s`: how often its
    shipper must say that it still stands. `grounds` are the suspicions that staff should look at; only
    `status` says whether it waits for them.
    """

    shipper: int
    haul: Haul
    load: Load
    price: Money
    valid_s: float
    terms: Terms = Terms()
    company: int | None = None
    private: bool = False  # for invited drivers only: never on the board, no waves
    confirm_s: float | None = None
    status: Status = Status.OPEN
    grounds: tuple[str, ...] = ()
    alike: int | None = None  # an open order of somebody else that looks the same
    judge_within_s: float = 7200.0  # when staff should have looked at it


class Unshared(NamedTuple):
    """The driver holds the exact position back from the shipper's side: since when, until when, and where the
    truck was then, as a coarse H3 cell and the town nearest to it."""

    since: float
    until: float
    cell: int | None = None
    city: int | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """An order as stored. `seq` is that of its last event; `driver` is the assigned one, if any.

    `version` grows with each edit of what was published; `confirm_by` is when it leaves the board unless the
    shipper says that it still stands, every `confirm_s`; companies in `hidden_from` never see it. `ack_due` is
    the version whose changed times the assigned driver has yet to agree to.
    """

    id: int
    shipper: int
    status: Status
    seq: int
    haul: Haul
    load: Load
    price: Money
    created_at: float
    expires_at: float
    ended_at: float | None = None
    wave: int = 0
    board_at: float | None = None
    driver: int | None = None
    terms: Terms = Terms()
    version: int = 1
    confirm_by: float | None = None
    company: int | None = None
    private: bool = False
    hidden_from: tuple[int, ...] = ()
    confirm_s: float | None = None
    ack_due: int | None = None
    unshared: Unshared | None = None

    @property
    def stands_until(self) -> float:
        """When it leaves the board: expired, or not confirmed by its shipper."""
        return self.expires_at if self.confirm_by is None else min(self.expires_at, self.confirm_by)

    def stands(self, now: float) -> bool:
        """Whether it may be offered to anybody at `now`: open, in time, and confirmed by its shipper."""
        return self.status is Status.OPEN and now < self.stands_until


class HistoryLine(NamedTuple):
    """Event `seq` of an order: what, the status after it, when, which user did it in which part (None: the
    clock), and what belongs to it."""

    seq: int
    kind: str
    status: Status
    at: float
    actor: int | None
    role: Actor = Actor.SYSTEM
    detail: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A driver's truck. None is unknown and stands in no load's way; `adr` are the classes it may carry."""

    id: int
    body: str
    capacity_kg: float
    volume_m3: float
    length_m: float | None = None
    width_m: float | None = None
    height_m: float | None = None
    sides: tuple[str, ...] = ()
    adr: tuple[str, ...] = ()
    temp_min_c: float | None = None
    temp_max_c: float | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A driver who may take an order. `deadhead_m` great circle to the pickup, `rating` 0-5."""

    driver: int
    deadhead_m: float
    fix_age_s: float
    vehicle: Vehicle
    rating: float
    last_offer_at: float | None
    searched: bool = False  # a saved search of the driver's finds the order


class OfferStatus(StrEnum):
    """Where an offer stands: live, or one of five ends."""

    LIVE = "live"
    ACCEPTED = "accepted"
    LOST = "lost"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class OfferKind(StrEnum):
    """How a driver came to an offer: found by a wave, asked by name, or written when he won in another way."""

    WAVE = "wave"
    INVITATION = "invitation"
    BOARD = "board"
    BID = "bid"


@dataclass(frozen=True, slots=True)
class Offer:
    """An order offered to one driver until `expires_at`, and why to that one (`reasons`, term by term).

    `version` is that of the order that was offered: after an edit the old offer cannot win.
    """

    id: int
    order: int
    driver: int
    status: OfferStatus
    wave: int
    deadhead_m: float
    score: float
    reasons: dict[str, float]
    made_at: float
    expires_at: float
    kind: OfferKind = OfferKind.WAVE
    version: int = 1


@dataclass(frozen=True, slots=True)
class Policy:
    """How an order is searched for a driver. Lengths in metres, times in seconds.

    Waves overlap: the next, wider one leaves after `wave_interval_s` even while offers of the last are live.
    """

    wave_radii_m: tuple[float, ...] = (50_000.0, 150_000.0, 400_000.0)
    wave_size: int = 8
    wave_interval_s: float = 20.0
    offer_ttl_s: float = 45.0
    max_live_offers: int = 3  # a driver reads no more cards than this at once
    max_fix_age_s: float = 300.0  # an older position says nothing about the way to the pickup
    nearby: int = 64  # drivers looked at for the first wave; most fall to body, duty and subscription
    nearby_growth: int = 4  # times as many in each next wave, or a crowd at the pickup would hide the country
    patience_s: float = (
        10.0  # an order that met nobody yet looks again so long before the board: trucks come and go
    )
    look_again_s: float = 1.0
    push_after_s: float = 2.0  # no socket receipt by then: the push goes out
    # Weights of the ranking; they add up to 1.
    weight_deadhead: float = 0.40
    weight_capacity: float = 0.13
    weight_rating: float = 0.13
    weight_idle: float = 0.10
    weight_search: float = 0.10
    weight_body: float = 0.09
    weight_freshness: float = 0.05
    idle_full_s: float = 3600.0  # no offer for this long counts in full
    # Saved searches that find an order.
    searchers: int = 16  # the nearest drivers of them join the first wave, from however far
    alerts_an_order: int = 200
    alerts_an_hour: int = 20  # of one driver
    # Bids.
    bid_range: tuple[float, float] = (0.1, 10.0)  # shares of the guide price
    max_live_bids: int = 10  # of one driver
    max_bids_an_order: int = 5  # of one driver on one load, ended ones counted
    max_bid_versions: int = 20  # of one bid: whoever has not agreed by then telephones
    # Invitations.
    candidates_radius_m: float = 400_000.0
    max_invitations: int = 20  # live ones of an order
    invitations_a_day: int = 200  # of one shipper
