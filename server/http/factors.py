"""The second factor of staff: answering a sign-in's challenge, showing it again, setting it up."""

import time

from aiohttp import web

from server.protocol.rest.signin import (
    FactorForm,
    FactorSecret,
    FactorStatus,
    RecoveryCodes,
    SignedIn,
    SteppedUp,
    StepUpForm,
)
from storage import totp

from . import signed_in
from .route import Call, Route

_STAFF = frozenset({"admin"})


async def answer(call: Call[FactorForm, None]) -> web.Response:
    """The second half of a staff sign-in."""
    form = call.body
    who, codes = await call.services.identity.factors.answer(
        form.challenge, form.code, signed_in.via(call), time.time()
    )
    return signed_in.answer(call, who, recovery_codes=codes)


async def step_up(call: Call[StepUpForm, None]) -> SteppedUp:
    """Shows the second factor again: what is dangerous is open for five minutes."""
    caller, now = call.caller, time.time()
    await call.services.identity.factors.confirm(caller.user, caller.session, call.body.code, now)
    access, expires_at = call.services.tokens.mint(
        caller.user, caller.role, caller.session, now, grade=caller.grade, factor_at=now, lang=caller.lang
    )
    return SteppedUp(access=access, access_expires_at=expires_at)


async def status(call: Call[None, None]) -> FactorStatus:
    """Whether a second factor is in force, and how many recovery codes are left."""
    factor = await call.services.identity.factors.status(call.caller.user)
    return FactorStatus(since=factor.since, recovery_codes=factor.recovery_codes)


async def enrol(call: Call[None, None]) -> FactorSecret:
    """A secret for a new authenticator app; the old one stays in force until the new one has shown a code."""
    account = await call.services.accounts.account(call.caller.user)
    secret = await call.services.identity.factors.enrol(call.caller.user)
    return FactorSecret(secret=secret, otpauth=totp.uri(secret, account.phone))


async def enrolled(call: Call[StepUpForm, None]) -> RecoveryCodes:
    """The new app's first code puts it in force; the recovery codes are new as well."""
    caller = call.caller
    codes = await call.services.identity.factors.enrolled(
        caller.user, caller.session, call.body.code, time.time()
    )
    return RecoveryCodes(codes=codes)


async def recovery_codes(call: Call[None, None]) -> RecoveryCodes:
    """Ten new recovery codes; the old ones end."""
    return RecoveryCodes(codes=await call.services.identity.factors.new_codes(call.caller.user))


_PATH = "/api/v1/me/second-factor"
ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/api/v1/auth/second-factor",
        answer,
        "Answer the challenge of a staff sign-in",
        "identity",
        request=FactorForm,
        response=SignedIn,
        roles=None,
        errors=("challenge_over", "code_wrong", "rate_limited", "account_blocked"),
    ),
    Route(
        "POST",
        "/api/v1/auth/step-up",
        step_up,
        "Show the second factor again",
        "identity",
        request=StepUpForm,
        response=SteppedUp,
        roles=_STAFF,
        errors=("code_wrong", "rate_limited"),
    ),
    Route("GET", _PATH, status, "My second factor", "identity", response=FactorStatus, roles=_STAFF),
    Route(
        "POST",
        _PATH,
        enrol,
        "Set up a new authenticator app",
        "identity",
        response=FactorSecret,
        status=201,
        roles=_STAFF,
        step_up=True,
    ),
    Route(
        "POST",
        _PATH + "/confirm",
        enrolled,
        "Put the new authenticator app in force",
        "identity",
        request=StepUpForm,
        response=RecoveryCodes,
        roles=_STAFF,
        step_up=True,
        errors=("code_wrong", "rate_limited"),
    ),
    Route(
        "POST",
        _PATH + "/recovery-codes",
        recovery_codes,
        "New recovery codes",
        "identity",
        response=RecoveryCodes,
        status=201,
        roles=_STAFF,
        step_up=True,
        errors=("not_found",),
    ),
)
