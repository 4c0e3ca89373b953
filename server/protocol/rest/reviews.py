"""What the two sides of a haul say of each other, and what users are known by."""

from typing import Annotated, Literal

from msgspec import Meta, field

from ..messages import STORABLE, RowId, Seconds
from .common import Form, View
from .remittance import PaymentRecord

# The first line is said by shippers of drivers, the second by drivers of shippers; some by both.
ReviewTag = Literal[
    "on_time", "careful", "clean_truck", "papers_in_order", "late", "damaged", "dirty_truck", "wrong_truck",
    "paid_on_time", "clear_documents", "quick_loading", "cargo_as_agreed", "late_payment", "missing_documents",
    "long_wait", "wrong_cargo_data",
    "communicative", "polite", "unreachable", "rude",
]  # fmt: skip
ReviewFault = Literal["insult", "contacts", "false", "not_this_haul", "private", "spam", "other"]
ReviewList = Literal["waiting", "hidden", "shown"]
Stars = Annotated[int, Meta(ge=1, le=5)]
ReviewText = Annotated[str, Meta(max_length=1000, pattern=STORABLE)]
ReplyText = Annotated[str, Meta(min_length=1, max_length=500, pattern=STORABLE)]
NoteText = Annotated[str, Meta(max_length=500, pattern=STORABLE)]


class ReviewForm(Form, frozen=True):
    """A word on the other side of a haul. Nobody reads it before the other side has said its own, or a week after
    the delivery; until then it may be changed."""

    stars: Stars
    tags: Annotated[list[ReviewTag], Meta(max_length=6)] = field(default_factory=list)
    text: ReviewText = ""


class ReplyForm(Form, frozen=True):
    """The answer of who is spoken of."""

    text: ReplyText


class ReportForm(Form, frozen=True):
    """Why staff should look at it."""

    reason: ReviewFault
    note: NoteText = ""


class ReviewView(View, frozen=True):
    """A review. `order`, `standing` and `due_at` (shown then at the latest) are told to its own sides and staff.

    `standing`: clear, held until staff have looked, or hidden by them."""

    review: int
    side: str  # that says it
    author: str  # by the name that everybody knows
    stars: int
    tags: list[str]
    text: str
    written_at: Seconds
    published_at: Seconds | None
    version: int
    reply: str
    replied_at: Seconds | None
    order: int | None = None
    own: bool = False
    standing: str | None = None
    hidden_reason: str | None = None
    due_at: Seconds | None = None


class OrderReviews(View, frozen=True):
    """A haul's reviews as the caller may read them. `until`: when nobody rates it any more; null before it is
    delivered. `shipper_posted`, `driver_posted`: who has said their word, read or unread."""

    order: int
    side: str | None
    may_post: bool
    until: Seconds | None
    shipper_posted: bool
    driver_posted: bool
    reviews: list[ReviewView]


class ReviewPage(View, frozen=True):
    """Newest first; `next` goes into `before` for the next page."""

    reviews: list[ReviewView]
    next: int | None = None


class RatingView(View, frozen=True):
    """The plain mean, null when nobody has rated; how many have; and how often one to five stars were given."""

    mean: float | None
    count: int
    stars: Annotated[list[int], Meta(min_length=5, max_length=5)]


class ReliabilityView(View, frozen=True):
    """One part of a record of the last 180 days: so many cases of so many. `share` is null below five cases."""

    component: str
    number: int
    of: int
    share: float | None


class ReputationView(View, frozen=True):
    """What users who have to do with each other may know of one another. `payments`: how a shipper pays."""

    user: int
    part: str  # shipper | driver
    name: str
    since: Seconds
    rating: RatingView
    reliability: list[ReliabilityView]
    payments: PaymentRecord | None = None


class ReviewQuery(Form, frozen=True):
    """Oldest first: those that staff should look at, those that were hidden, or those that everybody reads."""

    state: ReviewList = "waiting"
    after: RowId | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class JudgedReview(View, frozen=True):
    """A review as staff see it, with the report on it."""

    review: ReviewView
    author_id: int
    about_id: int
    waiting: bool
    report_reason: str | None
    report_note: str
    reported_at: Seconds | None
    judged_by: int | None
    judged_at: Seconds | None
    note: str
    reply_hidden: bool


class JudgedReviews(View, frozen=True):
    """`next` goes into `after` for the next page."""

    reviews: list[JudgedReview]
    next: int | None = None


class HideForm(Form, frozen=True):
    """Why nobody should read it; the author is told the reason. `reply`: only the answer to it is hidden."""

    reason: ReviewFault
    note: NoteText = ""
    reply: bool = False


class RestoreForm(Form, frozen=True):
    """It may be read."""

    note: NoteText = ""
