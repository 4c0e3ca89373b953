"""A load offered to drivers by name."""

from typing import Annotated, Literal

from msgspec import Meta

from ..messages import BidderCard, RowId, ShortText
from .common import Form, Phone, View

InvitationSeconds = Annotated[
    int, Meta(ge=300, le=2 * 86400, description="for so long the driver may think about it")
]
DriverCode = Annotated[str, Meta(max_length=9, pattern=r"^[0-9A-Za-z]{4}-?[0-9A-Za-z]{4}(?![\s\S])")]


InvitationStatus = Literal["sent", "accepted", "declined", "expired", "withdrawn", "closed"]


class CandidatesQuery(Form, frozen=True):
    """How many drivers to list."""

    limit: Annotated[int, Meta(ge=1, le=50)] = 20


class Candidate(View, frozen=True):
    """A driver who could take the load now. `deadhead_m`: within so many metres of the pickup, in coarse steps.

    `score` 0..1 adds up from `reasons`: nearness of the empty run, freshness of the position, body, how well the
    load fills the truck, rating, and how long the driver has waited for an offer.
    """

    bidder: BidderCard
    deadhead_m: int
    eta_s: int
    score: float
    reasons: dict[str, float]


class Candidates(View, frozen=True):
    """Best first."""

    drivers: list[Candidate]


class InviteForm(Form, frozen=True):
    """Ask these drivers. Who cannot take the load is left out of the answer."""

    drivers: Annotated[list[RowId], Meta(min_length=1, max_length=20)]
    valid_s: InvitationSeconds = 7200
    note: ShortText = ""


class InviteContactForm(Form, frozen=True):
    """Ask a driver that you know, by phone or by the code that he has told you: one of the two."""

    phone: Phone | None = None
    code: DriverCode | None = None
    valid_s: InvitationSeconds = 7200
    note: ShortText = ""


class InvitationView(View, frozen=True):
    """Somebody who was asked. Of a phone or code that no driver has, it says what it says of a silent one."""

    invitation: int
    order: int
    status: InvitationStatus
    created_at: float
    expires_at: float
    driver: int | None = None  # who was picked from a list
    phone: str | None = None
    code: str | None = None
    note: str = ""
    reason: str = ""  # why it was declined, of DeclineReason


class Invitations(View, frozen=True):
    """Newest first."""

    invitations: list[InvitationView]


class CodeView(View, frozen=True):
    """What a driver tells a shipper who wants to ask for him."""

    code: str
