"""Runs a Route: who asks, what was asked, handler, answer. Every error leaves here as problem JSON."""

import asyncio
import ipaddress
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
from aiohttp import web
from multidict import MultiMapping

from dispatch.errors import Refusal
from dispatch.rights import Grade
from server.auth import Principal
from server.errors import problem_of, refusal_of
from server.log import CONNECTION, ORDER, PRINCIPAL
from server.services import Services

from .once import KEY_HEADER
from .route import Call, Route, Versioned

log = logging.getLogger("desk.http")

MAX_BODY = 64 * 1024
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_JSON = msgspec.json.Encoder()
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
PEER = web.RequestKey("peer", str)
ROUTE = web.RequestKey("route", str)

# Every answer: the API is data for programs, and the page's own rules stand in web.py.
SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
PRIVATE = {**SAFE, "Cache-Control": "no-store"}


class BadField(Exception):
    """A body or query that does not have its form; `path` names the field."""

    def __init__(self, message: str, path: str | None) -> None:
        super().__init__(message)
        self.path = path


def add_routes(app: web.Application, routes: tuple[Route, ...], services: Services) -> None:
    """Every route of the table, behind the same three steps."""
    for route in routes:
        app.router.add_route(route.method, route.path, _runner(route, services))


def _runner(route: Route, services: Services) -> Answer:
    # The type is data here: the table says what each route takes.
    body_decoder: msgspec.json.Decoder[Any] | None = (
        None if route.request is None else msgspec.json.Decoder(route.request)
    )

    async def run(request: web.Request) -> web.StreamResponse:
        request[ROUTE] = f"{route.method} {route.path}"
        order = request.match_info.get("order", "")
        ORDER.set(int(order) if order.isascii() and order.isdigit() else None)
        principal = _who(route, request, services)
        for header in route.headers:
            if header == "If-Match":
                continue  # Call.expected_version answers for it, with a code of its own
            if not request.headers.get(header):
                raise BadField(f"the header {header} is required", None)
        body = await _body(request, body_decoder)
        query = None if route.query is None else _query(request.query, route.query)
        call = Call(request, services, principal, body, query)

        async def answer() -> web.StreamResponse:
            return _answer(route, request, await route.handler(call))

        if principal is None or request.method in SAFE_METHODS or KEY_HEADER not in request.headers:
            return await answer()
        return await services.once.run(request, principal.user, body, answer)

    return run


def _answer(route: Route, request: web.Request, result: object) -> web.StreamResponse:
    """What a handler returned, as HTTP."""
    if isinstance(result, web.StreamResponse):
        return result
    if result is None:
        return web.Response(status=204)
    headers = {}
    if isinstance(result, Versioned):
        headers["ETag"] = f'"{result.version}"'
        result = result.content
        if request.method == "GET" and request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
    if route.location and isinstance(result, msgspec.Struct):
        headers["Location"] = route.location.format_map(msgspec.structs.asdict(result))
    return web.Response(
        body=_JSON.encode(result), status=route.status, content_type="application/json", headers=headers
    )


def _who(route: Route, request: web.Request, services: Services) -> Principal | None:
    header = request.headers.get("Authorization", "")
    if route.roles is None and not header:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        if route.roles is None:
            return None
        raise Refusal("unauthenticated")
    principal = services.authenticate(token.strip())
    PRINCIPAL.set(principal.user)
    if route.roles and principal.role not in route.roles:
        raise Refusal("forbidden")
    if (
        route.grades
        and principal.role == "admin"
        and principal.grade not in route.grades | {Grade.SUPERADMIN}
    ):
        raise Refusal("forbidden")
    return principal


async def _body(request: web.Request, decoder: msgspec.json.Decoder[Any] | None) -> object:
    if decoder is None:
        return None
    if request.content_type not in ("application/json", "application/octet-stream", ""):
        raise BadField("send application/json", None)
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Refusal("too_large") from None
    try:
        return decoder.decode(raw or b"{}")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        text = str(error)
        message, _, path = text.rpartition(" - at ")
        raise BadField(message or text, path.strip("`") or None) from None


def _query(given: MultiMapping[str], kind: type) -> object:
    """Query strings are text: the declared types decide what the text means."""
    hints = get_type_hints(kind)
    unknown = set(given) - set(hints)
    if unknown:
        raise BadField("no such parameter", sorted(unknown)[0])
    try:
        return msgspec.convert({name: _text(given[name], hints[name]) for name in given}, kind, strict=False)
    except msgspec.ValidationError as error:
        message, _, path = str(error).rpartition(" - at ")
        raise BadField(message or str(error), path.strip("`$.") or None) from None


def _text(value: str, hint: Any) -> str | None:
    optional = get_origin(hint) in (Union, UnionType) and NoneType in get_args(hint)
    return None if optional and value == "" else value


def peer_address(request: web.Request, trusted: frozenset[str]) -> str:
    """Who is calling; forwarded headers are believed only from a proxy that the settings name."""
    remote = request.remote or ""
    if remote not in trusted:
        return remote
    # The nearest proxy appends: the last address that is not a trusted proxy is the caller.
    for hop in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
        address = hop.strip()
        try:
            ipaddress.ip_address(address)
        except ValueError:
            break
        if address not in trusted:
            return address
    return remote


def edge(services: Services) -> Callable[..., Awaitable[web.StreamResponse]]:
    """The outermost middleware: request id, one log line, problem JSON, safe headers."""
    trusted = services.config.trusted_proxies

    @web.middleware
    async def middleware(request: web.Request, handler: Answer) -> web.StreamResponse:
        started = time.perf_counter()
        identity = secrets.token_hex(8)
        CONNECTION.set(identity)
        PRINCIPAL.set(None)
        request[PEER] = peer_address(request, trusted)
        try:
            response = await handler(request)
        except web.HTTPException as error:
            response = _http_error(error)
        except asyncio.CancelledError:
            raise
        except BadField as error:
            response = problem(Refusal("bad_request", str(error)), error.path)
        except Exception as error:
            response = problem(refusal_of(error, log))
        if response.prepared:  # a websocket or a file that has gone already
            return response
        for name, value in (PRIVATE if request.path.startswith("/api/") else SAFE).items():
            response.headers.setdefault(name, value)
        response.headers["X-Request-Id"] = identity
        seconds = time.perf_counter() - started
        route = request.get(ROUTE)
        if route is not None:
            services.counts.requests[route, response.status] += 1
            services.metrics.request.observe(seconds)
            level = logging.WARNING if response.status >= 500 else logging.DEBUG
            log.log(
                level,
                "http",
                extra={"route": route, "status": response.status, "ms": round(seconds * 1e3, 2)},
            )
        return response

    return middleware


def problem(refusal: Refusal, path: str | None = None) -> web.Response:
    """A refusal as application/problem+json."""
    content = problem_of(refusal, path)
    headers = {"Retry-After": "2"} if content.status in (429, 503) else None
    return web.Response(
        body=_JSON.encode(content),
        status=content.status,
        content_type="application/problem+json",
        headers=headers,
    )


def _http_error(error: web.HTTPException) -> web.StreamResponse:
    """aiohttp's own refusals: unknown path, wrong method, body too large."""
    if error.status < 400:
        return error
    if error.status == 413:
        return problem(Refusal("too_large"))
    if error.status == 404:
        return problem(Refusal("not_found", "no such path"))
    response = problem(Refusal("bad_request", error.reason))
    response.set_status(error.status)
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response
