"""The door of a route: who is there, whether the route is for them, and whether they have asked enough."""

import time

from aiohttp import web

from dispatch.errors import Refusal
from dispatch.rights import Grade
from server.audit.as_user import READS
from server.auth import Principal
from server.log import PRINCIPAL
from server.services import Services
from storage.api_keys import PREFIX as KEY_PREFIX
from storage.buckets import Limit, Taken

from .peer import PEER, network_of
from .route import PROFILE_LANG, STEP_UP_S, Route

SPENT = web.RequestKey("spent", tuple)  # (Limit, Taken), for the answer's headers


async def admit(route: Route, request: web.Request, services: Services) -> Principal | None:
    """Who asks (None: nobody in particular), after their tokens were taken.

    A refused sign-in costs the network address: guessing is not free.
    """
    try:
        principal = await who(route, request, services)
    except Refusal as refusal:
        if refusal.code not in ("forbidden", "step_up_required"):
            await _spend(request, services, "anonymous", network_of(request[PEER]), 1)
        raise
    if principal is None:
        await _spend(request, services, "anonymous", network_of(request[PEER]), route.cost)
    else:
        caller = str(principal.user) if principal.key is None else f"key{principal.key.id}"
        if principal.viewing is not None:
            caller = str(principal.viewing.staff)
        await _spend(request, services, route.bucket_name, caller, route.cost)
    return principal


async def who(route: Route, request: web.Request, services: Services) -> Principal | None:
    """Who asks, if the route is for them."""
    token = _token(request)
    if not token:
        if route.roles is None:
            return None
        raise Refusal("unauthenticated")
    principal = await services.authenticate_request(token)
    PRINCIPAL.set(principal.user)
    if principal.lang is not None:
        request[PROFILE_LANG] = principal.lang
    if principal.key is not None and route.roles is not None and route.scope not in principal.key.scopes:
        raise Refusal("forbidden", "this key does not have the scope for it")
    if principal.viewing is not None:
        if request.method not in ("GET", "HEAD") or not route.viewable:
            raise Refusal("forbidden", READS)
    if route.roles and principal.role not in route.roles:
        raise Refusal("forbidden")
    if (
        route.grades
        and principal.role == "admin"
        and principal.grade not in route.grades | {Grade.SUPERADMIN}
    ):
        raise Refusal("forbidden")
    if route.step_up and (principal.factor_at is None or principal.factor_at + STEP_UP_S <= time.time()):
        raise Refusal("step_up_required")
    return principal


def _token(request: web.Request) -> str:
    """The token or key that the request carries; empty without one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    key = request.headers.get("X-Api-Key", "").strip()
    return key if key.startswith(KEY_PREFIX) else ""


async def _spend(request: web.Request, services: Services, bucket: str, caller: str, cost: int) -> None:
    limit, taken = await services.limits.take(bucket, caller, cost)
    request[SPENT] = (limit, taken)
    if not taken.allowed:
        raise Refusal("rate_limited")


def rate_headers(request: web.Request) -> dict[str, str]:
    """What is left of the bucket (draft-ietf-httpapi-ratelimit-headers-07): size, tokens, seconds until full."""
    spent: tuple[Limit, Taken] | None = request.get(SPENT)
    if spent is None:
        return {}
    limit, taken = spent
    headers = {
        "RateLimit-Limit": str(limit.burst),
        "RateLimit-Remaining": str(taken.remaining),
        "RateLimit-Reset": str(-int(-taken.full_s // 1)),
    }
    if not taken.allowed:
        headers["Retry-After"] = str(max(1, -int(-taken.wait_s // 1)))
    return headers
