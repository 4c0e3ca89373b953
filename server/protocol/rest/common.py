"""What bodies are made of: bases, vocabularies, pages, problems."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from ..messages import RowId

Body = Literal["tent", "reefer", "isotherm", "flatbed", "container", "tipper", "tank", "lowboy", "van"]
Role = Literal["driver", "logistician", "shipper", "admin"]
UserRole = Literal["driver", "logistician", "shipper"]  # what anybody may become by signing up
Grade = Literal["support", "moderator", "finance", "superadmin"]  # of staff, whose role is admin
Lang = Literal["ru", "kk", "en", "zh"]
Phone = Annotated[
    str, Meta(min_length=5, max_length=32, description="Any usual form; +7, 8 7xx and 7xx are Kazakhstan.")
]
WeightKg = Annotated[float, Meta(gt=0, le=100_000)]
VolumeM3 = Annotated[float, Meta(ge=0, le=500)]


class Form(Struct, frozen=True, forbid_unknown_fields=True):
    """A request body: unknown fields are refused, so that nothing is sent in vain."""


class View(Struct, frozen=True):
    """An answer body."""


# `next` of one page is `after` of the following one; what is in it is the server's own affair.
CursorText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=400,
        pattern="^[A-Za-z0-9_-]+$",
        description="`next` of the page before; opaque, and of this list in this order only.",
    ),
]


class PageQuery(Form, frozen=True):
    """Keyset page."""

    before: RowId | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class Problem(View, frozen=True):
    """RFC 9457 problem details with our stable `code`."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    retry: bool
    path: str | None = None
    request: str | None = None  # the answer's X-Request-Id, to be quoted to support
