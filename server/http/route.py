"""A REST route as data: what is checked before its handler runs and what the OpenAPI document says of it."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from aiohttp import web
from msgspec import Struct

from dispatch.errors import Refusal
from dispatch.rights import Grade
from server.i18n import Lang, negotiate
from server.limits import BUCKETS
from server.protocol.codes import ERRORS

if TYPE_CHECKING:  # both would come back here by way of the handlers
    from server.auth import Principal
    from server.services import Services

B = TypeVar("B", covariant=True)
Q = TypeVar("Q", covariant=True)


class Versioned(NamedTuple):
    """An answer that can be edited: `version` grows with each change and is its ETag.

    `whole` False: the answer also holds what moves by itself (an order's state and truck), so a reader is never
    told that nothing has changed.
    """

    content: Struct
    version: int
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Call(Generic[B, Q]):
    """One request after sign-in and decoding: `body` and `query` are of the types that the route declares."""

    request: web.Request
    services: "Services"
    principal: "Principal | None"
    body: B
    query: Q

    @property
    def caller(self) -> "Principal":
        """Who is signed in; on a public route it refuses a stranger with `unauthenticated`."""
        if self.principal is None:
            raise Refusal("unauthenticated")
        return self.principal

    @property
    def lang(self) -> Lang:
        """The language that the caller reads."""
        return lang_of(self.request)

    @property
    def expected_version(self) -> int:
        """The version that an edit was made from, out of `If-Match: "7"`.

        Refusal `precondition_required` without the header, `version_stale` for a tag that is no version of ours.
        """
        tag = self.request.headers.get("If-Match", "").strip()
        if not tag:
            raise Refusal("precondition_required")
        number = re.fullmatch(r'"([0-9]{1,9})"', tag)
        if number is None:
            raise Refusal("version_stale")
        return int(number[1])

    @property
    def seen_version(self) -> int | None:
        """The version of `If-Match` where the header is the caller's choice: None without it."""
        return self.expected_version if "If-Match" in self.request.headers else None

    def path_id(self, name: str) -> int:
        """The row id in this part of the path; what cannot be an id is `not_found`."""
        number = row_id(self.request.match_info[name])
        if number is None:
            raise Refusal("not_found")
        return number

    def path_uuid(self, name: str) -> UUID:
        """The same for what has no number of a row: invoices, refunds."""
        try:
            return UUID(hex=self.request.match_info[name].replace("-", ""))
        except ValueError:
            raise Refusal("not_found") from None


# The language of the caller's profile, once it is known who calls.
PROFILE_LANG = web.RequestKey("profile_lang", str)


def row_id(text: str) -> int | None:
    """The number of a row, if this can be one; every client can hold it exactly."""
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,15}", text) and int(text) < 2**53 else None


def lang_of(request: web.Request) -> Lang:
    """The language to answer this request in."""
    return negotiate(",".join(request.headers.getall("Accept-Language", ())), request.get(PROFILE_LANG))


STEP_UP_S = 300.0  # so long a second factor is fresh


# Any: the table holds handlers of all body and query types; the adapter decodes by what their Route declares.
Handler = Callable[[Call[Any, Any]], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Route:
    """A handler answers with a Struct of type `response` (with its ETag as `Versioned`), with None (204) or with
    a ready `web.Response`.

    `roles`: None is public, the empty set any signed-in user. `errors` names only what is particular to this
    route: malformed input, missing sign-in, wrong role, limits and faults follow from the other fields.
    `grades` names the staff who may use it: empty is any of them, a superadmin always may. Take them from
    `dispatch.rights.grades`; they narrow the role admin and no other.
    `step_up` asks staff for a second factor of the last five minutes (`POST /auth/step-up`). `also` are answers of
    other forms: (status, type), which the handler makes itself.
    `keyed=False` for a route that asks another company's server between two statements: it is not run in one
    transaction, which would hold locks meanwhile, so it passes over an Idempotency-Key.
    `headers` are request headers that must be there; a route that edits what has a version names `If-Match`.
    `upload`: the handler takes the body itself, as a stream (`server.http.uploads`); `produces` are the media
    types of an answer that is a file.
    `scope` is what a company's API key must have to be taken here; empty, no key is. `cookie`: the refresh
    cookie of a browser counts here.
    `cost` is what a call takes out of the caller's bucket of tokens (server.limits.RateLimits): `bucket` names it,
    by default `read` for GET and `write` for the others.
    `viewable=False` for a GET that staff may not read in a view of somebody's account (server.audit.as_user); what
    is no GET they never may.
    `path` is aiohttp's form, `/api/v1/orders/{order}`. `location` is the path of what a POST has made, with
    fields of the answer in braces; it becomes the header Location.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    tag: str
    request: type | None = None
    query: type | None = None
    response: type | None = None
    status: int = 200
    roles: frozenset[str] | None = frozenset()
    errors: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    location: str = ""
    scope: str = ""
    cookie: bool = False
    bucket: str = ""
    cost: int = 1
    grades: frozenset[str] = frozenset()
    upload: bool = False
    produces: tuple[str, ...] = ()
    step_up: bool = False
    also: tuple[tuple[int, type], ...] = ()
    keyed: bool = True
    viewable: bool = True

    @property
    def bucket_name(self) -> str:
        """The class of its bucket."""
        return self.bucket or ("read" if self.method == "GET" else "write")

    @property
    def versioned(self) -> bool:
        """Whether the answer has an ETag."""
        return self.handler.__annotations__.get("return") is Versioned

    @property
    def page_parameter(self) -> str:
        """What the `next` of a page goes into for the page behind it; empty where nothing is paged."""
        fields = getattr(self.query, "__struct_fields__", ())
        return next((name for name in ("after", "before") if name in fields), "")

    def __post_init__(self) -> None:
        if self.bucket_name not in BUCKETS:
            raise ValueError(f"{self.method} {self.path}: no such bucket: {self.bucket}")
        if not self.grades <= frozenset(Grade):
            raise ValueError(f"{self.method} {self.path}: no such grades: {sorted(self.grades)}")
        if self.grades and "admin" not in (self.roles or ()):
            raise ValueError(f"{self.method} {self.path}: grades are of admins, which may not use it")
        if self.step_up and self.roles != frozenset({"admin"}):
            raise ValueError(f"{self.method} {self.path}: only staff have a second factor to show")
        unknown = [code for code in self.errors if code not in ERRORS]
        if unknown:
            raise ValueError(f"{self.method} {self.path}: no such error codes: {', '.join(unknown)}")
        if (self.response is None and not self.produces) != (self.status in (204, 303)):
            raise ValueError(f"{self.method} {self.path}: 204 or 303 and no response type go together")
        if self.upload and self.request is not None:
            raise ValueError(f"{self.method} {self.path}: an upload has no other body")
