"""Signing in by one-time code, staying signed in, signing out, and the ticket for a socket."""

import logging
import time

from aiohttp import web

from dispatch.errors import Refusal
from server.phone import reachable
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
from storage.identity import Replayed
from storage.otp import Code
from storage.referrals.attributing import Referral

from . import signed_in
from .origins import COOKIE
from .peer import PEER, network_of
from .route import Call, Route

log = logging.getLogger("desk.identity")


async def ask(call: Call[OtpForm, None]) -> OtpAsked:
    """Sends a one-time code; the answer is the same for known and unknown numbers."""
    phone = reachable(call.body.phone, call.services.config.signing_in.sms.prefixes)
    network = network_of(call.request[PEER])
    code = await call.services.identity.ask(phone, call.body.role, network, time.time())
    return await send(call, code)


async def send(call: Call[object, object], code: Code) -> OtpAsked:
    """Brings the code to its phone. When no gateway takes it the caller is told, and may ask again at once."""
    if not code.fixed:
        try:
            await call.services.otp_sender.send(code.phone, code.code, call.lang)
        except Refusal:
            await call.services.identity.otp.unsent(code.request, time.time())
            raise
    return OtpAsked(request=code.request, expires_at=code.expires_at, resend_at=code.resend_at)


async def verify(call: Call[VerifyForm, None]) -> web.Response:
    """The code opens a session; a new phone gets an account. Staff are asked for their second factor (202)."""
    form, how = call.body, signed_in.via(call)
    entered = await call.services.identity.sign_in(
        form.request,
        form.code,
        address=how.address,
        user_agent=how.user_agent,
        now=time.time(),
        identity=form.identity,
        lang=call.lang,
        referral=Referral(form.referral, form.device, form.device_secret or "") if form.referral else None,
        network=network_of(how.address),
    )
    linked = None if form.identity is None else entered.linked
    referred = entered.referred if form.referral else None
    return signed_in.answer(call, entered.outcome, linked=linked, referred=referred)


async def refresh(call: Call[RefreshForm, None]) -> web.Response:
    """A fresh access token and the next refresh token; an old one again ends the session."""
    token = call.body.refresh
    if token is None and signed_in.is_browser(call):
        token = call.request.cookies.get(COOKIE)
    if token is None:
        raise Refusal("unauthenticated")
    outcome = await call.services.identity.refresh(token, time.time(), call.request[PEER])
    if isinstance(outcome, Replayed):
        call.services.revocations.end(outcome.session)
        log.warning("refresh.replayed", extra={"user": outcome.user, "address": call.request[PEER]})
        raise Refusal("session_revoked")
    return signed_in.answer(call, outcome)


async def sign_out(call: Call[None, None]) -> web.Response:
    """Ends the session everywhere: its tokens are refused and its sockets closed."""
    await call.services.identity.sign_out(call.caller.session, time.time())
    call.services.revocations.end(call.caller.session)
    answer = web.Response(status=204)
    signed_in.forget_cookie(answer)
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
        keyed=False,
        errors=("phone_invalid", "phone_country", "rate_limited", "sms_unavailable"),
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
        also=(signed_in.ASKED,),
        errors=("code_wrong", "account_blocked", "challenge_over"),
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
        errors=("unauthenticated", "session_revoked", "account_blocked"),
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
