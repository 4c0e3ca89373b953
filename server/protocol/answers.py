"""What every answer of the REST API has beside its body, for the OpenAPI document: headers, and the refusals that
follow from a route's form and are therefore said once."""

from .codes import ERRORS, ErrorCode
from .schemas import Json

_NUMBER: Json = {"type": "integer", "minimum": 0}
RESPONSE_HEADERS: dict[str, Json] = {
    "X-Request-Id": {
        "description": "The caller's own id (8 to 64 of A-Z a-z 0-9 . _ -), or one of ours; it is in our log.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{8,64}$"},
        "example": "5f2c9a3b1d7e4f60",
    },
    "RateLimit-Limit": {
        "description": "Tokens that the bucket of this class of routes holds.",
        "schema": _NUMBER,
        "example": 120,
    },
    "RateLimit-Remaining": {"description": "Tokens left.", "schema": _NUMBER, "example": 119},
    "RateLimit-Reset": {
        "description": "Seconds until the bucket is full again.",
        "schema": _NUMBER,
        "example": 1,
    },
    "Retry-After": {
        "description": "Seconds after which the same request may succeed.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 2,
    },
    "ETag": {
        "description": "The version, for If-Match of an edit and If-None-Match of the next read.",
        "schema": {"type": "string", "pattern": '^"[0-9]{1,9}"$'},
        "example": '"7"',
    },
    "Location": {
        "description": "The path of what was made.",
        "schema": {"type": "string"},
        "example": "/api/v1/orders/4711",
    },
    "Link": {
        "description": 'The next page, `rel="next"`; absent on the last.',
        "schema": {"type": "string"},
        "example": '</api/v1/orders?limit=20&before=4711>; rel="next"',
    },
    "Idempotency-Replayed": {
        "description": "`true` when this is the stored answer to an earlier request with the same key.",
        "schema": {"type": "string", "const": "true"},
        "example": "true",
    },
}
ALWAYS = ("X-Request-Id", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")

# The refusals that stand alone under their status on most routes: declared once, referred to.
_SHARED: dict[str, tuple[str, ...]] = {
    "BadRequest": ("bad_request",),
    "Unauthenticated": ("session_revoked", "token_expired", "unauthenticated"),
    "Forbidden": ("forbidden",),
    "NotFound": ("not_found",),
    "TooLarge": ("too_large",),
    "RateLimited": ("rate_limited",),
    "Internal": ("internal",),
    "Unavailable": ("unavailable",),
    "KeyConflict": ("idempotency_conflict",),
    "Stale": ("version_stale",),
    "VersionMissing": ("precondition_required",),
}


def headers(*names: str) -> Json:
    """These response headers, by reference."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*names, *ALWAYS)}


def response_name(errors: list[ErrorCode]) -> str | None:
    """The shared response that says exactly these codes, if there is one."""
    codes = tuple(sorted(error.code for error in errors))
    return next((name for name, group in _SHARED.items() if group == codes), None)


def shared_responses() -> dict[str, list[ErrorCode]]:
    """Every shared response with its codes."""
    return {name: [ERRORS[code] for code in codes] for name, codes in _SHARED.items()}
