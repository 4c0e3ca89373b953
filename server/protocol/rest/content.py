"""What staff write for everybody: pages, announcements, broadcasts. Plain text and Markdown, never HTML."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from ..messages import STORABLE, RowId, Seconds
from .common import Form, Lang, Role, UserRole, View

PageState = Literal["draft", "published"]
Severity = Literal["info", "warning", "critical"]
BroadcastState = Literal["draft", "queued", "sending", "done", "cancelled"]
Slug = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?(?![\s\S])",
        min_length=1,
        max_length=64,
        description="the page's name in addresses",
    ),
]
RegionCode = Annotated[
    str,
    Meta(pattern=r"^[A-Z]{2}(\.[0-9A-Z]{1,12})?(?![\s\S])", max_length=15, description="KZ, KZ.02"),
]
RegionCodes = Annotated[list[RegionCode], Meta(max_length=100, description="none: everywhere")]


class PageText(Form, frozen=True):
    """A page in one language. `body` is Markdown: show it with HTML switched off. One language fits into a request
    however its letters are escaped."""

    title: Annotated[str, Meta(min_length=1, max_length=120, pattern=STORABLE)]
    body: Annotated[str, Meta(min_length=1, max_length=10_000, pattern=STORABLE)]


class PageTexts(Form, frozen=True, omit_defaults=True):
    """In an edit what is left out stays, null takes a language away: large pages are sent language by language."""

    ru: PageText | UnsetType | None = UNSET
    kk: PageText | UnsetType | None = UNSET
    en: PageText | UnsetType | None = UNSET
    zh: PageText | UnsetType | None = UNSET


class NewPageForm(Form, frozen=True):
    """A new page. A published one has a Russian or an English text."""

    slug: Slug
    texts: PageTexts
    state: PageState = "draft"


class PageForm(Form, frozen=True):
    """The next version of a page."""

    texts: PageTexts
    state: PageState


class ContentPageView(View, frozen=True):
    """A page as staff see it, in all its languages."""

    slug: str
    state: PageState
    version: int
    texts: PageTexts
    updated_by: int
    updated_at: float
    published_at: float | None


class ContentPagesQuery(Form, frozen=True):
    """Pages in the order of their slugs, behind `after`."""

    after: Slug | None = None
    limit: Annotated[int, Meta(ge=1, le=20)] = 5


class ContentPages(View, frozen=True):
    """Some pages."""

    pages: list[ContentPageView]
    next: str | None = None


class PublicPageView(View, frozen=True):
    """A published page. `lang` is the language that it is told in: the reader's, else Russian, else English.
    `body` is Markdown: show it with HTML switched off."""

    slug: str
    version: int
    lang: Lang
    title: str
    body: str
    updated_at: float


class PublicPageQuery(Form, frozen=True):
    """Without `lang`, the language of the request."""

    lang: Lang | None = None


class PublicPagesQuery(Form, frozen=True):
    """Published pages in the order of their slugs, behind `after`."""

    after: Slug | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class ListedPage(View, frozen=True):
    """A published page without its body."""

    slug: str
    version: int
    lang: Lang
    title: str
    updated_at: float


class PublicPages(View, frozen=True):
    """Some published pages."""

    pages: list[ListedPage]
    next: str | None = None


class RegionView(View, frozen=True):
    """A country, or a part of it: a place counts to the region of the town nearest to it. `town`: its largest."""

    code: str
    country: str
    town: str


class RegionList(View, frozen=True):
    """Everything that may be named as a region."""

    regions: list[RegionView]


class AnnouncementText(Form, frozen=True):
    """An announcement in one language."""

    title: Annotated[str, Meta(min_length=1, max_length=120, pattern=STORABLE)]
    body: Annotated[str, Meta(min_length=1, max_length=2000, pattern=STORABLE)]


class AnnouncementTexts(Form, frozen=True, omit_defaults=True):
    """Russian or English at least: they are read by who has no text in the own language."""

    ru: AnnouncementText | None = None
    kk: AnnouncementText | None = None
    en: AnnouncementText | None = None
    zh: AnnouncementText | None = None


class AnnouncementForm(Form, frozen=True):
    """What is shown to these roles in these regions from `starts_at` (default: now) to `ends_at`. `page` is the
    slug of a published page that says more."""

    severity: Severity
    texts: AnnouncementTexts
    roles: Annotated[list[Role], Meta(min_length=1, max_length=4)]
    ends_at: Seconds
    starts_at: Seconds | None = None
    regions: RegionCodes = field(default_factory=list)
    page: Slug | None = None


class AnnouncementView(View, frozen=True):
    """An announcement as staff see it."""

    announcement: int
    version: int
    severity: Severity
    texts: AnnouncementTexts
    roles: list[str]
    regions: list[str]
    page: str | None
    starts_at: float
    ends_at: float
    created_by: int
    updated_by: int
    updated_at: float


class Announcements(View, frozen=True):
    """Newest first."""

    announcements: list[AnnouncementView]
    next: int | None = None


class Announced(View, frozen=True):
    """An announcement in the reader's language."""

    announcement: int
    severity: Severity
    lang: Lang
    title: str
    body: str
    page: str | None
    starts_at: float
    ends_at: float


class MyAnnouncements(View, frozen=True):
    """What is not dismissed, the gravest first."""

    announcements: list[Announced]


class MessageText(Form, frozen=True):
    """A push in one language: no link and no number to call."""

    title: Annotated[str, Meta(min_length=1, max_length=60, pattern=STORABLE)]
    body: Annotated[str, Meta(min_length=1, max_length=240, pattern=STORABLE)]


class MessageTexts(Form, frozen=True, omit_defaults=True):
    """Russian or English at least, before it is sent."""

    ru: MessageText | None = None
    kk: MessageText | None = None
    en: MessageText | None = None
    zh: MessageText | None = None


class BroadcastForm(Form, frozen=True):
    """A push to everybody of these roles in these regions. `page` is the slug of a published page to open."""

    texts: MessageTexts
    roles: Annotated[list[UserRole], Meta(min_length=1, max_length=3)]
    regions: RegionCodes = field(default_factory=list)
    page: Slug | None = None


class BroadcastView(View, frozen=True):
    """A broadcast. `sent` of about `total` have a push; `total` is what was counted when it was queued."""

    broadcast: int
    version: int
    state: BroadcastState
    texts: MessageTexts
    roles: list[str]
    regions: list[str]
    page: str | None
    total: int | None
    sent: int
    created_by: int
    queued_by: int | None
    cancelled_by: int | None
    created_at: float
    queued_at: float | None
    done_at: float | None


class Broadcasts(View, frozen=True):
    """Newest first."""

    broadcasts: list[BroadcastView]
    next: int | None = None


class BroadcastPreview(View, frozen=True):
    """Whom it would reach if it were sent now. `whole` false: at least so many. `nowhere`: people of these roles
    of whom no region is known, who would not get it."""

    recipients: int
    nowhere: int
    whole: bool


class MessageReceived(View, frozen=True):
    """A broadcast as one who got it reads it."""

    broadcast: RowId
    lang: Lang
    title: str
    body: str
    page: str | None
    sent_at: float
