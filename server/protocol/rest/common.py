"""What bodies are made of: bases, vocabularies, pages, problems."""

from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from ..messages import STORABLE, RowId

Body = Literal["tent", "reefer", "isotherm", "flatbed", "container", "tipper", "tank", "lowboy", "van"]
Role = Literal["driver", "logistician", "shipper", "admin"]
UserRole = Literal["driver", "logistician", "shipper"]  # what anybody may become by signing up
Grade = Literal["support", "moderator", "finance", "superadmin"]  # of staff, whose role is admin
Lang = Literal["ru", "kk", "en", "zh"]
Phone = Annotated[
    str, Meta(min_length=5, max_length=32, description="Any usual form; +7, 8 7xx and 7xx are Kazakhstan.")
]
WeightKg = Annotated[float, Meta(ge=0.001, le=100_000)]
VolumeM3 = Annotated[float, Meta(ge=0, le=500)]
BodyVolumeM3 = Annotated[float, Meta(ge=0.001, le=500)]  # of a truck, which has one
Side = Literal["rear", "side", "top", "full"]  # how a body is loaded; full: it opens on all sides
AdrClass = Literal[
    "1", "2.1", "2.2", "2.3", "3", "4.1", "4.2", "4.3", "5.1", "5.2", "6.1", "6.2", "7", "8", "9"
]  # fmt: skip
CargoKind = Literal[
    "general", "vegetables", "grain", "food", "drinks", "meat", "consumer", "textiles", "electronics",
    "household", "construction", "metal", "machinery", "auto_parts", "furniture", "fertilizer", "chemicals",
    "fuel", "timber", "groupage",
]  # fmt: skip
CargoDocument = Literal[
    "cmr", "tir", "ex1", "t1", "waybill", "phyto", "veterinary", "quality", "origin", "invoice",
    "packing_list", "insurance", "adr", "msds",
]  # fmt: skip
StopKind = Literal["pickup", "drop"]
PricingKind = Literal["fixed", "negotiable", "bids"]
PaymentMethod = Literal["transfer", "cash", "card"]
PaymentWhen = Literal["on_loading", "on_delivery", "deferred"]
OrderStatus = Literal[
    "draft", "moderation", "open", "assigned", "at_pickup", "loaded", "in_transit", "at_drop", "delivered",
    "closed", "cancelled", "expired", "disputed",
]  # fmt: skip
# A shipper, a driver and staff may each say some of these: dispatch.cancelling.
CancelReason = Literal[
    "plans_changed", "cargo_not_ready", "sold_elsewhere", "price", "driver_late", "mistake", "breakdown",
    "accident", "delayed", "cargo_differs", "times_changed", "personal", "no_contact", "asked_by_shipper",
    "asked_by_driver", "fraud", "forbidden_cargo", "duplicate", "other",
]  # fmt: skip
Fault = Literal["nobody", "shipper", "driver"]
DisputeReason = Literal[
    "damage", "shortage", "delay", "payment", "wait_unpaid", "cargo_differs", "no_show", "no_contact", "fraud",
    "other",
]  # fmt: skip
# Why a load is looked at, and why it was turned down.
Suspicion = Literal[
    "contacts", "forbidden", "price_low", "price_high", "adr_papers", "rejected_before", "new_account", "duplicate"
]  # fmt: skip
RejectReason = Literal[
    "contacts", "forbidden_cargo", "price", "adr_papers", "unclear", "duplicate", "fraud", "other"
]
CaseKind = Literal["held", "flag", "appeal"]
Verdict = Literal["approve", "reject"]
CaseState = Literal["waiting", "approved", "rejected", "dropped"]
AttachmentKind = Literal["photo", "paper"]
LongText = Annotated[str, Meta(max_length=1000, pattern=STORABLE)]
Amount = Annotated[int, Meta(ge=1, le=10**12, description="minor units of KZT")]
Country = Annotated[str, Meta(pattern="^[A-Z]{2}$", max_length=2, description="ISO 3166-1 alpha-2.")]
# Its end is said so because `$` also matches before a last newline.
_ADDRESS = r"[^@\s\u0000]{1,64}@([A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}"
Email = Annotated[str, Meta(pattern=rf"^({_ADDRESS})?(?![\s\S])", max_length=254)]
Mailbox = Annotated[str, Meta(pattern=rf"^{_ADDRESS}(?![\s\S])", max_length=254)]
Name = Annotated[str, Meta(max_length=120, pattern=STORABLE)]


NOTHING = 1e-9  # of any unit


class Form(Struct, frozen=True, forbid_unknown_fields=True):
    """A request body: unknown fields are refused, so that nothing is sent in vain."""

    def __post_init__(self) -> None:
        """5e-324 degrees are none: PostgreSQL's real, which the board counts in, refuses what it cannot hold."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if type(value) is float and 0 < abs(value) < NOTHING:
                force_setattr(self, name, 0.0)


class View(Struct, frozen=True):
    """An answer body."""


# `next` of one page is `after` of the following one; what is in it is the server's own affair.
CursorText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=400,
        pattern=r"^[A-Za-z0-9_-]+(?![\s\S])",
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
