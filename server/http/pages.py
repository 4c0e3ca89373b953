"""Keyset pages: where the next page begins, as an opaque text that only this service can have made sensible.

A list that is ordered by more than an id has one cursor type a sort, holding the sort key of a row:

    class ByPrice(Cursor):
        per_km: float
        order: RowId

The handler writes `next=cursor_of(ByPrice(last.per_km, last.id))` into its answer, has `after: CursorText` in its
query and reads it with `read_cursor(query.after, ByPrice)`. The statement compares the whole key,
`(per_km, id) < ($1, $2)`, so a page costs the same however deep it is, and rows that come meanwhile shift nothing.

An answer with a field `next` that is not None also gets the header `Link: <...>; rel="next"`, by the edge.
Cursors are checked, not signed: a forged one names a place in a list that the caller may read anyway.
"""

import base64
import binascii
import math
from typing import TypeVar

import msgspec

from .decode import BadField


class Cursor(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The sort key of the last row of a page. Its name is part of it: another sort's cursor is refused."""


C = TypeVar("C", bound=Cursor)


def cursor_of(last: Cursor) -> str:
    """The text that stands for the page behind this row."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(last)).rstrip(b"=").decode()


def read_cursor(text: str, kind: type[C]) -> C:
    """The sort key to go on behind; what was not made by `cursor_of` for this list is `bad_request`."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        found = msgspec.msgpack.decode(raw, type=kind)
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        raise BadField("not a cursor of this list", "after") from None
    if any(isinstance(part, float) and not math.isfinite(part) for part in msgspec.structs.astuple(found)):
        raise BadField("not a cursor of this list", "after")
    return found
