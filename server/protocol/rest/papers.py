"""Uploads, the papers they are, and what becomes of one's own data: an export, or the end of the account."""

from typing import Annotated, Literal

from msgspec import Meta

from ..messages import STORABLE, RowId, Seconds, Uuid
from .common import Form, View

DocumentKind = Literal[
    "driver_licence",
    "adr_driver",
    "medical",
    "vehicle_registration",
    "trailer_registration",
    "insurance",
    "inspection",
    "adr_vehicle",
    "tir_approval",
    "tir_carnet",
    "cargo_insurance",
    "company_registration",
    "vat_certificate",
    "transport_licence",
    "power_of_attorney",
    "other",
]
DocumentReason = Literal["unreadable", "wrong_kind", "expired", "belongs_to_other", "data_mismatch", "other"]


class UploadedFile(View, frozen=True):
    """A stored file, which something has to refer to within a day or it is deleted.

    Images are stored anew without their metadata, so size and hash are those of what is kept.
    """

    file: int
    mime: str
    size: int
    sha256: str
    width: int | None
    height: int | None
    pages: int | None
    created_at: Seconds


class DocumentForm(Form, frozen=True):
    """Makes an upload a paper: of a vehicle, of the company, or of the sender."""

    file: RowId
    kind: DocumentKind
    number: Annotated[str, Meta(max_length=60, pattern=STORABLE)] = ""
    issued_at: Seconds | None = None
    expires_at: Seconds | None = None
    vehicle: RowId | None = None
    for_company: bool = False


class DocumentView(View, frozen=True):
    """A paper. `state`: pending, approved, or rejected for `reason`. Fetch it at /documents/{document}/file."""

    document: int
    user: int
    vehicle: int | None
    company: int | None
    kind: str
    number: str
    issued_at: float | None
    expires_at: float | None
    mime: str
    size: int
    state: str
    reason: str | None
    created_at: Seconds
    version: int


class Documents(View, frozen=True):
    """One page."""

    documents: list[DocumentView]
    next: int | None = None


class DocumentReview(Form, frozen=True):
    """Staff's word on a paper; a rejection says why."""

    approved: bool
    reason: DocumentReason | None = None


class ExportView(View, frozen=True):
    """An export. `state`: due, running, ready, failed, expired; `progress` in percent."""

    export: int
    state: str
    progress: int
    size: int | None
    created_at: Seconds
    ready_at: float | None
    expires_at: float | None


class Exports(View, frozen=True):
    """The last twenty, newest first."""

    exports: list[ExportView]


class DeletionForm(Form, frozen=True):
    """Proof that it is the owner who asks: a one-time code. Not needed within minutes of a sign-in."""

    request: Uuid | None = None
    code: Annotated[str, Meta(pattern="^[0-9]{6}$", max_length=6)] | None = None


class Deletion(View, frozen=True):
    """Every sign-in has ended. Signing in before `erased_at` keeps the account."""

    erased_at: Seconds
