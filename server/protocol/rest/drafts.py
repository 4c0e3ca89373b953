"""Loads that are not posted yet, and loads that are posted again and again."""

from typing import Annotated

from msgspec import Meta, field

from ..messages import STORABLE, RowId, Seconds
from .common import Form, View
from .orders import OrderEdit

Title = Annotated[str, Meta(min_length=1, max_length=80, pattern=STORABLE)]


class Lack(View, frozen=True):
    """What keeps a draft from being posted: the field, a code, and a sentence in the reader's language."""

    path: str
    code: str
    detail: str


class DraftView(View, frozen=True):
    """A load as far as it was said; `lacks` is empty when it can be posted."""

    order: int
    version: int
    saved_at: Seconds
    form: OrderEdit
    lacks: list[Lack]


class DraftPage(View, frozen=True):
    """Newest first; `next` goes into `before` for the next page."""

    drafts: list[DraftView]
    next: int | None = None


class PublishForm(Form, frozen=True):
    """Post the draft, although an open load of yours looks the same if you say so."""

    allow_duplicate: bool = False


class WindowForm(Form, frozen=True, omit_defaults=True):
    """When the truck is wanted at one stop."""

    window_from: Seconds | None = None
    window_to: Seconds | None = None


class CopyForm(Form, frozen=True):
    """Times for the copy, one a stop: needed when the order had any."""

    windows: Annotated[list[WindowForm], Meta(max_length=12)] = field(default_factory=list)


class TemplateForm(Form, frozen=True):
    """A name, and what it stands for: a form, or one of your orders or drafts."""

    name: Title
    form: OrderEdit | None = None
    order: RowId | None = None


class TemplateEdit(Form, frozen=True):
    """Another name, or another form as a whole."""

    name: Title | None = None
    form: OrderEdit | None = None


class TemplateView(View, frozen=True):
    """A named form, without times."""

    template: int
    name: str
    version: int
    uses: int
    created_at: Seconds
    used_at: Seconds | None
    form: OrderEdit


class TemplatePage(View, frozen=True):
    """Newest first; `next` goes into `before` for the next page."""

    templates: list[TemplateView]
    next: int | None = None
