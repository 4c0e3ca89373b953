"""Where one is signed in, ending that, and moving the account to another phone number."""

import re
import time

from aiohttp import web

from dispatch.errors import Refusal
from server.auth import Principal
from server.phone import reachable
from server.programs import described
from server.protocol.rest.sessions import (
    EndSessionsForm,
    NewPhoneForm,
    PhoneChanged,
    PhoneChangeForm,
    Sessions,
    SessionsEnded,
    SessionView,
)
from server.protocol.rest.signin import OtpAsked
from storage.otp import wide
from storage.sessions import SessionRow

from . import signed_in
from .identity import send
from .peer import PEER, network_of
from .route import Call, Route

FRESH_S = 600.0  # a sign-in of this age still speaks for the person at the keyboard
UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def mine(call: Call[None, None]) -> Sessions:
    """Every live sign-in of the caller."""
    rows = await call.services.identity.sessions(call.caller.user, time.time())
    return Sessions(sessions=[_view(row, call.caller) for row in rows])


async def end_one(call: Call[None, None]) -> web.Response:
    """Ends one sign-in: its tokens are refused and its sockets closed, at every worker within a second."""
    session = call.request.match_info["session"]
    if not UUID.fullmatch(session):
        raise Refusal("not_found")
    ended = await call.services.identity.end_one(call.caller.user, session, time.time())
    call.services.revocations.end(ended)
    return _gone(ended == call.caller.session)


async def end_all(call: Call[EndSessionsForm, None]) -> SessionsEnded:
    """Ends all the caller's sign-ins, or all but this one."""
    kept = call.caller.session if call.body.scope == "others" else None
    ended = await call.services.identity.end_all(call.caller.user, time.time(), but=kept)
    for session in ended:
        call.services.revocations.end(session)
    return SessionsEnded(ended=len(ended))


async def new_phone(call: Call[NewPhoneForm, None]) -> OtpAsked:
    """Sends a code to the number that the account is to move to. Wants a fresh sign-in."""
    await fresh(call)
    phone = reachable(call.body.phone, call.services.config.signing_in.sms.prefixes)
    code = await call.services.identity.otp.ask(
        phone,
        call.caller.role,
        network_of(call.request[PEER]),
        time.time(),
        purpose="change_phone",
        user=call.caller.user,
    )
    return await send(call, code)


async def change_phone(call: Call[PhoneChangeForm, None]) -> PhoneChanged:
    """Moves the account to the number whose code this is; the other sign-ins end."""
    await fresh(call)
    caller = call.caller
    phone, ended = await call.services.identity.change_phone(
        caller.user, caller.session, call.body.request, call.body.code, time.time()
    )
    for session in ended:
        call.services.revocations.end(session)
    return PhoneChanged(phone=phone, ended=len(ended))


async def fresh(call: Call[object, object]) -> None:
    """Refusal `sign_in_again` unless the caller has shown lately who it is; `forbidden` for a program."""
    caller, now = call.caller, time.time()
    if caller.key is not None:
        raise Refusal("forbidden", "an API key signs nobody in")
    if caller.factor_at is not None and caller.factor_at + FRESH_S > now:
        return
    if await call.services.identity.signed_in_at(caller.session) + FRESH_S <= now:
        raise Refusal("sign_in_again")


def _view(row: SessionRow, caller: Principal) -> SessionView:
    return SessionView(
        session=row.id,
        method=row.method,
        program=described(row.user_agent),
        network=wide(row.address) if row.address else "",
        created_at=row.created_at,
        used_at=row.used_at,
        current=row.id == caller.session,
    )


def _gone(own: bool) -> web.Response:
    response = web.Response(status=204)
    if own:
        signed_in.forget_cookie(response)
    return response


ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/v1/me/sessions", mine, "Where I am signed in", "identity", response=Sessions),
    Route(
        "DELETE",
        "/api/v1/me/sessions/{session}",
        end_one,
        "End one sign-in",
        "identity",
        status=204,
        errors=("not_found",),
    ),
    Route(
        "POST",
        "/api/v1/me/sessions/end",
        end_all,
        "Sign out elsewhere, or everywhere",
        "identity",
        request=EndSessionsForm,
        response=SessionsEnded,
    ),
    Route(
        "POST",
        "/api/v1/me/phone/code",
        new_phone,
        "Ask for a code on a new number",
        "identity",
        request=NewPhoneForm,
        response=OtpAsked,
        status=201,
        keyed=False,
        errors=("phone_invalid", "phone_country", "rate_limited", "sms_unavailable", "sign_in_again"),
    ),
    Route(
        "POST",
        "/api/v1/me/phone",
        change_phone,
        "Move to the new number",
        "identity",
        request=PhoneChangeForm,
        response=PhoneChanged,
        errors=("code_wrong", "phone_taken", "sign_in_again", "account_blocked"),
    ),
)
