"""Conversations of orders."""

from typing import Annotated

from msgspec import Meta, field

from ..messages import ChatEntry, ChatFiles, ChatPhrase, ChatSeq, ChatText, Seconds, Uuid
from .common import CursorText, Form, View


class ChatQuery(Form, frozen=True):
    """The newest messages, or those before or after a number."""

    before: ChatSeq | None = None
    after: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class ChatPage(View, frozen=True):
    """A stretch of a conversation, oldest first; `more`: there is more in the asked direction.

    `last` is the number of the last message, `upto` how far you have read, `shipper_upto` and `driver_upto` how
    far somebody of that side has. It takes messages while it is `open`: until `closes_at`, known after the end.
    """

    order: int
    open: bool
    closes_at: Seconds | None
    last: int
    upto: int
    shipper_upto: int
    driver_upto: int
    messages: list[ChatEntry]
    more: bool


class ChatForm(Form, frozen=True):
    """A text or a quick phrase, with up to four uploads. Without `message_id` the key stands for it."""

    message_id: Uuid | None = None
    text: ChatText = ""
    phrase: ChatPhrase | None = None
    attachments: ChatFiles = field(default_factory=list)


class ChatReadForm(Form, frozen=True):
    """Everything up to this number was read."""

    upto: ChatSeq


class ChatMark(View, frozen=True):
    """How far the caller has read."""

    order: int
    upto: int


class ChatsQuery(Form, frozen=True):
    """How many, from where on."""

    after: CursorText | None = None
    limit: Annotated[int, Meta(ge=1, le=50)] = 20


class ChatLine(View, frozen=True):
    """A conversation of yours, its last message, and how many of the last hundred you have yet to read."""

    order: int
    status: str
    pickup: str
    drop: str
    last: ChatEntry
    upto: int
    unread: int


class Chats(View, frozen=True):
    """The one with the latest word first."""

    chats: list[ChatLine]
    next: str | None = None


class PhraseView(View, frozen=True):
    """A quick phrase: send its key; each reader is told it in a language of their own."""

    key: str
    text: str


class ChatPhrases(View, frozen=True):
    """What the driver's side and the shipper's may say with one tap, in the order of a menu."""

    lang: str
    driver: list[PhraseView]
    shipper: list[PhraseView]
