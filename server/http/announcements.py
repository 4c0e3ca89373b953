"""Announcements, and the regions that they and broadcasts may be for."""

import msgspec

from dispatch.content import Audience, Texts, known_regions, readable, said
from dispatch.errors import Refusal
from dispatch.rights import Right, grades
from server.i18n import Lang
from server.protocol.rest.common import PageQuery
from server.protocol.rest.content import (
    Announced,
    AnnouncementForm,
    Announcements,
    AnnouncementTexts,
    AnnouncementView,
    MessageTexts,
    MyAnnouncements,
    RegionList,
    RegionView,
    Severity,
)
from storage.content.announcements import Announcement, NewAnnouncement

from .route import Call, Route, Versioned

LONGEST_S = 366 * 86_400.0


async def regions(call: Call[None, None]) -> RegionList:
    """Everything that may be named as a region."""
    return RegionList(
        [
            RegionView(region.code, region.country, region.main.names.get(call.lang, region.main.names["en"]))
            for region in call.services.regions.all
        ]
    )


async def mine(call: Call[None, None]) -> MyAnnouncements:
    """What the caller is to see now."""
    caller = call.caller
    around = call.services.around(await call.services.whereabouts.of(caller.user))
    found = await call.services.announcements.mine(caller.user, caller.role, around)
    return MyAnnouncements([_announced(each, call.lang) for each in found])


async def dismiss(call: Call[None, None]) -> None:
    """The caller has seen it."""
    caller, announcement = call.caller, call.path_id("announcement")
    around = call.services.around(await call.services.whereabouts.of(caller.user))
    await call.services.announcements.dismiss(caller.user, caller.role, around, announcement)


async def page(call: Call[None, PageQuery]) -> Announcements:
    """All of them, newest first."""
    query = call.query
    found = await call.services.announcements.page(query.before, query.limit)
    return Announcements([_view(each) for each in found], found[-1].id if len(found) == query.limit else None)


async def one(call: Call[None, None]) -> Versioned:
    """One of them."""
    return _versioned(await call.services.announcements.one(call.path_id("announcement")))


async def add(call: Call[AnnouncementForm, None]) -> Versioned:
    """Announces."""
    return _versioned(await call.services.announcements.add(call.caller.user, await _new(call)))


async def change(call: Call[AnnouncementForm, None]) -> Versioned:
    """Edits it whole; who dismissed it is not shown it again."""
    id, seen = call.path_id("announcement"), call.expected_version
    return _versioned(await call.services.announcements.change(call.caller.user, id, seen, await _new(call)))


async def end(call: Call[None, None]) -> None:
    """Shows it to nobody any more."""
    id, seen = call.path_id("announcement"), call.expected_version
    await call.services.announcements.end(call.caller.user, id, seen)


async def _new(call: Call[AnnouncementForm, None]) -> NewAnnouncement:
    form, now = call.body, call.services.now()
    texts = texts_of(form.texts)
    readable(texts)
    known_regions(form.regions, call.services.regions)
    starts_at = now if form.starts_at is None else form.starts_at
    if form.ends_at <= max(now, starts_at):
        raise Refusal("window_invalid", "the end is before the beginning").at("ends_at")
    if form.ends_at > max(now, starts_at) + LONGEST_S:
        raise Refusal("window_invalid", "this is too far ahead").at("ends_at")
    await linked(call, form.page)
    return NewAnnouncement(
        form.severity,
        texts,
        Audience(tuple(dict.fromkeys(form.roles)), tuple(dict.fromkeys(form.regions))),
        form.page,
        form.starts_at,
        form.ends_at,
    )


def texts_of(form: AnnouncementTexts | MessageTexts) -> Texts:
    """The languages that are said."""
    given: dict[str, dict[str, str] | None] = msgspec.to_builtins(form)
    return {lang: text for lang, text in given.items() if text is not None}


async def linked(call: Call[object, object], slug: str | None) -> None:
    """Refusal `not_found` for a link to a page that is not published."""
    if slug is not None:
        try:
            await call.services.content_pages.published(slug)
        except Refusal as refusal:
            raise refusal.at("page") from None


def _announced(one: Announcement, lang: Lang) -> Announced:
    text = said(one.texts, lang)
    if text is None:
        raise ValueError(f"announcement {one.id} has no text")  # readable() was asked when it was stored
    return Announced(
        announcement=one.id,
        severity=_severity(one.severity),
        lang=_lang(text.lang),
        title=text.title,
        body=text.body,
        page=one.page,
        starts_at=one.starts_at,
        ends_at=one.ends_at,
    )


def _versioned(one: Announcement) -> Versioned:
    return Versioned(_view(one), one.version)


def _view(one: Announcement) -> AnnouncementView:
    return AnnouncementView(
        announcement=one.id,
        version=one.version,
        severity=_severity(one.severity),
        texts=msgspec.convert(one.texts, AnnouncementTexts),
        roles=list(one.audience.roles),
        regions=list(one.audience.regions),
        page=one.page,
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        created_by=one.created_by,
        updated_by=one.updated_by,
        updated_at=one.updated_at,
    )


# What is stored came in through the forms.
def _severity(word: str) -> Severity:
    return word  # type: ignore[return-value]


def _lang(lang: str) -> Lang:
    return lang  # type: ignore[return-value]


_STAFF = frozenset({"admin"})
_EDIT = grades(Right.EDIT_CONTENT)
_ADMIN, _ONE = "/api/v1/admin/announcements", "/api/v1/admin/announcements/{announcement}"
_FORM = ("place_unknown", "window_invalid", "not_found")
ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/announcements",
        mine,
        "Announcements for the caller",
        "texts",
        response=MyAnnouncements,
    ),
    Route(
        "POST",
        "/api/v1/announcements/{announcement}/dismiss",
        dismiss,
        "Dismiss an announcement",
        "texts",
        status=204,
        errors=("not_found",),
    ),
    Route(
        "GET",
        "/api/v1/admin/regions",
        regions,
        "Regions that something may be for",
        "texts",
        response=RegionList,
        roles=_STAFF,
    ),
    Route(
        "GET",
        _ADMIN,
        page,
        "All announcements",
        "texts",
        query=PageQuery,
        response=Announcements,
        roles=_STAFF,
        grades=_EDIT,
    ),
    Route(
        "POST",
        _ADMIN,
        add,
        "Announce",
        "texts",
        request=AnnouncementForm,
        response=AnnouncementView,
        status=201,
        roles=_STAFF,
        grades=_EDIT,
        errors=(*_FORM, "limit_reached"),
        location="/api/v1/admin/announcements/{announcement}",
    ),
    Route(
        "GET", _ONE, one, "An announcement", "texts", response=AnnouncementView, roles=_STAFF, grades=_EDIT
    ),
    Route(
        "PUT",
        _ONE,
        change,
        "Edit an announcement",
        "texts",
        request=AnnouncementForm,
        response=AnnouncementView,
        roles=_STAFF,
        grades=_EDIT,
        headers=("If-Match",),
        errors=_FORM,
    ),
    Route(
        "DELETE",
        _ONE,
        end,
        "End an announcement",
        "texts",
        status=204,
        roles=_STAFF,
        grades=_EDIT,
        headers=("If-Match",),
        errors=("not_found",),
    ),
)
