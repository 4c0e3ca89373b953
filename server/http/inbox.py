"""The caller's inbox, and what they want to be told by which channel."""

from collections import Counter

from dispatch.errors import Refusal
from dispatch.notices import HAPPENINGS, Category, Channel, ids_of
from dispatch.telling import CHOICE, Quiet, chosen
from server.i18n import label
from server.notices import receipts, views
from server.protocol.rest.notices import (
    CategoryView,
    Inbox,
    InboxCount,
    InboxQuery,
    InboxReadForm,
    NoticeCategory,
    NoticeChannel,
    QuietHours,
    Wishes,
    WishesForm,
)
from storage.content.broadcasts import Told
from storage.notices.inbox import Item
from storage.notices.preferences import Wishes as StoredWishes

from .route import Call, Route, Versioned


async def page(call: Call[None, InboxQuery]) -> Inbox:
    """What the caller was told, newest first, in their language."""
    query, services = call.query, call.services
    found = await services.inbox.page(call.caller.user, query.before, query.limit, unread=query.unread)
    about = {item.id: ids_of(item.facts).get("broadcast", 0) for item in found if _is_broadcast(item)}
    told = await services.broadcasts.texts(sorted(set(about.values()))) if about else {}
    return Inbox(
        items=[
            views.entry(item, call.lang, None if (one := _told(item, told)) is None else one.texts)
            for item in found
            if item.kind in HAPPENINGS and not _withdrawn(item, told)
        ],
        unread=await services.inbox.unread(call.caller.user),
        next=found[-1].id if len(found) == query.limit else None,
    )


async def count(call: Call[None, None]) -> InboxCount:
    """How much waits to be read."""
    return InboxCount(await call.services.inbox.unread(call.caller.user))


async def read(call: Call[InboxReadForm, None]) -> InboxCount:
    """Items were read: here, and so everywhere."""
    form, user, services = call.body, call.caller.user, call.services
    if bool(form.items) == (form.upto is not None):
        raise Refusal("bad_request", "name either items or the last of all that were read").at("items")
    if form.upto is None:
        shown = await services.inbox.seen(user, form.items, read=True)
    else:
        shown = await services.inbox.read_upto(user, form.upto)
    await receipts.offers(services, user, shown)
    return InboxCount(await receipts.read(services, user, shown))


async def wishes(call: Call[None, None]) -> Versioned:
    """What the caller wants to be told."""
    return _wishes(call, await call.services.preferences.of(call.caller.user))


async def set_wishes(call: Call[WishesForm, None]) -> Versioned:
    """Sets it, all of it."""
    form = call.body
    twice = [name for name, times in Counter(each.category for each in form.off).items() if times > 1]
    if twice:
        raise Refusal("bad_request", "a category is named twice").at("off")
    off = {
        Category(each.category): frozenset(Channel(channel) for channel in each.channels) for each in form.off
    }
    quiet = None if form.quiet is None else Quiet(form.quiet.since, form.quiet.until)
    wanted = chosen(off, quiet)
    return _wishes(call, await call.services.preferences.put(call.caller.user, call.expected_version, wanted))


def _is_broadcast(item: Item) -> bool:
    return "broadcast" in item.facts


def _told(item: Item, told: dict[int, Told]) -> Told | None:
    return told.get(ids_of(item.facts).get("broadcast", 0))


def _withdrawn(item: Item, told: dict[int, Told]) -> bool:
    """Whether staff have taken back what they said."""
    one = _told(item, told)
    return one is not None and one.cancelled


def _wishes(call: Call[object, object], stored: StoredWishes) -> Versioned:
    wanted = stored.preferences
    quiet = None if wanted.quiet is None else QuietHours(wanted.quiet.since, wanted.quiet.until)
    content = Wishes(
        version=stored.version,
        categories=[
            CategoryView(
                category=_category(category),
                name=label(call.lang, "NoticeCategory", category.value),
                channels=_channels(carriers(category)),
                off=_channels(wanted.off.get(category, frozenset())),
                always=[
                    kind
                    for kind, happening in HAPPENINGS.items()
                    if happening.category is category and happening.critical
                ],
            )
            for category in Category
        ],
        quiet=quiet,
        time_zone=stored.time_zone,
    )
    # Never 304: the time zone is of the profile, the names of the reader.
    return Versioned(content, stored.version, whole=False)


def carriers(category: Category) -> frozenset[Channel]:
    """The channels that may carry something of a category."""
    found: set[Channel] = set()
    for happening in HAPPENINGS.values():
        if happening.category is category:
            found |= happening.channels(happening.critical)
    return frozenset(found)


def _category(category: Category) -> NoticeCategory:
    return category.value


def _channels(channels: frozenset[Channel]) -> list[NoticeChannel]:
    return [channel.value for channel in (Channel.INBOX, *CHOICE) if channel in channels]


_INBOX, _WISHES = "/api/v1/me/inbox", "/api/v1/me/notifications/preferences"
ROUTES: tuple[Route, ...] = (
    Route("GET", _INBOX, page, "The own inbox", "notices", query=InboxQuery, response=Inbox),
    Route("GET", _INBOX + "/unread", count, "How much waits to be read", "notices", response=InboxCount),
    Route(
        "POST",
        _INBOX + "/read",
        read,
        "Items of the inbox were read",
        "notices",
        request=InboxReadForm,
        response=InboxCount,
    ),
    Route("GET", _WISHES, wishes, "What the caller wants to be told", "notices", response=Wishes),
    Route(
        "PUT",
        _WISHES,
        set_wishes,
        "Set what the caller wants to be told",
        "notices",
        request=WishesForm,
        response=Wishes,
        headers=("If-Match",),
    ),
)
