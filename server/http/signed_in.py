"""The answer to a sign-in: tokens in the body, for browsers the refresh token as a cookie, or a question more."""

import time

import msgspec
from aiohttp import web

from server.protocol.rest.oidc import IdentityWaiting
from server.protocol.rest.signin import FactorAsked, SignedIn
from storage import totp
from storage.identity import SESSION_LIFETIME_S, FactorNeeded, SignIn, Via

from .origins import COOKIE
from .peer import PEER
from .route import Call

COOKIE_PATH = "/api/v1/auth"
# A page of another origin cannot send this header: no preflight allows it (origins.py). It is what keeps the
# cookie from working for anybody else (CSRF), beside SameSite=Strict.
CLIENT_HEADER = "X-Desk-Client"
HALF_WAY = 202  # signed in by half
ASKED = (HALF_WAY, FactorAsked)  # what a Route's `also` says of it


def via(call: Call[object, object], method: str = "otp") -> Via:
    """From where and with what the caller signs in."""
    program = call.request.headers.get("User-Agent", "").encode("ascii", "replace").decode()
    return Via(method, call.request[PEER], program)


def answer(
    call: Call[object, object],
    outcome: SignIn | FactorNeeded,
    *,
    linked: bool | None = None,
    recovery_codes: list[str] | None = None,
    referred: bool | None = None,
) -> web.Response:
    """Tokens in the body; for browsers the refresh token goes where no script can read it."""
    if isinstance(outcome, FactorNeeded):
        return half_way(_asked(outcome))
    access, expires_at = access_token(call, outcome)
    browser = is_browser(call)
    response = _json(
        SignedIn(
            access=access,
            access_expires_at=expires_at,
            user=outcome.user,
            role=outcome.role,
            grade=outcome.grade,
            refresh=None if browser else outcome.refresh,
            linked=linked,
            recovery_codes=recovery_codes,
            referred=referred,
        )
    )
    if browser:
        response.set_cookie(
            COOKIE,
            outcome.refresh,
            path=COOKIE_PATH,
            max_age=int(SESSION_LIFETIME_S),
            httponly=True,
            samesite="Strict",
            secure=call.services.config.public_url.startswith("https:"),
        )
    return response


def half_way(content: FactorAsked | IdentityWaiting) -> web.Response:
    """Not signed in yet: what is to be shown next."""
    return _json(content, HALF_WAY)


def access_token(call: Call[object, object], who: SignIn) -> tuple[str, float]:
    """(token, expires_at) for this session."""
    return call.services.tokens.mint(
        who.user,
        who.role,
        who.session,
        time.time(),
        grade=who.grade,
        factor_at=who.factor_at,
        lang=who.lang,
    )


def is_browser(call: Call[object, object]) -> bool:
    """Whether the caller is our page, which keeps its refresh token as a cookie."""
    return call.request.headers.get(CLIENT_HEADER) == "web"


def forget_cookie(response: web.Response) -> None:
    """Takes the browser's refresh token away."""
    response.del_cookie(COOKIE, path=COOKIE_PATH)


def _asked(needed: FactorNeeded) -> FactorAsked:
    return FactorAsked(
        challenge=needed.challenge,
        expires_at=needed.expires_at,
        enrol=needed.secret is not None,
        secret=needed.secret,
        otpauth=None if needed.secret is None else totp.uri(needed.secret, needed.phone),
    )


def _json(content: msgspec.Struct, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(content), status=status, content_type="application/json")
