"""Companies, their people, and invitations."""

from typing import Annotated, Literal

from msgspec import Meta

from ..messages import STORABLE, Seconds
from .common import Country, Email, Form, Name, PageQuery, Phone, View
from .remittance import PaymentRecord

LegalName = Annotated[str, Meta(min_length=1, max_length=200, pattern=STORABLE)]
BusinessNumber = Annotated[
    str,
    Meta(min_length=5, max_length=30, pattern=STORABLE, description="In Kazakhstan the BIN: twelve digits."),
]
Address = Annotated[str, Meta(max_length=300, pattern=STORABLE)]
CompanyState = Literal["unverified", "pending", "verified", "rejected"]
CompanyReason = Literal["bin_not_found", "name_mismatch", "documents_missing", "suspicious", "other"]
Joins = Literal["owner", "manager", "driver"]
MemberRole = Literal["owner", "manager"]


class CompanyForm(Form, frozen=True):
    """A company of one's own."""

    legal_name: LegalName
    bin: BusinessNumber
    country: Country = "KZ"
    address: Address = ""
    vat_payer: bool = False
    contact_name: Name = ""
    contact_phone: Phone | None = None
    contact_email: Email = ""


class CompanyPatch(Form, frozen=True):
    """What is left out stays. Another name, country or number has to be verified again; "" clears a text."""

    legal_name: LegalName | None = None
    bin: BusinessNumber | None = None
    country: Country | None = None
    address: Address | None = None
    vat_payer: bool | None = None
    contact_name: Name | None = None
    contact_phone: Annotated[str, Meta(max_length=32)] | None = None
    contact_email: Email | None = None


class OwnCompany(View, frozen=True):
    """A company as its members (and staff) see it. `role`: the reader's own."""

    company: int
    legal_name: str
    bin: str
    country: str
    address: str
    vat_payer: bool
    contact_name: str
    contact_phone: str | None
    contact_email: str | None
    state: str
    reason: str | None
    role: str | None
    since: Seconds
    version: int


class CompanyCard(View, frozen=True):
    """A company as anybody sees it. `rating` is the plain mean of `hauls` rated hauls, null of none; `payments`:
    how its people pay."""

    company: int
    legal_name: str
    country: str
    verified: bool
    since: Seconds
    rating: float | None
    hauls: int
    payments: PaymentRecord


class Companies(View, frozen=True):
    """One page for staff."""

    companies: list[OwnCompany]
    next: int | None = None


class CompanyQuery(PageQuery, frozen=True):
    """Companies in one state, or all."""

    state: CompanyState | None = None


class CompanyDecision(Form, frozen=True):
    """Staff's decision; a rejection says why."""

    verified: bool
    reason: CompanyReason | None = None


class MemberView(View, frozen=True):
    """Somebody of the company."""

    user: int
    name: str
    phone: str
    role: str
    joined_at: Seconds


class Members(View, frozen=True):
    """Everybody in the company."""

    members: list[MemberView]


class MemberForm(Form, frozen=True):
    """A member's place."""

    role: MemberRole


class CompanyInvitationForm(Form, frozen=True):
    """Invites a phone number, whether or not it has an account."""

    phone: Phone
    joins: Joins


class CompanyInvitation(View, frozen=True):
    """An open invitation. The invited sees who invites; the company sees which number."""

    invitation: int
    company: int
    legal_name: str
    phone: str
    joins: str
    created_at: Seconds
    expires_at: Seconds


class CompanyInvitations(View, frozen=True):
    """Open invitations, newest first."""

    invitations: list[CompanyInvitation]


class JoinForm(Form, frozen=True):
    """Says yes. `share_position`: a driver lets the fleet see where they are."""

    share_position: bool = False
