"""Which pages may talk to us: the CORS list, the websocket's Origin check, and what keeps other sites out.

Origins are compared as whole strings with a list, never parsed and never reflected: a browser writes an origin
in exactly one way.
"""

import ipaddress
from collections.abc import Iterable

from aiohttp import web

from dispatch.errors import Refusal

COOKIE = "desk_refresh"

# What a page of another origin may send and read. Not X-Desk-Client: it is what makes the cookie count, and
# apps carry their tokens themselves.
_SENT = "Authorization, Content-Type, Accept-Language, Idempotency-Key, If-Match, If-None-Match, X-Request-Id"
_READ = (
    "ETag, Location, Link, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, X-Request-Id, "
    "Idempotency-Replayed, Content-Language, Content-Disposition"
)
_METHODS = "GET, POST, PUT, PATCH, DELETE"
_PREFLIGHT_S = 7200  # the longest that Chromium honours
_OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")
# What a form, or a script without asking beforehand, can make a browser send.
_FORMS = frozenset({"text/plain", "application/x-www-form-urlencoded", "multipart/form-data"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Where another site's page must send a form to: Apple answers so. It reads no cookie, and what it does is for
# whoever began with the state that it names.
FOREIGN = frozenset({"/api/v1/auth/apple/callback"})


class Origins:
    """The list of this deployment."""

    def __init__(self, public_url: str, listed: Iterable[str]) -> None:
        self.listed = frozenset((public_url, *listed))

    def allows(self, origin: str, host: str) -> bool:
        """Whether a page of this origin may talk to us, that has reached us as `host`.

        A page that we served ourselves under another address than the public one counts, if that address is a
        number or localhost: a name could be made to point at us by a stranger (DNS rebinding).
        """
        if origin in self.listed:
            return True
        return origin in (f"http://{host}", f"https://{host}") and _is_fixed(host)

    def check_socket(self, request: web.Request) -> None:
        """Browsers say where a page is from: only known pages may connect. Programs send no Origin."""
        origin = request.headers.get("Origin")
        if origin is not None and not self.allows(origin, request.host):
            raise Refusal("forbidden", "this page may not connect")

    def check_request(self, request: web.Request) -> None:
        """Refuses what another site's page makes a browser send (CSRF), whether or not it carries the cookie.

        Tokens in a header cannot be sent by a stranger's page; the refresh cookie is also SameSite=Strict, of
        one path, and counts only beside X-Desk-Client. These are the lines before those.
        """
        headers = request.headers
        for name in _OVERRIDES:
            if name in headers:
                raise Refusal("forbidden", "the method of a request is its method")
        if request.method in _SAFE or request.path in FOREIGN:
            return
        origin = headers.get("Origin")
        if origin is not None:
            if not self.allows(origin, request.host):
                raise Refusal("forbidden", "this page may not send requests")
        elif headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise Refusal("forbidden", "this page may not send requests")
        if "Cookie" in headers and COOKIE in request.cookies:
            if request.content_type in _FORMS:
                raise Refusal("forbidden", "beside a cookie only JSON counts")
            if origin is not None and headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
                raise Refusal("forbidden", "the cookie is for our own pages")

    def preflight(self, request: web.Request) -> web.Response | None:
        """The answer to a browser's question beforehand; None when this is no such question."""
        if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers:
            return None
        if request.headers.get("Origin") not in self.listed:
            raise Refusal("forbidden", "this page may not send requests")
        return web.Response(
            status=204,
            headers={
                "Access-Control-Allow-Methods": _METHODS,
                "Access-Control-Allow-Headers": _SENT,
                "Access-Control-Max-Age": str(_PREFLIGHT_S),
            },
        )

    def mark(self, request: web.Request, response: web.StreamResponse) -> None:
        """Lets the page read the answer, if it is of the list."""
        origin = request.headers.get("Origin")
        if origin in self.listed:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = _READ


def _is_fixed(host: str) -> bool:
    """Whether nobody else can make this name point at us."""
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    if name == "localhost":
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
