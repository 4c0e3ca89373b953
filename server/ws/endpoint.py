"""The upgrade: origin, handshake, who is there (ticket or hello), then the session's life."""

import asyncio
import hmac
import logging

from aiohttp import web

from dispatch.errors import Refusal
from server.audit.as_user import READS
from server.auth import Principal
from server.errors import refusal_of
from server.http.peer import PEER
from server.http.route import PROFILE_LANG, lang_of
from server.i18n import Lang, known, say
from server.protocol.codec import BadFrame
from server.protocol.codes import CLOSE_MEANING, MIN_PROTOCOL_VERSION, PROTOCOL_VERSION, Close
from server.protocol.messages import Hello
from server.services import Services

from . import frames
from .session import Session, error_message
from .transport import PeerGone, Socket

log = logging.getLogger("desk.ws")

HELLO_S = 5.0
MAX_SESSIONS = 60_000  # a worker; the kernel's port and descriptor limits come first


def add_websocket(app: web.Application, services: Services) -> None:
    """`/ws`."""

    async def upgrade(request: web.Request) -> web.StreamResponse:
        services.origins.check_socket(request)
        if not services.ready or len(services.hub.sessions) >= MAX_SESSIONS:
            raise Refusal("unavailable")
        ticket = request.query.get("ticket")
        # A page cannot set the header, which tells the browser's language: it names its own in the address.
        chosen = known(request.query.get("lang"))
        lang = chosen or lang_of(request)
        # Redeemed before the handshake, so that a refusal is an HTTP answer that a browser's log shows.
        ticketed = await services.tickets.redeem(ticket) if ticket else None
        if ticketed is not None:
            services.revocations.check(ticketed[0].session)
        socket, response = await Socket.accept(request, request[PEER])
        try:
            if ticketed is not None:
                principal, device = ticketed
            else:
                principal, device, said = await _hello(socket, services)
                chosen = said or chosen
            if principal.lang is not None:
                request[PROFILE_LANG] = principal.lang
            lang = chosen or lang_of(request)
        except _Unwelcome as reason:
            lang = reason.lang or lang
            if reason.refusal is not None:
                socket.write(frames.message(error_message(reason.refusal, lang), socket.codec))
            socket.close(reason.code, say(lang, CLOSE_MEANING[reason.code]))
            log.info("ws.unwelcome", extra={"code": int(reason.code), "address": socket.address})
            await _linger(socket)
        except PeerGone:
            socket.end()
        else:
            await Session(socket, principal, device, services, lang).run()
        return response

    app.router.add_get("/ws", upgrade)


class _Unwelcome(Exception):
    def __init__(self, code: Close, refusal: Refusal | None = None, lang: Lang | None = None) -> None:
        super().__init__(code.name)
        self.code = code
        self.refusal = refusal
        self.lang = lang


async def _hello(socket: Socket, services: Services) -> tuple[Principal, int | None, Lang | None]:
    """The first frame must say who is there, within 5 s; it may say in which language to answer."""
    try:
        async with asyncio.timeout(HELLO_S):
            raw = b""
            while not raw:
                raw = await socket.receive()
    except TimeoutError:
        raise _Unwelcome(Close.UNAUTHENTICATED, Refusal("unauthenticated", "no hello within 5 s")) from None
    try:
        message = socket.codec.decode(raw)
    except BadFrame as error:
        raise _Unwelcome(Close.BAD_FRAME, error) from None
    if not isinstance(message, Hello):
        raise _Unwelcome(Close.UNAUTHENTICATED, Refusal("unauthenticated", "the first frame is a hello"))
    lang = known(message.lang)
    if not MIN_PROTOCOL_VERSION <= message.version <= PROTOCOL_VERSION:
        raise _Unwelcome(Close.TOO_OLD, Refusal("version_unsupported"), lang)
    try:
        if message.token is None:
            raise Refusal("unauthenticated")
        principal = services.authenticate(message.token)
        device = None
        if principal.viewing is not None:
            if message.device is not None:
                raise Refusal("forbidden", READS)
            await services.as_user.admit(principal, principal.viewing, "WS", "/ws", papers=False)
        if message.device is not None:
            owner = await services.identity.device(message.device, message.device_secret or "")
            if owner is None or not hmac.compare_digest(str(owner), str(principal.user)):
                raise Refusal("unauthenticated", "the device secret is wrong or revoked")
            device = message.device
    except Exception as error:
        refusal = refusal_of(error, log)
        # A database that is away is no reason to send a phone to the sign-in page.
        code = Close.DRAIN if refusal.code in ("unavailable", "internal") else Close.UNAUTHENTICATED
        raise _Unwelcome(code, refusal, lang) from None
    return principal, device, lang


async def _linger(socket: Socket) -> None:
    """Waits for the peer's close frame, a little."""
    try:
        async with asyncio.timeout(2.0):
            while True:
                await socket.receive()
    except (PeerGone, TimeoutError):
        socket.end()
