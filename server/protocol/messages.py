"""Every websocket message, declared once.

Commands are imperative and carry a client-chosen `id`; each gets exactly one `ok` or `error` with that id.
Events are in the past tense. Positions are not commands: they are acknowledged cumulatively by
`position.ack`, which leaves only after COMMIT. Times are seconds since the epoch (UTC), distances metres,
speeds m/s, angles degrees clockwise from north, weights kg, volumes m3, money in minor units (tiyn) with an
ISO currency.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

CommandId = Annotated[int, Meta(ge=0, le=2**53 - 1, description="Chosen by the client, echoed in answers.")]
RowId = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Seq = Annotated[int, Meta(ge=1, le=2**31 - 1, description="1, 2, 3 ... within the stream, never reused.")]
Upto = Annotated[int, Meta(ge=0, le=2**31 - 1, description="Highest sequence number, 0 for none.")]
# `$` also matches before a last newline: the length keeps that out.
StreamId = Annotated[
    str, Meta(pattern="^[0-9a-f]{16}$", max_length=16, description="64 random bits, as hex.")
]
Uuid = Annotated[str, Meta(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", max_length=36)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Seconds = Annotated[float, Meta(ge=0, le=1e11, description="Seconds since the epoch, UTC.")]
Speed = Annotated[float, Meta(ge=0, le=500, description="m/s")]
Heading = Annotated[float, Meta(ge=0, le=360, description="degrees clockwise from north")]
Metres = Annotated[float, Meta(ge=0, le=1e8)]
STORABLE = r"^[^\u0000]*$"  # PostgreSQL's text holds no NUL
ShortText = Annotated[str, Meta(max_length=200, pattern=STORABLE)]
Token = Annotated[str, Meta(min_length=1, max_length=4096)]
Amount = Annotated[int, Meta(ge=1, le=10**12, description="minor units of the load's currency")]
Version = Annotated[int, Meta(ge=1, le=2**31 - 1)]
BidSeconds = Annotated[int, Meta(ge=60, le=7 * 86400, description="for so long the price is good")]
BidText = Annotated[str, Meta(max_length=500, pattern=STORABLE)]
ChatSeq = Annotated[int, Meta(ge=1, le=2**31 - 1, description="1, 2, 3 ... within the conversation.")]
ChatText = Annotated[str, Meta(max_length=2000, pattern=STORABLE)]
ChatFiles = Annotated[list[RowId], Meta(max_length=4, description="Uploads of yours that nothing holds yet.")]
DeclineReason = Literal[
    "unsaid", "price", "distance", "time", "cargo", "vehicle", "shipper", "payment", "busy", "rest", "other"
]
# Quick phrases, of the driver's side and the shipper's: GET /api/v1/chat/phrases says which are whose.
ChatPhrase = Literal[
    "on_my_way", "at_gate", "late_half_hour", "late_hour", "where_loading", "where_unloading", "in_queue",
    "loading_begun", "leaving_loaded", "at_border", "unloaded", "where_now", "when_here", "cargo_ready",
    "cargo_not_ready", "drive_in", "pass_ordered", "go_to_office", "documents_ready", "send_photo",
    "send_documents", "call_me", "agreed", "thanks",
]  # fmt: skip
BidDeclineReason = Literal["price", "late", "vehicle", "rating", "other_driver", "not_needed", "other"]


class Message(Struct, tag_field="type", frozen=True, omit_defaults=True):
    """A frame: one object with a `type`. Unknown fields are ignored, unknown types refused."""


# -- values inside messages ---------------------------------------------------------------------------------


class Point(Struct, array_like=True, frozen=True, gc=False):
    """One GPS fix as the phone recorded it, sent as an array to keep frames small."""

    seq: Seq
    at: Seconds
    lat: Latitude
    lon: Longitude
    speed: Speed | None = None
    heading: Heading | None = None
    accuracy: Metres | None = None


class Truck(Struct, array_like=True, frozen=True, gc=False):
    """One truck on the map: where it was at `at`; its age is the reader's clock minus `at`."""

    driver: RowId
    at: Seconds
    lat: Latitude
    lon: Longitude
    speed: Speed | None
    heading: Heading | None
    busy: bool  # has an assigned load


