"""What acquirers said, as finance reads it, and where their lists and ours differ."""

from typing import Annotated, Literal

from msgspec import Meta

from ..messages import RowId, Seconds
from .common import CursorText, Form, View
from .finance import NoticeSource, NoticeVerdict, NoticeView, ProviderName
from .plans import CurrencyCode
from .transfers import Why

NoticeKind = Literal["check", "pay", "fail", "confirm", "cancel", "refund", "recurrent"]
DifferenceKind = Literal["missing_here", "missing_there", "other_amount", "total"]


class NoticesQuery(Form, frozen=True):
    """A page of messages: open alerts from the newest on, then all others. Any of these narrow it."""

    provider: ProviderName | None = None
    kind: NoticeKind | None = None
    verdict: NoticeVerdict | None = None
    source: NoticeSource | None = None
    since: Seconds | None = None
    until: Seconds | None = None
    after: CursorText | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class ForgedCount(View, frozen=True):
    """Requests that this acquirer had not signed: `kept` of the last 30 days (a worker keeps six a minute, the
    counter `desk_payment_forged` counts all), `day` of the last one."""

    provider: str
    kept: int
    day: int
    last_at: float


class Notices(View, frozen=True):
    """`next` goes into `after`."""

    notices: list[NoticeView]
    forged: list[ForgedCount]
    next: str | None


class NoticeBody(View, frozen=True):
    """A message as it came, card numbers blackened; `base64` where it is no text."""

    notice: int
    provider: str
    kind: str
    headers: dict[str, str]
    text: str | None
    base64: str | None


class NoticeReplay(View, frozen=True):
    """What a replay came to: messages in the body, those that were not stored yet, bookings that were missing.
    What was right the first time gives 0 and 0."""

    notice: int
    read: int
    stored: int
    booked: int
    verdicts: list[NoticeVerdict]


class NoteForm(Form, frozen=True):
    """What was found out."""

    note: Why


class DifferencesQuery(Form, frozen=True):
    """A page of differences, newest first; without `all` those that nobody has settled."""

    all: bool = False
    before: RowId | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class DifferenceView(View, frozen=True):
    """Where an acquirer's list and ours differ, in minor units. `healed`: what was lost has been applied."""

    difference: int
    provider: str
    kind: DifferenceKind
    transaction: str
    currency: CurrencyCode
    ours: int | None
    theirs: int | None
    healed: bool
    found_at: float
    settled_at: float | None
    settled_by: int | None
    note: str


class ComparedView(View, frozen=True):
    """Up to when an acquirer's list was compared, and what the last look came to."""

    provider: str
    upto: float
    ran_at: float | None
    listed: int
    differences: int


class Differences(View, frozen=True):
    """`next` goes into `before`."""

    differences: list[DifferenceView]
    compared: list[ComparedView]
    next: int | None
