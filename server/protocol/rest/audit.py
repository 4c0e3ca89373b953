"""The chain over what staff did, as the panel reads and checks it."""

from typing import Annotated, Literal

from msgspec import Meta

from ..messages import STORABLE, RowId, Seconds
from .common import Form, View

AuditBreak = Literal[
    "changed", "missing", "seal_missing", "resealed", "words_gone", "unsealed", "cut", "anchor_forged"
]


class AuditQuery(Form, frozen=True):
    """Any of these narrow the list. `what` is the beginning of an action: `map`, or `map.view`."""

    staff: RowId | None = None
    user: RowId | None = None
    what: Annotated[str, Meta(max_length=32, pattern=STORABLE)] = ""
    since: Seconds | None = None
    until: Seconds | None = None
    before: RowId | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 50


class AuditLine(View, frozen=True):
    """What somebody of the staff did: to whom, why, and codes, ids and figures of it. `seal` is its number in the
    chain and `hash` the link, hexadecimal; a row of the last second has none yet."""

    action: int
    at: Seconds
    staff: int
    what: str
    user: int | None
    reason: str
    detail: dict[str, str]
    seal: int | None
    hash: str | None


class AuditLines(View, frozen=True):
    """One page, newest first."""

    lines: list[AuditLine]
    next: int | None = None


class VerificationQuery(Form, frozen=True):
    """Which stretch of the chain: the `limit` links behind number `after`."""

    after: Annotated[int, Meta(ge=0, le=2**53 - 1)] = 0
    limit: Annotated[int, Meta(ge=1, le=10_000)] = 5000


class AuditFault(View, frozen=True):
    """A break: at which link, of which row; either may be unknown."""

    kind: AuditBreak
    seal: int | None
    action: int | None


class Verification(View, frozen=True):
    """What the check of a stretch found: `broken` breaks, the first hundred of them by name. `head` is the last
    link that was read, `next` where to go on; without it the end of the chain was reached and held against the
    `anchors` heads that are kept outside the database."""

    checked: int
    broken: int
    faults: list[AuditFault]
    head: int
    hash: str
    anchors: int
    next: int | None = None