class Rejection(Struct, array_like=True, frozen=True):
    """A point that is acknowledged but kept out of history, and why."""

    seq: Seq
    reason: str  # future | too_old


class Place(Struct, frozen=True):
    """An end of a haul."""

    city: int  # gazetteer id
    name: str
    lat: Latitude
    lon: Longitude


class Money(Struct, frozen=True):
    """An amount in minor units of an ISO 4217 currency."""

    amount: int
    currency: str


class OfferCard(Struct, frozen=True):
    """What a driver is told about a load that is offered."""

    offer: RowId
    order: RowId
    pickup: Place
    drop: Place
    cargo: str
    weight_kg: float
    volume_m3: float
    body: str
    distance_m: float  # of the haul
    deadhead_m: float  # empty run to the pickup, great circle
    price: Money
    expires_at: Seconds
    wave: int
    kind: str = "wave"  # wave | invitation: a shipper asks for you by name
    pricing: str = "fixed"  # fixed | negotiable | bids: what may be done about the price
    version: int = 1  # of the load
    note: str = ""  # what the shipper says to whom he has invited


class BidState(Struct, frozen=True, omit_defaults=True):
    """A bid as both sides see it. `counter` is the shipper's price, while one is on the table.

    `status`: live (the shipper may pick it), countered (the driver may accept the counter), accepted, declined,
    withdrawn, expired, outdated (the load was edited), lost. `seen`: the side that must answer saw this version.
    `outbid` is told only where the shipper lets bidders know: a lower bid is live.
    """

    bid: RowId
    order: RowId
    driver: RowId
    status: str
    version: int  # of the bid: name it when you agree to its price
    order_version: int
    price: Money
    made_at: Seconds
    changed_at: Seconds
    expires_at: Seconds
    message: str = ""
    eta_at: Seconds | None = None  # at the pickup, as the driver says
    available_from: Seconds | None = None  # still on a haul until then
    counter: Money | None = None
    counter_message: str = ""
    seen: bool = False
    outbid: bool = False
    reason: str = ""  # why it was declined or lost


class BidderCard(Struct, frozen=True, omit_defaults=True):
    """What a shipper may know of a driver before the load is his: no phone, no place.

    `reliability`: delivered hauls as a share of those delivered or called off by the driver, of half a year.
    """

    driver: RowId
    name: str
    rating: float | None  # the plain mean; null until somebody has rated
    hauls: int  # delivered in half a year
    ratings: int = 0  # how many have rated
    reliability: float | None = None
    body: str | None = None
    capacity_kg: float | None = None
    volume_m3: float | None = None
    papers: list[str] = []  # verified documents


class StopState(Struct, frozen=True, omit_defaults=True):
    """A halt of the truck. From `lat` on it is for the parties of the haul only: others never get these fields."""

    kind: str  # pickup | drop
    place: Place  # the town, or the middle of a cell of the grid around an address out of town
    window_from: Seconds | None = None
    window_to: Seconds | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None
    address: str = ""
    contact_name: str = ""
    contact_phone: str = ""
    note: str = ""


class SharingPaused(Struct, frozen=True, omit_defaults=True):
    """The driver holds the exact position back for a while. `cell` (H3, edge 8 km) and `city` (gazetteer id) say
    where about the truck was when that began."""

    since: Seconds
    until: Seconds
    cell: str | None = None
    city: int | None = None


