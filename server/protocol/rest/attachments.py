"""Photos and papers of an order."""

from typing import Annotated

from msgspec import Meta

from ..messages import STORABLE, RowId, Seconds
from .common import AttachmentKind, Form, View

AttachmentTitle = Annotated[str, Meta(max_length=120, pattern=STORABLE)]


class AttachmentForm(Form, frozen=True):
    """Attaches an upload to an order: to be seen by its parties, a photo also by drivers who may see the load."""

    file: RowId
    kind: AttachmentKind = "photo"
    title: AttachmentTitle = ""
    public: bool = False


class AttachmentView(View, frozen=True):
    """A file of an order; fetch it at /orders/{order}/attachments/{attachment}/file."""

    attachment: int
    order: int
    kind: AttachmentKind
    title: str
    public: bool
    added_by: int
    added_at: Seconds
    mime: str
    size: int
    width: int | None
    height: int | None
    pages: int | None


class Attachments(View, frozen=True):
    """In the order in which they were added; at most ten."""

    attachments: list[AttachmentView]
