"""Runs a Route: who asks, what was asked, handler, answer. Every error leaves here as problem JSON."""

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from dispatch.errors import Refusal
from server.audit.as_user import without_numbers
from server.auth import Principal, Viewing
from server.errors import problem_of, refusal_of
from server.log import CONNECTION, ORDER, PRINCIPAL
from server.services import Services

from .admit import admit, rate_headers
from .decode import BadField, body_of, query_of
from .once import KEY_HEADER
from .peer import PEER, peer_address
from .route import Call, Route, Versioned, lang_of, row_id

log = logging.getLogger("desk.http")

MAX_BODY = 64 * 1024
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_JSON = msgspec.json.Encoder()
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
ROUTE = web.RequestKey("route", str)
# A caller's own id of a request is taken if it can do no harm in a log.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

# Every answer: the API is data for programs, and the page's own rules stand in web.py.
SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
PRIVATE = {**SAFE, "Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


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
        ORDER.set(row_id(request.match_info.get("order", "")))
        principal = await admit(route, request, services)
        for header in route.headers:
            if header == "If-Match":
                continue  # Call.expected_version answers for it, with a code of its own
            if not request.headers.get(header):
                raise BadField("the header {header} is required", None, header=header)
        body = await body_of(request, body_decoder)
        query = None if route.query is None else query_of(request.query, route.query)
        call = Call(request, services, principal, body, query)

        async def answer() -> web.StreamResponse:
            return _answer(route, request, await route.handler(call))

        if principal is not None and principal.viewing is not None:
            return await _viewed(route, call, principal, principal.viewing, answer)
        keyed = route.keyed and request.method not in SAFE_METHODS and KEY_HEADER in request.headers
        if principal is None or not keyed:
            return await answer()
        return await services.once.run(request, principal.user, body, answer)

    return run


async def _viewed(
    route: Route,
    call: Call[object, object],
    principal: Principal,
    viewing: Viewing,
    answer: Callable[[], Awaitable[web.StreamResponse]],
) -> web.StreamResponse:
    """The answer to staff who look as the user: written down first, read only, and what their grade may see."""
    services, request = call.services, call.request
    grade = await services.as_user.admit(
        principal, viewing, f"{route.method} {route.path}", request.path, bool(route.produces)
    )
    response = await services.as_user.read_only(answer)
    if isinstance(response, web.Response) and isinstance(response.body, bytes):
        response.body = without_numbers(response.body, grade)
    response.headers["X-Viewed-By"] = str(viewing.staff)
    return response


def _answer(route: Route, request: web.Request, result: object) -> web.StreamResponse:
    """What a handler returned, as HTTP."""
    if isinstance(result, web.StreamResponse):
        return result
    if result is None:
        return web.Response(status=204)
    headers = {}
    if isinstance(result, Versioned):
        headers["ETag"] = f'"{result.version}"'
        same = request.method == "GET" and request.headers.get("If-None-Match") == headers["ETag"]
        if same and result.whole:
            return web.Response(status=304, headers=headers)
        result = result.content
    if route.location and isinstance(result, msgspec.Struct):
        headers["Location"] = route.location.format_map(msgspec.structs.asdict(result))
    if route.page_parameter and (following := getattr(result, "next", None)) is not None:
        headers["Link"] = f'<{request.rel_url.update_query({route.page_parameter: following})}>; rel="next"'
    return web.Response(
        body=_JSON.encode(result), status=route.status, content_type="application/json", headers=headers
    )


def edge(services: Services) -> Callable[..., Awaitable[web.StreamResponse]]:
    """The outermost middleware: request id, other sites kept out, problem JSON, headers, one log line."""
    trusted = services.config.trusted_proxies

    @web.middleware
    async def middleware(request: web.Request, handler: Answer) -> web.StreamResponse:
        started = time.perf_counter()
        given = request.headers.get("X-Request-Id", "")
        identity = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        CONNECTION.set(identity)
        PRINCIPAL.set(None)
        request[PEER] = peer_address(request, trusted)
        is_api = request.path.startswith("/api/")
        try:
            if is_api:
                services.origins.check_request(request)
                response = services.origins.preflight(request) or await handler(request)
            else:
                response = await handler(request)
        except web.HTTPException as error:
            response = _http_error(error, request)
        except asyncio.CancelledError:
            raise
        except BadField as error:
            response = problem(error, request, error.path)
        except Exception as error:
            response = problem(refusal_of(error, log), request)
        if response.prepared:  # a websocket or a file that has gone already
            return response
        headers = response.headers
        for name, value in (PRIVATE if is_api else SAFE).items():
            headers.setdefault(name, value)
        headers["X-Request-Id"] = identity
        if is_api:
            headers.setdefault("Content-Language", lang_of(request))
            headers["Vary"] = "Origin, Accept-Language"
            headers.update(rate_headers(request))
            services.origins.mark(request, response)
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


def problem(refusal: Refusal, request: web.Request, path: str | None = None) -> web.Response:
    """A refusal as application/problem+json, in the caller's language."""
    lang = lang_of(request)
    content = problem_of(refusal, path, lang, request=CONNECTION.get())
    headers: dict[str, str] = {"Content-Language": lang}
    if content.status in (429, 503):
        wait = refusal.values.get("wait", 2)
        headers["Retry-After"] = str(max(1, -int(-float(str(wait)) // 1)))
    return web.Response(
        body=_JSON.encode(content),
        status=content.status,
        content_type="application/problem+json",
        headers=headers,
    )


def _http_error(error: web.HTTPException, request: web.Request) -> web.StreamResponse:
    """aiohttp's own refusals: unknown path, wrong method, body too large."""
    if error.status < 400:
        return error
    if error.status == 413:
        return problem(Refusal("too_large"), request)
    if error.status == 404:
        return problem(Refusal("not_found", "no such path"), request)
    if error.status == 405:
        response = problem(Refusal("method_not_allowed"), request)
        response.headers["Allow"] = error.headers["Allow"]
        return response
    return problem(Refusal("bad_request", error.reason), request)