class OrderState(Struct, frozen=True, omit_defaults=True):
    """An order as its reader may see it; what is not there is not known, or not for this reader."""

    order: RowId
    status: str
    seq: int  # of the last event
    pickup: Place
    drop: Place
    cargo: str
    weight_kg: float
    volume_m3: float
    body: str
    distance_m: float
    duration_s: float
    estimate: bool  # distance is a great-circle estimate
    price: Money  # of a load that takes bids: a guide
    created_at: Seconds
    driver: RowId | None = None
    truck: Truck | None = None
    version: int = 1  # grows with each edit
    kind: str = "general"  # of cargo
    other_bodies: list[str] = []  # that would do as well
    pieces: int | None = None
    length_m: float | None = None  # of the largest piece
    width_m: float | None = None
    height_m: float | None = None
    sides: list[str] = []
    temp_min_c: float | None = None
    temp_max_c: float | None = None
    adr: str | None = None
    documents: list[str] = []
    stops: list[StopState] = []
    pricing: str = "fixed"
    payment_method: str = "transfer"
    payment_when: str = "on_delivery"
    payment_days: int = 0
    prepay_percent: int = 0
    vat: bool = False
    comment: str = ""
    private: bool = False
    shipper: RowId | None = None
    company: RowId | None = None
    expires_at: Seconds | None = None
    confirm_by: Seconds | None = None  # off the board then, unless its shipper confirms it
    ended_at: Seconds | None = None
    ack_due: int | None = None  # the version whose times the assigned driver has to agree to
    sharing_paused: SharingPaused | None = None  # then the shipper's side gets no `truck`


class ChatFile(Struct, frozen=True, omit_defaults=True):
    """A picture or PDF of a message; fetch it at /orders/{order}/chat/files/{file}."""

    file: RowId
    mime: str
    size: int
    width: int | None = None
    height: int | None = None
    pages: int | None = None


class ChatEntry(Struct, frozen=True, omit_defaults=True):
    """A message of an order's conversation. `side`: shipper or driver, whose word it is.

    `seq` counts from 1 without a hole: when one is missing, read it over REST. Of a `phrase` the text is told in
    the reader's language. Without text, phrase and attachments: its writer's account was erased.
    """

    order: RowId
    seq: ChatSeq
    message_id: Uuid  # the writer's
    author: RowId
    side: str
    at: Seconds
    text: str = ""
    phrase: str | None = None
    attachments: list[ChatFile] = []


class InboxEntry(Struct, frozen=True, omit_defaults=True):
    """What a user was told, in the reader's language. `link` is a path in the app; at `over_at` it has ended,
    read or not. `ids` are row ids by their names: what the app fetches the rest by."""

    item: RowId
    kind: str
    category: str
    at: Seconds
    title: str
    body: str
    link: str
    ids: dict[str, int]
    urgent: bool = False
    read: bool = False
    over_at: Seconds | None = None


# -- client -> server ---------------------------------------------------------------------------------------


class Hello(Message, tag="hello", frozen=True):
    """First frame when no ticket was given in the URL; must arrive within 5 s."""

    version: int
    token: Token | None = None
    device: RowId | None = None
    device_secret: Token | None = None
    app: ShortText = ""
    lang: Annotated[ShortText, Meta(description="BCP 47 tag of the language to be answered in.")] = ""


class AuthRenew(Message, tag="auth.renew", frozen=True):
    """Give the socket a fresh access token before the old one ends."""

    id: CommandId
    token: Token


class Ping(Message, tag="ping", frozen=True):
    """For browsers, which cannot see websocket pings: proves that the connection lives both ways."""

    id: CommandId


class ShiftSet(Message, tag="shift.set", frozen=True):
    """A driver goes on duty (may be offered loads) or off."""

    id: CommandId
    on_duty: bool


class StreamResume(Message, tag="stream.resume", frozen=True):
    """Opens a stream of positions; answered by `stream.resumed` with what is already committed."""

    stream: StreamId
    upto: Upto = 0


class PositionReport(Message, tag="position.report", frozen=True):
    """One or more points in sequence order. Acknowledged by `position.ack` after COMMIT."""

    points: Annotated[list[Point], Meta(min_length=1, max_length=500)]


class PositionLive(Message, tag="position.live", frozen=True):
    """The newest fix ahead of a backlog: shown on the map, never stored, never acknowledged."""

    point: Point


class PositionGap(Message, tag="position.gap", frozen=True):
    """The phone had to drop points up to and including `upto`: the acknowledgement may pass them."""

    upto: Seq


