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
