"""Google and Apple over HTTP: the page's trip there and back, the app's dialogue, and the links of an account.

A page begins with the hash of a verifier that it keeps, and only with the verifier it learns how the trip ended:
a callback that a stranger hands to somebody's browser signs nobody in. The callback needs no cookie.
"""

import base64
import time
from collections.abc import Awaitable, Callable, Iterator
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from server.oidc.trips import Outcome
from server.protocol.rest.oidc import (
    IdentityForm,
    IdentityWaiting,
    LinkedIdentities,
    LinkedIdentity,
    OidcFinishForm,
    OidcNativeForm,
    OidcStarted,
    OidcStartForm,
    SignInMethods,
)
from server.protocol.rest.signin import SignedIn
from storage.oidc import Linked, Waiting

from . import signed_in
from .route import Call, Route
from .sessions import fresh

PROVIDERS = ("google", "apple")
PAGE = "/#/enter"  # where the browser goes on
MAX_FIELDS = 20


async def methods(call: Call[None, None]) -> SignInMethods:
    """What the sign-in page and the apps may offer."""
    wanted = call.services.config.signing_in
    return SignInMethods(
        phone=True,
        google=list(wanted.google.clients) if wanted.google and wanted.apple else [],
        apple=[wanted.apple.services_id, wanted.apple.bundle_id] if wanted.apple else [],
    )


def start(provider: str) -> Callable[[Call[OidcStartForm, None]], Awaitable[OidcStarted]]:
    """The handler that begins a trip to this provider."""

    async def begin(call: Call[OidcStartForm, None]) -> OidcStarted:
        form = call.body
        if form.purpose == "link":
            await fresh(call)
        challenge = None if form.challenge is None else base64.urlsafe_b64decode(form.challenge + "=")
        started = await call.services.trips.start(provider, challenge, form.purpose, time.time())
        return OidcStarted(expires_at=started.until, redirect=started.redirect, nonce=started.nonce)

    return begin


def callback(provider: str) -> Callable[[Call[None, None]], Awaitable[web.Response]]:
    """The handler that a browser comes back to: it goes on to our page, which asks how it ended."""

    async def back(call: Call[None, None]) -> web.Response:
        given = await _given(call.request)
        problem = await call.services.trips.callback(provider, given)
        told = {"flow": given.get("state", "")} if problem is None else {"problem": problem}
        address = f"{call.services.config.public_url}{PAGE}?{urlencode(told)}"
        return web.Response(status=303, headers={"Location": address})

    return back


async def finish(call: Call[OidcFinishForm, None]) -> web.Response:
    """How the trip ended: signed in, half signed in, or somebody new who must confirm a phone."""
    form = call.body
    outcome = await call.services.external.finish(form.flow, form.verifier, signed_in.via(call), time.time())
    return _answer(call, outcome)


def native(provider: str) -> Callable[[Call[OidcNativeForm, None]], Awaitable[web.Response]]:
    """The handler for what an app's dialogue gave."""

    async def enter(call: Call[OidcNativeForm, None]) -> web.Response:
        form = call.body
        outcome = await call.services.trips.native(
            provider, form.id_token, form.nonce, signed_in.via(call), person=form.name, code=form.code
        )
        return _answer(call, outcome)

    return enter


async def mine(call: Call[object, None]) -> LinkedIdentities:
    """The Google and Apple accounts that sign in to this account."""
    linked = await call.services.external.linked(call.caller.user)
    return LinkedIdentities(identities=[_view(one) for one in linked])


async def link(call: Call[IdentityForm, None]) -> LinkedIdentities:
    """Links a waiting identity to this account: always by its owner's own step, never by an e-mail address."""
    await fresh(call)
    await call.services.external.link(call.caller.user, call.body.identity, time.time())
    return await mine(call)


async def unlink(call: Call[None, None]) -> None:
    """Takes a link away; the phone signs in as ever."""
    await call.services.external.unlink(call.caller.user, call.path_id("identity"))


async def _given(request: web.Request) -> dict[str, str]:
    """What the provider had the browser bring: a query, or Apple's form. Anything else is nothing."""
    if request.method == "GET":
        return dict(request.query)
    if request.content_type != "application/x-www-form-urlencoded":
        return {}
    text = (await request.read()).decode(errors="replace")
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError:  # too many fields
        return {}


def _answer(call: Call[object, object], outcome: Outcome) -> web.Response:
    if not isinstance(outcome, Waiting):
        return signed_in.answer(call, outcome)
    return signed_in.half_way(
        IdentityWaiting(
            identity=outcome.token,
            provider="apple" if outcome.provider == "apple" else "google",
            name=outcome.name,
            email=outcome.email,
            expires_at=outcome.expires_at,
        )
    )


def _view(one: Linked) -> LinkedIdentity:
    return LinkedIdentity(
        identity=one.id, provider=one.provider, name=one.name, email=one.email, linked_at=one.linked_at
    )


_ENDED = ("challenge_over", "provider_refused", "provider_unavailable", "account_blocked", "identity_taken")
_ALSO = (signed_in.ASKED, (signed_in.HALF_WAY, IdentityWaiting))


def _routes(provider: str) -> Iterator[Route]:
    path, name = f"/api/v1/auth/{provider}", provider.capitalize()
    yield Route(
        "POST",
        f"{path}/start",
        start(provider),
        f"Begin to sign in with {name}",
        "identity",
        request=OidcStartForm,
        response=OidcStarted,
        status=201,
        roles=None,
        keyed=False,
        errors=("not_found", "provider_unavailable", "unauthenticated", "sign_in_again"),
    )
    yield Route(
        "POST" if provider == "apple" else "GET",
        f"{path}/callback",
        callback(provider),
        f"Where {name} sends the browser back to",
        "identity",
        status=303,
        roles=None,
        keyed=False,
    )
    yield Route(
        "POST",
        f"{path}/native",
        native(provider),
        f"Sign in with what an app's {name} dialogue gave",
        "identity",
        request=OidcNativeForm,
        response=SignedIn,
        also=_ALSO,
        roles=None,
        keyed=False,
        errors=("not_found", *_ENDED),
    )


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/auth/methods",
        methods,
        "Ways to sign in",
        "identity",
        response=SignInMethods,
        roles=None,
    ),
    *(route for provider in PROVIDERS for route in _routes(provider)),
    Route(
        "POST",
        "/api/v1/auth/finish",
        finish,
        "How a trip to Google or Apple ended",
        "identity",
        request=OidcFinishForm,
        response=SignedIn,
        also=_ALSO,
        roles=None,
        errors=_ENDED,
    ),
    Route(
        "GET",
        "/api/v1/me/identities",
        mine,
        "Linked Google and Apple accounts",
        "identity",
        response=LinkedIdentities,
    ),
    Route(
        "POST",
        "/api/v1/me/identities",
        link,
        "Link a Google or Apple account",
        "identity",
        request=IdentityForm,
        response=LinkedIdentities,
        errors=("challenge_over", "identity_taken", "sign_in_again"),
    ),
    Route(
        "DELETE",
        "/api/v1/me/identities/{identity}",
        unlink,
        "Unlink a Google or Apple account",
        "identity",
        status=204,
        errors=("not_found",),
    ),
)
