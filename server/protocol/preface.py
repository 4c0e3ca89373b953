"""What the REST API's reference says in words, and once for all routes: tags, request headers, sign-in schemes."""

from .schemas import Json

TAGS = {
    "auth": "Signing in by phone, staying signed in, signing out.",
    "identity": "Signing in by phone, staying signed in, signing out, the own profile.",
    "devices": "Phones and trackers that positions come from.",
    "push": "Where a user can be pushed to.",
    "notices": "What users are told: the inbox, by which channels and when, and how it went.",
    "administration": "For operators: what happens on the whole desk.",
    "account": "Who is signed in: profile, vehicle, devices, push.",
    "vehicles": "Trucks of drivers and fleets.",
    "companies": "Companies, their people, and invitations.",
    "fleet": "A company's drivers, and the fleet that a driver is in.",
    "papers": "Uploads, and the papers of people, vehicles and companies.",
    "audit": "What staff did and looked at, chained so that nothing of it changes unnoticed.",
    "own data": "An export of everything, and the end of the account.",
    "places": "Cities and quotes.",
    "orders": "Posting loads and following them.",
    "payments": "What shippers owe drivers for hauls, and what both say of it; the platform moves none of it.",
    "loyalty": "Bringing others, and what it is worth.",
    "trips": "What the stream of positions says of an order on its way: arrivals, waiting, the way driven.",
    "cabinet": "Past hauls and offers, earnings by period, and tables of them.",
    "offers": "Loads offered to a driver.",
    "sharing": "What drivers share of where they are, public links to one order, and who looked.",
    "board": "Loads open to every subscribed driver.",
    "subscription": "Plans, until when you may work, and how that is paid.",
    "money": "For finance: payments, refunds, transfers, what acquirers said, the books, figures of the business.",
    "admin": "For operators.",
    "integrations": "API keys and webhooks, for a company's own programs.",
    "texts": "What people call the words of this API, in four languages.",
}
HEADERS: dict[str, Json] = {
    "If-Match": {
        "description": "The ETag of what is edited, as the last answer gave it.",
        "schema": {"type": "string", "maxLength": 20},
        "example": '"7"',
    },
    "If-None-Match": {
        "description": "The ETag of what you have: unchanged, it is answered 304 without a body.",
        "schema": {"type": "string"},
        "example": '"7"',
    },
    "Idempotency-Key": {
        "description": "Chosen by the client; the same key gets the same answer for a day.",
        "schema": {"type": "string", "pattern": "^[ -~]+$", "maxLength": 80},
        "example": "0d1f6b1e-erp-4711",
    },
}
# What stands in a path: the number of a row, but for sign-ins, which have none.
ROW_ID: Json = {"type": "integer", "minimum": 1, "maximum": 2**53 - 1}
UUID_TEXT: Json = {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
LINK_SECRET: Json = {"type": "string", "pattern": "^[A-Za-z0-9_-]{22}$"}
# What a part of a path is that is no row's number.
PATH_TEXTS: dict[str, Json] = {
    "session": UUID_TEXT,
    "token": LINK_SECRET,
    "slug": {"type": "string", "pattern": "^[a-z0-9-]{1,64}$"},
    "dictionary": {"type": "string", "pattern": "^[A-Za-z]{1,32}$"},
    "happening": {"type": "string", "pattern": "^[a-z]{1,16}\\.[a-z]{1,16}$"},
    "report": {"type": "string", "pattern": "^[a-z_]{1,32}$"},
    "list": {"type": "string", "pattern": "^[a-z_]{1,32}$"},
    "code": {"type": "string", "pattern": "^[A-Za-z0-9]{10}$"},
    "invoice": UUID_TEXT,
    "refund": UUID_TEXT,
    "table": {"type": "string", "pattern": "^[a-z_]{1,32}$"},
    "plan": {"type": "string", "pattern": "^[a-z]+(-[a-z0-9]+)+$", "maxLength": 32},
    "word": {"type": "string", "pattern": "^[a-z0-9_.]{1,32}$"},
}
# The file itself, or a form with one part of that name. What it is, its content says.
UPLOAD: dict[str, Json] = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
            "required": ["file"],
        }
    },
    "application/octet-stream": {},
}
PROSE = """\
Bodies are JSON. Times are seconds since the epoch (UTC), distances metres, speeds m/s, weights kg, volumes
m3, money minor units of an ISO currency. An error is a problem document (RFC 9457) whose `code` is stable;
its `title` and `detail` are for people. Unknown fields of a request are refused.

**Keys.** Any signed-in request that changes something may carry `Idempotency-Key`, some must. The request is
carried out once; sent again with the same key it gets the stored answer, with `Idempotency-Replayed: true`,
for a day. The same key with another request is `idempotency_conflict`. A refused request leaves its key free.

**Versions.** What can be edited has an `ETag`. Send it back in `If-Match` with the edit: `version_stale` (412)
says that somebody else was faster, `precondition_required` (428) that the header is missing.

**Pages.** A list ends with `next`, which goes into `after` (or `before`, where it is an id) for the next page;
the header `Link` has the whole address. Pages do not shift when rows come or go.

**Limits.** Each caller has a bucket of tokens a class of routes; `RateLimit-Limit`, `RateLimit-Remaining` and
`RateLimit-Reset` (draft-ietf-httpapi-ratelimit-headers-07) tell its size, what is left, and the seconds until it
is full. Empty, it is `rate_limited` (429) with `Retry-After`.

**Languages.** `Accept-Language` (ru, kk, en, zh) chooses the language of sentences; `code` stays as it is.

**Programs of a company** use an API key instead of a sign-in, as `Authorization: Bearer tdk_...` or as
`X-Api-Key`; a route that takes keys names the scope that the key must have.

An access token lives 15 minutes and goes into `Authorization: Bearer`. Clients with `X-Desk-Client: web`
get the refresh token as an HttpOnly cookie and never in a body. The realtime half of the API is [the
websocket](/docs/socket/).
"""


SCHEMES: dict[str, Json] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token; or a company's API key where `apiKey` is also named.",
    },
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Api-Key",
        "description": "A company's API key, `tdk_...`. The scope that it needs stands in `x-scope`.",
    },
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "desk_refresh",
        "description": "The refresh token of a browser, set by the server; counts only with `X-Desk-Client: web`.",
    },
}
