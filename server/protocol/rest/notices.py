"""The inbox, what its user wants to be told by which channel, and how telling went, for support."""

from typing import Annotated, Literal

from msgspec import Meta, field

from ..messages import InboxEntry, RowId, Seconds
from .common import Form, Lang, View

NoticeCategory = Literal[
    "offers", "bids", "hauls", "chat", "reviews", "papers", "money", "bonuses", "news", "account"
]
NoticeChannel = Literal["inbox", "push", "sms", "email"]
Switchable = Literal["push", "sms", "email"]
DeliveryMeans = Literal["inbox", "socket", "webpush", "fid", "token", "log", "sms", "email", "none"]
DeliveryOutcome = Literal["stored", "seen", "delivered", "later", "rejected", "gone", "withheld", "expired"]
DayMinute = Annotated[
    int, Meta(ge=0, le=1439, description="minutes of the day by the clock of your time zone")
]
EventWord = Annotated[
    str, Meta(pattern="^[a-z][a-z_]{0,31}$", max_length=32, description="the variant, of the kind's `words`")
]
Items = Annotated[list[RowId], Meta(max_length=100)]
EventCount = Annotated[int, Meta(ge=0, le=1000)]


class InboxQuery(Form, frozen=True):
    """A page, newest first; `unread`: only what waits to be read."""

    before: RowId | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    unread: bool = False


class Inbox(View, frozen=True):
    """One page. `unread` counts all that waits to be read, up to 100."""

    items: list[InboxEntry]
    unread: int
    next: int | None = None


class InboxCount(View, frozen=True):
    """How much waits to be read, up to 100."""

    unread: int


class InboxReadForm(Form, frozen=True):
    """Either these items or, with `upto`, everything up to that one."""

    items: Items = field(default_factory=list)
    upto: RowId | None = None


class QuietHours(Form, frozen=True):
    """From `since` on, up to `until`, nothing rings but what must be heard. They may go over midnight."""

    since: DayMinute
    until: DayMinute


class CategoryOff(Form, frozen=True):
    """Channels that are switched off for a category."""

    category: NoticeCategory
    channels: Annotated[list[Switchable], Meta(min_length=1, max_length=3)]


CategoriesOff = Annotated[list[CategoryOff], Meta(max_length=10)]


class WishesForm(Form, frozen=True):
    """All of it: what is not named in `off` is on."""

    off: CategoriesOff = field(default_factory=list)
    quiet: QuietHours | None = None


class CategoryView(View, frozen=True):
    """What may be switched: `channels` that carry something of the category; `always`: kinds that break quiet
    hours, and may cost an SMS when nobody has seen them for three minutes."""

    category: NoticeCategory
    name: str
    channels: list[NoticeChannel]
    off: list[NoticeChannel]
    always: list[str]


class Wishes(View, frozen=True):
    """What the caller wants to be told. Quiet hours go by `time_zone`, which is set with the profile."""

    version: int
    categories: list[CategoryView]
    quiet: QuietHours | None
    time_zone: str


class NoticeKind(View, frozen=True):
    """A kind of event. `words` have texts of their own; `critical` are those that break quiet hours, [""] for
    all."""

    kind: str
    category: NoticeCategory
    channels: list[NoticeChannel]
    words: list[str]
    critical: list[str]
    counted: bool
    urgent: bool
    live: bool
    topic: str
    ttl_s: float
    keep_s: float
    link: str


class NoticeKinds(View, frozen=True):
    """Every event that a user can be told of."""

    kinds: list[NoticeKind]


class NoticeSample(Form, frozen=True):
    """Made-up parameters of an event."""

    word: EventWord | None = None
    n: EventCount = 3


class NoticeText(View, frozen=True):
    """What is said in one language; `sms` only where an SMS may go."""

    lang: Lang
    title: str
    body: str
    sms: str | None


class NoticePreview(View, frozen=True):
    """What is said of an event, in every language."""

    kind: str
    texts: list[NoticeText]
    link: str
    urgent: bool
    critical: bool


class NoticeAttempt(View, frozen=True):
    """One attempt to tell somebody, `lag_ms` after the event was written."""

    delivery: int
    item: int
    user: int
    kind: str
    means: DeliveryMeans
    outcome: DeliveryOutcome
    attempt: int
    lag_ms: int
    at: Seconds
    reason: str = ""
    endpoint: int | None = None


class NoticeAttempts(View, frozen=True):
    """One page, newest first."""

    deliveries: list[NoticeAttempt]
    next: int | None = None


class OfferDeliveries(View, frozen=True):
    """Whether, when and how the driver was told of an offer. `seen_at`: it was on the driver's screen."""

    offer: int
    order: int
    driver: int
    status: str
    made_at: Seconds
    expires_at: Seconds
    seen_at: Seconds | None
    deliveries: list[NoticeAttempt]
