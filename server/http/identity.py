"""Signing in by one-time code, staying signed in, signing out, and the ticket for a socket."""

import logging
import time

import msgspec
from aiohttp import web

from dispatch.errors import Refusal
from server.phone import e164
from server.protocol.rest.signin import (
    OtpAsked,
    OtpForm,
    RefreshForm,
    SignedIn,
    Ticket,
    TicketForm,
    VerifyForm,
)
from server.tickets import LIFETIME_S as TICKET_LIFETIME_S
from storage.identity import SESSION_LIFETIME_S, Replayed, SignIn

from .origins import COOKIE
from .peer import PEER, network_of
from .route import Call, Route

log = logging.getLogger("desk.identity")

COOKIE_PATH = "/api/v1/auth"
# A page of another origin cannot send this header: no preflight allows it (origins.py). It is what keeps the
# cookie from working for anybody else (CSRF), beside SameSite=Strict.
CLIENT_HEADER = "X-Desk-Client"


async def ask(call: Call[OtpForm, None]) -> OtpAsked:
    """Sends a one-time code; the answer is the same for known and unknown numbers."""
    phone, network = e164(call.body.phone), network_of(call.request[PEER])
    code = await call.services.identity.ask(phone, call.body.role, network, time.time())
    await call.services.otp_sender.send(code.phone, code.code)
    return OtpAsked(request=code.request, expires_at=code.expires_at, resend_at=code.resend_at)


async def verify(call: Call[VerifyForm, None]) -> web.Response:
    """The code opens a session; a new phone gets an account."""
    signed_in = await call.services.identity.sign_in(
        call.body.request,
        call.body.code,
        address=call.request[PEER],
        user_agent=call.request.headers.get("User-Agent", "").encode("ascii", "replace").decode(),
        now=time.time(),
    )
    return _answer(call, signed_in)


async def refresh(call: Call[RefreshForm, None]) -> web.Response:
    """A fresh access token and the next refresh token; an old one again ends the session."""
    token = call.body.refresh
    if token is None and _is_browser(call):
        token = call.request.cookies.get(COOKIE)
    if token is None:
        raise Refusal("unauthenticated")
    outcome = await call.services.identity.refresh(token, time.time())
    if isinstance(outcome, Replayed):
        call.services.revocations.end(outcome.session)
        log.warning("refresh.replayed", extra={"user": outcome.user, "address": call.request[PEER]})
        raise Refusal("session_revoked")
    return _answer(call, outcome)


async def sign_out(call: Call[None, None]) -> web.Response:
    """Ends the session everywhere: its tokens are refused and its sockets closed."""
    await call.services.identity.sign_out(call.caller.session, time.time())
    call.services.revocations.end(call.caller.session)
    answer = web.Response(status=204)
    answer.del_cookie(COOKIE, path=COOKIE_PATH)
    return answer


async def ticket(call: Call[TicketForm, None]) -> Ticket:
    """A ticket for `/ws?ticket=`; a driver that names its device may send positions."""
    form, caller = call.body, call.caller
    if form.device is not None:
        owner = await call.services.identity.device(form.device, form.device_secret or "")
        if owner != caller.user or caller.role != "driver":
            raise Refusal("device_required")
    expires_at = time.time() + TICKET_LIFETIME_S
    return Ticket(ticket=await call.services.tickets.issue(caller, form.device), expires_at=expires_at)


def _answer(call: Call[VerifyForm, None] | Call[RefreshForm, None], signed_in: SignIn) -> web.Response:
    """Tokens in the body; for browsers the refresh token goes where no script can read it."""
    now = time.time()
    access, expires_at = call.services.tokens.mint(
        signed_in.user, signed_in.role, signed_in.session, now, grade=signed_in.grade
    )
    browser = _is_browser(call)
    content = SignedIn(
        access=access,
        access_expires_at=expires_at,
        user=signed_in.user,
        role=signed_in.role,
        grade=signed_in.grade,
        refresh=None if browser else signed_in.refresh,
    )
    answer = web.Response(body=msgspec.json.encode(content), content_type="application/json")
    if browser:
        answer.set_cookie(
            COOKIE,
            signed_in.refresh,
            path=COOKIE_PATH,
            max_age=int(SESSION_LIFETIME_S),
            httponly=True,
            samesite="Strict",
            secure=call.services.config.public_url.startswith("https:"),
        )
    return answer


def _is_browser(call: Call[VerifyForm, None] | Call[RefreshForm, None]) -> bool:
    return call.request.headers.get(CLIENT_HEADER) == "web"


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/api/v1/auth/otp",
        ask,
        "Ask for a one-time code",
        "identity",
        request=OtpForm,
        response=OtpAsked,
        status=201,
        roles=None,
        errors=("phone_invalid", "rate_limited"),
    ),
    Route(
        "POST",
        "/api/v1/auth/verify",
        verify,
        "Sign in with the code",
        "identity",
        request=VerifyForm,
        response=SignedIn,
        roles=None,
        errors=("code_wrong", "forbidden"),
    ),
    Route(
        "POST",
        "/api/v1/auth/refresh",
        refresh,
        "Refresh the access token",
        "identity",
        request=RefreshForm,
        response=SignedIn,
        roles=None,
        errors=("unauthenticated", "session_revoked", "forbidden"),
        cookie=True,
    ),
    Route("POST", "/api/v1/auth/sign-out", sign_out, "Sign out", "identity", status=204),
    Route(
        "POST",
        "/api/v1/ws-ticket",
        ticket,
        "A ticket for the websocket",
        "identity",
        request=TicketForm,
        response=Ticket,
        status=201,
        errors=("device_required", "unavailable"),
    ),
)
