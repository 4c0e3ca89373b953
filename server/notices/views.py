"""Items of the inbox as their readers see them."""

from collections.abc import Callable
from typing import Any

import msgspec

from dispatch.content import Texts
from dispatch.notices import HAPPENINGS, ids_of, link_of, words_of
from server.i18n import Lang, notices
from server.protocol.messages import InboxEntry, InboxItem
from storage.notices.inbox import Item


class Noticed(msgspec.Struct):
    """A new item on its way to the sockets of its user. Times in epoch seconds; `written` is what staff wrote, by
    language."""

    user: int
    item: int
    kind: str
    facts: dict[str, Any]  # ids and the count are numbers, words are texts
    at: float
    over_at: float | None = None
    written: dict[str, dict[str, str]] | None = None


def told(noticed: Noticed) -> Callable[[Lang], InboxItem]:
    """The message in a reader's language."""
    item = Item(noticed.item, noticed.kind, noticed.facts, noticed.at, noticed.over_at)
    return lambda lang: InboxItem(entry=entry(item, lang, noticed.written))


def entry(item: Item, lang: Lang, written: Texts | None = None) -> InboxEntry:
    """An item in this language. Its kind is one that this version knows."""
    happening, ids = HAPPENINGS[item.kind], ids_of(item.facts)
    title, body = notices.text(lang, item.kind, item.facts, written)
    return InboxEntry(
        item=item.id,
        kind=item.kind,
        category=happening.category.value,
        at=item.at,
        title=title,
        body=body,
        link=link_of(item.kind, ids),
        ids=ids,
        urgent=happening.urgent or happening.is_critical(words_of(item.facts)),
        read=item.read,
        over_at=item.over_at,
    )