class OfferSeen(Message, tag="offer.seen", frozen=True):
    """The driver's device shows the offer; stops the push."""

    id: CommandId
    offer: RowId


class OfferAccept(Message, tag="offer.accept", frozen=True):
    """Take the load. A retry with the same `accept_id` gets the same answer."""

    id: CommandId
    offer: RowId
    accept_id: Uuid


class OfferDecline(Message, tag="offer.decline", frozen=True):
    """Not this one; it is not offered again. The reason is for the shipper's figures, without your name."""

    id: CommandId
    offer: RowId
    reason: DeclineReason = "unsaid"
    note: ShortText = ""


class BidPlace(Message, tag="bid.place", frozen=True):
    """A driver names a price. With `version` it is the next version of the live bid that stands at that one.

    `order_version` is the version of the load that was on the screen; an edited one refuses with `version_stale`.
    """

    id: CommandId
    order: RowId
    amount: Amount
    valid_s: BidSeconds = 7200
    message: BidText = ""
    eta_at: Seconds | None = None
    available_from: Seconds | None = None  # needed while you are on a haul
    order_version: Version | None = None
    version: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0


class BidWithdraw(Message, tag="bid.withdraw", frozen=True):
    """The driver takes the bid back."""

    id: CommandId
    bid: RowId


class BidAcceptCounter(Message, tag="bid.accept_counter", frozen=True):
    """The driver takes the counter-offer of this version. The same `accept_id` gets the same answer."""

    id: CommandId
    bid: RowId
    version: Version
    accept_id: Uuid


class BidCounter(Message, tag="bid.counter", frozen=True):
    """The shipper answers the bid of this version with another price."""

    id: CommandId
    bid: RowId
    version: Version
    amount: Amount
    valid_s: BidSeconds = 7200
    message: BidText = ""


class BidDecline(Message, tag="bid.decline", frozen=True):
    """The shipper does not want the bid."""

    id: CommandId
    bid: RowId
    reason: BidDeclineReason = "other"


class BidPick(Message, tag="bid.pick", frozen=True):
    """The load goes to the bid of this version. The same `accept_id` gets the same answer."""

    id: CommandId
    bid: RowId
    version: Version
    accept_id: Uuid


class BidSeen(Message, tag="bid.seen", frozen=True):
    """This version is on the screen of whoever must answer it; stops the push and tells the other side."""

    id: CommandId
    bid: RowId
    version: Version


class ChatSend(Message, tag="chat.send", frozen=True):
    """Writes to the other side of an order: a text or a quick phrase, with up to four uploads.

    `ok` means stored. Sent again under the same `message_id` it is stored once and answered the same.
    """

    id: CommandId
    order: RowId
    message_id: Uuid
    text: ChatText = ""
    phrase: ChatPhrase | None = None
    attachments: ChatFiles = []


class ChatRead(Message, tag="chat.read", frozen=True):
    """Everything up to this number is on the screen: stops the push and tells the other side. Never moves back."""

    id: CommandId
    order: RowId
    upto: ChatSeq


class InboxSeen(Message, tag="inbox.seen", frozen=True):
    """These items are on the screen: nothing else rings for them. Within two seconds of `inbox.item` not even a
    push leaves. With `read` they were opened, too, and leave the count of what is unread."""

    id: CommandId
    items: Annotated[list[RowId], Meta(min_length=1, max_length=100)]
    read: bool = False


class OrderAdvance(Message, tag="order.advance", frozen=True):
    """The assigned driver's next step: at_pickup, loaded, in_transit, at_drop, delivered."""

    id: CommandId
    order: RowId
    status: ShortText


class OrderWatch(Message, tag="order.watch", frozen=True):
    """Follow one order: answered by an `order.snapshot`, then `order.changed`, `order.moved` and `order.eta`."""

    id: CommandId
    order: RowId


class OrderUnwatch(Message, tag="order.unwatch", frozen=True):
    """Stop following an order."""

    id: CommandId
    order: RowId


