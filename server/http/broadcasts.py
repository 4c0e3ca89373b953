"""Pushes of staff's own words, by role and region."""

import msgspec

from dispatch.content import Audience, known_regions, said
from dispatch.errors import Refusal
from dispatch.rights import Right, grades
from server.i18n import Lang
from server.protocol.rest.common import PageQuery
from server.protocol.rest.content import (
    BroadcastForm,
    BroadcastPreview,
    Broadcasts,
    BroadcastState,
    BroadcastView,
    MessageReceived,
    MessageTexts,
)
from storage.content.broadcasts import Broadcast, NewBroadcast

from .announcements import linked, texts_of
from .route import Call, Route, Versioned


async def page(call: Call[None, PageQuery]) -> Broadcasts:
    """All of them, newest first, with how far they have come."""
    query = call.query
    found = await call.services.broadcasts.page(query.before, query.limit)
    return Broadcasts([_view(each) for each in found], found[-1].id if len(found) == query.limit else None)


async def one(call: Call[None, None]) -> Versioned:
    """One of them."""
    return _versioned(await call.services.broadcasts.one(call.path_id("broadcast")))


async def compose(call: Call[BroadcastForm, None]) -> Versioned:
    """A draft; nobody gets it yet."""
    return _versioned(await call.services.broadcasts.add(call.caller.user, await _new(call)))


async def change(call: Call[BroadcastForm, None]) -> Versioned:
    """Edits a draft whole."""
    id, seen = call.path_id("broadcast"), call.expected_version
    return _versioned(await call.services.broadcasts.change(call.caller.user, id, seen, await _new(call)))


async def preview(call: Call[None, None]) -> BroadcastPreview:
    """How many it would reach."""
    found = await call.services.broadcasts.one(call.path_id("broadcast"))
    counted = await call.services.broadcasts.count(found.audience)
    return BroadcastPreview(counted.recipients, counted.nowhere, counted.whole)


async def send(call: Call[None, None]) -> Versioned:
    """Queues it: loops bring it to everybody from here on."""
    store, id, seen = call.services.broadcasts, call.path_id("broadcast"), call.expected_version
    found = await store.one(id)
    await linked(call, found.page)
    counted = await store.count(found.audience)
    return _versioned(await store.send(call.caller.user, id, seen, counted.recipients))


async def cancel(call: Call[None, None]) -> Versioned:
    """Nobody else gets it."""
    return _versioned(await call.services.broadcasts.cancel(call.caller.user, call.path_id("broadcast")))


async def received(call: Call[None, None]) -> MessageReceived:
    """One that was sent to the caller, in their language."""
    found = await call.services.broadcasts.received(call.caller.user, call.path_id("broadcast"))
    text = said(found.texts, call.lang)
    if text is None or found.queued_at is None:
        raise Refusal("not_found")
    return MessageReceived(found.id, _lang(text.lang), text.title, text.body, found.page, found.queued_at)


async def _new(call: Call[BroadcastForm, None]) -> NewBroadcast:
    form = call.body
    texts = texts_of(form.texts)
    if not texts:
        raise Refusal("bad_request", "a Russian or an English text is needed").at("texts")
    known_regions(form.regions, call.services.regions)
    await linked(call, form.page)
    audience = Audience(tuple(dict.fromkeys(form.roles)), tuple(dict.fromkeys(form.regions)))
    return NewBroadcast(texts, audience, form.page)


def _versioned(one: Broadcast) -> Versioned:
    # Never 304: how far it has come is no part of the version.
    return Versioned(_view(one), one.version, whole=False)


def _view(one: Broadcast) -> BroadcastView:
    return BroadcastView(
        broadcast=one.id,
        version=one.version,
        state=_state(one.state),
        texts=msgspec.convert(one.texts, MessageTexts),
        roles=list(one.audience.roles),
        regions=list(one.audience.regions),
        page=one.page,
        total=one.total,
        sent=one.sent,
        created_by=one.created_by,
        queued_by=one.queued_by,
        cancelled_by=one.cancelled_by,
        created_at=one.created_at,
        queued_at=one.queued_at,
        done_at=one.done_at,
    )


# What is stored came in through the forms.
def _state(word: str) -> BroadcastState:
    return word  # type: ignore[return-value]


def _lang(lang: str) -> Lang:
    return lang  # type: ignore[return-value]


_STAFF = frozenset({"admin"})
_MAY = grades(Right.BROADCAST)
_ALL, _ONE = "/api/v1/admin/broadcasts", "/api/v1/admin/broadcasts/{broadcast}"
_FORM = ("place_unknown", "not_found")
ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/broadcasts/{broadcast}",
        received,
        "A message that was sent to the caller",
        "texts",
        response=MessageReceived,
        errors=("not_found",),
    ),
    Route(
        "GET",
        _ALL,
        page,
        "All broadcasts",
        "texts",
        query=PageQuery,
        response=Broadcasts,
        roles=_STAFF,
        grades=_MAY,
    ),
    Route(
        "POST",
        _ALL,
        compose,
        "Compose a broadcast",
        "texts",
        request=BroadcastForm,
        response=BroadcastView,
        status=201,
        roles=_STAFF,
        grades=_MAY,
        errors=(*_FORM, "limit_reached"),
        location="/api/v1/admin/broadcasts/{broadcast}",
    ),
    Route("GET", _ONE, one, "A broadcast", "texts", response=BroadcastView, roles=_STAFF, grades=_MAY),
    Route(
        "PUT",
        _ONE,
        change,
        "Edit a broadcast that was not sent",
        "texts",
        request=BroadcastForm,
        response=BroadcastView,
        roles=_STAFF,
        grades=_MAY,
        headers=("If-Match",),
        errors=(*_FORM, "broadcast_sent"),
    ),
    Route(
        "GET",
        _ONE + "/preview",
        preview,
        "How many a broadcast would reach",
        "texts",
        response=BroadcastPreview,
        roles=_STAFF,
        grades=_MAY,
        bucket="heavy",
        errors=("not_found",),
    ),
    Route(
        "POST",
        _ONE + "/send",
        send,
        "Send a broadcast",
        "texts",
        response=BroadcastView,
        roles=_STAFF,
        grades=_MAY,
        step_up=True,
        headers=("If-Match",),
        bucket="heavy",
        errors=("not_found", "broadcast_sent", "limit_reached"),
    ),
    Route(
        "POST",
        _ONE + "/cancel",
        cancel,
        "Stop a broadcast",
        "texts",
        response=BroadcastView,
        roles=_STAFF,
        grades=_MAY,
        errors=("not_found", "broadcast_sent"),
    ),
)
