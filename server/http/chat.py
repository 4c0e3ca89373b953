"""Conversations of orders over HTTP: history, what a program without a socket writes, files and quick phrases."""

import uuid

from aiohttp import web

from dispatch.chat import Draft
from dispatch.model import Actor, Order
from dispatch.rights import Right, grades
from dispatch.visibility import Viewer
from server.chat import views
from server.notices import receipts
from server.protocol.messages import ChatEntry, RowId
from server.protocol.rest.chat import (
    ChatForm,
    ChatMark,
    ChatPage,
    ChatPhrases,
    ChatQuery,
    ChatReadForm,
    Chats,
    ChatsQuery,
)
from server.protocol.rest.papers import UploadedFile
from storage.chat.reads import Before

from . import uploads
from .decode import BadField
from .once import KEY_HEADER
from .orders import ANYBODY
from .pages import Cursor, cursor_of, read_cursor
from .papers import UPLOAD_ERRORS, uploaded_file
from .parties import party_of, party_to
from .route import Call, Route

# A request's Idempotency-Key as the id of its message: the same one again is the same message, for good.
_OF_KEYS = uuid.UUID("6d0a7a0c-3f52-4e0e-9a5b-0d8f1c2b7e44")


class ByWord(Cursor, frozen=True):
    """The latest word first."""

    at: float
    order: RowId


async def history(call: Call[None, ChatQuery]) -> ChatPage:
    """A stretch of a conversation, to its two sides and to staff with the right, whose look is written down."""
    query = call.query
    if query.before is not None and query.after is not None:
        raise BadField("either before or after", "after")
    order = await _readable(call)
    found = await call.services.chats.page(call.caller.user, order, query.before, query.after, query.limit)
    return views.page(found, call.lang, call.services.now())


async def write(call: Call[ChatForm, None]) -> ChatEntry:
    """A message; told to both sides when it is stored."""
    order, form = call.path_id("order"), call.body
    if form.message_id is None:
        key = uuid.uuid5(_OF_KEYS, call.request.headers[KEY_HEADER])
    else:
        key = uuid.UUID(form.message_id)
    draft = Draft(key, form.text, form.phrase, tuple(form.attachments))
    done = await call.services.chats.send(await party_to(call, order), order, draft)
    return views.spoken(views.entry(call.services.notify.told(done)), call.lang)


async def read(call: Call[ChatReadForm, None]) -> ChatMark:
    """The caller has read so far."""
    order = call.path_id("order")
    done = await call.services.chats.read(await party_to(call, order), order, call.body.upto)
    mark = ChatMark(order, call.services.notify.told(done))
    await receipts.about(call.services, call.caller.user, "chat", order)
    return mark


async def upload(call: Call[None, None]) -> UploadedFile:
    """Takes a picture or PDF in for a message that is to be written."""
    order = call.path_id("order")
    await call.services.chats.must_be_open(await party_to(call, order), order)
    return uploaded_file(await uploads.receive(call))


async def file(call: Call[None, None]) -> web.StreamResponse:
    """A file of the conversation."""
    order = await _readable(call)
    stored = await call.services.chats.file(order.id, call.path_id("file"))
    return uploads.attachment(call.services.files, stored, f"order-{order.id}-{stored.id}")


async def mine(call: Call[None, ChatsQuery]) -> Chats:
    """The caller's conversations, the one with the latest word first."""
    query = call.query
    after = None if query.after is None else read_cursor(query.after, ByWord)
    before = None if after is None else Before(after.at, after.order)
    found = await call.services.chats.of(await party_of(call), before, query.limit)
    return Chats(
        [views.line(line, call.lang) for line in found],
        cursor_of(ByWord(found[-1].last_at, found[-1].order)) if len(found) == query.limit else None,
    )


async def phrases(call: Call[None, None]) -> ChatPhrases:
    """What each side may say with one tap, in the caller's language."""
    return views.phrases(call.lang)


async def _readable(call: Call[None, object]) -> Order:
    """The order whose conversation the caller may read."""
    number = call.path_id("order")
    party = await party_to(call, number)
    order = await call.services.chats.readable(Viewer(party, call.caller.grade), number)
    if party.actor is Actor.ADMIN:
        both = (order.shipper, *(() if order.driver is None else (order.driver,)))
        await call.services.viewing.chat(call.caller.user, both, number)
    return order


_PARTIES = ANYBODY - {"admin"}
_READERS = grades(Right.READ_CHATS)
_WRITES = ("not_found", "chat_closed", "account_blocked")

ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/chats",
        mine,
        "Own conversations",
        "chat",
        query=ChatsQuery,
        response=Chats,
        roles=_PARTIES,
        scope="orders:read",
    ),
    Route(
        "GET",
        "/api/v1/chat/phrases",
        phrases,
        "Quick phrases",
        "chat",
        response=ChatPhrases,
        scope="orders:read",
    ),
    Route(
        "GET",
        "/api/v1/orders/{order}/chat",
        history,
        "The conversation of an order",
        "chat",
        query=ChatQuery,
        response=ChatPage,
        roles=ANYBODY,
        grades=_READERS,
        errors=("not_found",),
        scope="orders:read",
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/chat",
        write,
        "Write to the other side",
        "chat",
        request=ChatForm,
        response=ChatEntry,
        status=201,
        roles=_PARTIES,
        errors=(*_WRITES, "idempotency_conflict", "limit_reached", "file_held", "file_type"),
        headers=(KEY_HEADER,),
        scope="orders:write",
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/chat/read",
        read,
        "Messages were read",
        "chat",
        request=ChatReadForm,
        response=ChatMark,
        roles=_PARTIES,
        errors=("not_found",),
        scope="orders:write",
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/chat/files",
        upload,
        "Upload a picture or PDF for a message",
        "chat",
        response=UploadedFile,
        status=201,
        roles=_PARTIES,
        errors=(*_WRITES, *UPLOAD_ERRORS),
        location="/api/v1/files/{file}",
        upload=True,
    ),
    Route(
        "GET",
        "/api/v1/orders/{order}/chat/files/{file}",
        file,
        "A picture or PDF of a message",
        "chat",
        roles=ANYBODY,
        grades=_READERS,
        errors=("not_found",),
        produces=uploads.KINDS,
        scope="orders:read",
    ),
)
