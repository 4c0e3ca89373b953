"""Conversations as clients see them: a quick phrase is told in the language of whoever reads it."""

from collections.abc import Callable

from msgspec.structs import replace

from dispatch.chat import PHRASES, Message, closes_at, is_open
from dispatch.model import Actor
from server.i18n import Lang, label
from server.protocol.messages import ChatEntry, ChatFile, ChatMessage
from server.protocol.rest.chat import ChatLine, ChatPage, ChatPhrases, PhraseView
from storage.chat.reads import Line, Page


def entry(message: Message) -> ChatEntry:
    """A message before it is known who reads it."""
    return ChatEntry(
        order=message.order,
        seq=message.seq,
        message_id=str(message.id),
        author=message.author,
        side=message.side.value,
        at=message.at,
        text=message.text,
        phrase=message.phrase,
        attachments=[
            ChatFile(each.file, each.mime, each.size, each.width, each.height, each.pages)
            for each in message.files
        ],
    )


def spoken(found: ChatEntry, lang: Lang) -> ChatEntry:
    """The same for a reader of this language."""
    return found if found.phrase is None else replace(found, text=label(lang, "ChatPhrase", found.phrase))


def told(found: ChatEntry) -> Callable[[Lang], ChatMessage]:
    """The news of it, by language."""
    return lambda lang: ChatMessage(message=spoken(found, lang))


def page(found: Page, lang: Lang, now: float) -> ChatPage:
    """A stretch of a conversation."""
    return ChatPage(
        order=found.order.id,
        open=is_open(found.order, now),
        closes_at=closes_at(found.order),
        last=found.last,
        upto=found.upto,
        shipper_upto=found.sides[Actor.SHIPPER],
        driver_upto=found.sides[Actor.DRIVER],
        messages=[spoken(entry(message), lang) for message in found.messages],
        more=found.more,
    )


def line(found: Line, lang: Lang) -> ChatLine:
    """A conversation in the list."""
    return ChatLine(
        order=found.order,
        status=found.status,
        pickup=found.pickup,
        drop=found.drop,
        last=spoken(entry(found.last), lang),
        upto=found.upto,
        unread=found.unread,
    )


def phrases(lang: Lang) -> ChatPhrases:
    """What each side may say with one tap."""

    def of(side: Actor) -> list[PhraseView]:
        return [PhraseView(key, label(lang, "ChatPhrase", key)) for key in PHRASES[side]]

    return ChatPhrases(lang, of(Actor.DRIVER), of(Actor.SHIPPER))