class AreaWatch(Message, tag="area.watch", frozen=True):
    """Follow a viewport; replaces the previous one. Operators get trucks, shippers coarse cells."""

    id: CommandId
    west: Longitude
    south: Latitude
    east: Longitude
    north: Latitude


class AreaUnwatch(Message, tag="area.unwatch", frozen=True):
    """Stop following the viewport."""

    id: CommandId


# -- server -> client ---------------------------------------------------------------------------------------


class Welcome(Message, tag="welcome", frozen=True):
    """First server frame: who you are and the rules of this connection."""

    version: int
    min_version: int
    session: str
    user: RowId
    role: str
    heartbeat_s: float
    server_time: Seconds


class OrderSnapshot(Struct, tag_field="type", tag="order.snapshot", frozen=True):
    """State of a watched order at (epoch, offset); the next event has offset + 1."""

    epoch: str
    offset: int
    state: OrderState


class AreaSnapshot(Struct, tag_field="type", tag="area.snapshot", frozen=True):
    """All trucks of the viewport at (epoch, offset)."""

    epoch: str
    offset: int
    trucks: list[Truck]


class AreaDensity(Struct, tag_field="type", tag="area.density", frozen=True):
    """How many free trucks each coarse H3 cell holds: all that a shipper may see before assignment."""

    cells: list[tuple[str, int]]


class Assigned(Struct, tag_field="type", tag="assigned", frozen=True):
    """The load is yours, or goes to the driver whose bid you picked."""

    order: OrderState


class BidStands(Struct, tag_field="type", tag="bid.state", frozen=True):
    """The bid as it stands after the command."""

    bid: BidState


class ChatStored(Struct, tag_field="type", tag="chat.stored", frozen=True):
    """The message as it is stored, with its number."""

    message: ChatEntry


class Ok(Message, tag="ok", frozen=True):
    """The command with this id was carried out."""

    id: CommandId
    result: OrderSnapshot | AreaSnapshot | AreaDensity | Assigned | BidStands | ChatStored | None = None


class Error(Message, tag="error", frozen=True):
    """The command with this id (or, without id, the last frame) was refused. `code` is in the catalogue."""

    code: str
    message: str
    retry: bool
    id: CommandId | None = None
    path: str | None = None  # of the field at fault


class StreamResumed(Message, tag="stream.resumed", frozen=True):
    """Everything up to `upto` is committed: drop it, send the rest, at most `credit` points ahead of acks."""

    stream: StreamId
    upto: Upto
    credit: int


class PositionAck(Message, tag="position.ack", frozen=True):
    """Every point up to `upto` is committed in PostgreSQL, but the `rejected` ones, which never will be."""

    stream: StreamId
    upto: Upto
    credit: int
    rejected: list[Rejection] = []


class OfferMade(Message, tag="offer.made", frozen=True):
    """A load is offered to you until `expires_at`."""

    offer: OfferCard


class OfferClosed(Message, tag="offer.closed", frozen=True):
    """The offer is over: taken, expired, withdrawn, declined, or changed (the load was edited)."""

    offer: RowId
    order: RowId
    reason: str


class BidMade(Message, tag="bid.made", frozen=True):
    """A driver bids on a load, told to both sides; the shipper hears who it is."""

    bid: BidState
    bidder: BidderCard | None = None


class BidChanged(Message, tag="bid.changed", frozen=True):
    """The bid has other terms, was seen, or has another standing."""

    bid: BidState


class BidClosed(Message, tag="bid.closed", frozen=True):
    """The bid has ended; `status` says how, `reason` why."""

    bid: BidState


class SearchMatched(Message, tag="search.matched", frozen=True):
    """A load that one of your saved searches finds. It is not offered to you: it is on the board, or soon will be
    unless somebody takes it first."""

    search: RowId
    name: str
    order: RowId
    version: int
    pickup: Place
    drop: Place
    cargo: str
    weight_kg: float
    volume_m3: float
    body: str
    distance_m: float
    price: Money


class AccessChanged(Message, tag="access.changed", frozen=True):
    """Until when you may work has changed, or that moment is here: a load in hand goes on all the same."""

    entitled: bool
    until: Seconds


class ChatMessage(Message, tag="chat.message", frozen=True):
    """Something was written in the conversation of one of your orders; told to everybody on both sides."""

    message: ChatEntry


class ChatMarked(Message, tag="chat.marked", frozen=True):
    """Somebody on one side has read the conversation up to `upto`; told to everybody on both sides."""

    order: RowId
    user: RowId
    side: str
    upto: Upto
    at: Seconds


class InboxItem(Message, tag="inbox.item", frozen=True):
    """Something that you are told: a new item of your inbox. Answer `inbox.seen` when it is on the screen."""

    entry: InboxEntry


class InboxMarked(Message, tag="inbox.marked", frozen=True):
    """Items were read, here or on another device of yours; `unread` is what is left, counted up to 100."""

    items: list[RowId]
    unread: int


class OrderChanged(Message, tag="order.changed", frozen=True):
    """One event of an order. A hole in `offset` means: watch again.

    `event` is the new status, or what else happened: placed, boarded, edited (`fields` says what: read it again),
    confirmed, lapsed (off the board, unconfirmed), acknowledged, held, approved, rejected, appealed, resubmitted,
    cleared, arrived and left (at a stop, by the truck's positions), delayed, proof_demanded, proof_given,
    incident, sharing_paused (no more positions for the shipper's side), sharing_resumed, payment_marked,
    payment_confirmed, payment_contested, payment_withdrawn, payment_missed (read `/orders/{order}/payments`
    again), payment_due, payment_overdue, payment_unconfirmed (reminders)."""

    order: RowId
    epoch: str
    offset: int
    event: str
    status: str
    at: Seconds
    driver: RowId | None = None
    fields: list[str] = []


class OrderMoved(Message, tag="order.moved", frozen=True):
    """The truck of a watched order moved."""

    order: RowId
    truck: Truck


class StopEta(Struct, frozen=True):
    """When a stop ahead is reached: nine of ten such ways end after `early_at`, nine of ten before `late_at`.

    `stop` counts from 0 in order of driving; `late_s` behind the end of its window; `distance_m` still to drive.
    """

    stop: int
    early_at: Seconds
    at: Seconds
    late_at: Seconds
    late_s: float
    distance_m: float


class OrderEta(Message, tag="order.eta", frozen=True):
    """New arrivals of a watched order, reckoned at `at` from where its truck is; no stops: nothing to tell."""

    order: RowId
    at: Seconds
    stops: list[StopEta]


class AreaMoved(Message, tag="area.moved", frozen=True):
    """What changed in the viewport since the last frame; newest position a truck only.

    `offset` only grows: ticks without news for this viewport send nothing, so its holes mean nothing. Another
    `epoch` than the snapshot's means: watch again.
    """

    epoch: str
    offset: int
    trucks: list[Truck]
    gone: list[RowId] = []


class AreaCells(Message, tag="area.cells", frozen=True):
    """A new density picture of the viewport (shippers)."""

    cells: list[tuple[str, int]]


class Drain(Message, tag="drain", frozen=True):
    """The server is about to close this socket with 4012; come back after this many seconds."""

    retry_after: float


ClientMessage = (
    Hello | AuthRenew | Ping | ShiftSet | StreamResume | PositionReport | PositionLive | PositionGap
    | OfferSeen | OfferAccept | OfferDecline | OrderAdvance | OrderWatch | OrderUnwatch
    | BidPlace | BidWithdraw | BidAcceptCounter | BidCounter | BidDecline | BidPick | BidSeen
    | ChatSend | ChatRead | AreaWatch | AreaUnwatch | InboxSeen
)  # fmt: skip
ServerMessage = (
    Welcome | Ok | Error | StreamResumed | PositionAck | OfferMade | OfferClosed | SearchMatched | OrderChanged
    | OrderMoved | OrderEta | AreaMoved | AreaCells | Drain | BidMade | BidChanged | BidClosed | ChatMessage
    | ChatMarked | InboxItem | InboxMarked | AccessChanged
)  # fmt: skip
