"""Whom users bring, what it is worth, and what staff say of it."""

from typing import Annotated, Literal

from msgspec import Meta

from ..messages import STORABLE, RowId, Seconds
from .common import Form, UserRole, Verdict, View

BonusKind = Literal["referral", "rating"]
BonusLack = Literal["orders", "rating", "time"]
ReferralStep = Literal["registered", "confirmed", "subscribed"]
ReferralStanding = Literal["standing", "held", "refused"]
ReferralSignal = Literal[
    "own_device", "other_device", "same_program", "same_phone", "many_sign_ups", "same_card"
]
ReferralList = Literal["waiting", "standing", "held", "refused"]
Days = Annotated[int, Meta(ge=1, le=3650)]
LoyaltyNote = Annotated[str, Meta(max_length=500, pattern=STORABLE)]


class ReferralView(View, frozen=True):
    """What the user passes on. The link leads to the page of `GET /referrals/{code}`."""

    code: str
    link: str


class ReferralPage(View, frozen=True):
    """Who invites: a first name and a role, no more."""

    code: str
    name: str
    role: str


class InviteeView(View, frozen=True):
    """Somebody who was brought, as who has brought them may know them. `name` is a first letter. `step`: the
    account is there, its owner has said who he is, or he is a paying user. `counts`: null while staff look at
    it."""

    name: str
    role: UserRole
    day: str  # of the sign-up, UTC
    step: ReferralStep
    counts: bool | None


class ReferralProgress(View, frozen=True):
    """For every `threshold` shippers who have confirmed their account and pay, a driver gets `reward_days`.
    `counting` do so, `missing` more are needed for the next reward; `granted` rewards stand. `rewarded`: whether
    the caller is one of those who are rewarded."""

    rewarded: bool
    threshold: int
    reward_days: int
    counting: int
    missing: int
    granted: int


class ReferralsView(View, frozen=True):
    """Whom the caller has brought, the newest first, and how far that is. `next` goes into `before`."""

    progress: ReferralProgress
    invitees: list[InviteeView]
    next: int | None


class ReferralsQuery(Form, frozen=True):
    """The newest first."""

    before: RowId | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class ReferralCaseQuery(Form, frozen=True):
    """Oldest first: those that staff should look at, or those that are in a state."""

    state: ReferralList = "waiting"
    after: RowId | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class ReferralCaseView(View, frozen=True):
    """A sign-up by a code, before staff. `brought`: how many its inviter has brought in all."""

    referral: int
    invitee: int
    invitee_name: str
    role: str
    inviter: int
    inviter_name: str
    at: Seconds
    state: ReferralStanding
    signals: list[ReferralSignal]
    waiting: bool
    brought: int
    decided_by: int | None
    decided_at: Seconds | None
    note: str


class ReferralCases(View, frozen=True):
    """`next` goes into `after` for the next page."""

    referrals: list[ReferralCaseView]
    next: int | None = None


class ReferralDecision(Form, frozen=True):
    """Whether it counts. What was rejected never counts again."""

    verdict: Verdict
    note: LoyaltyNote = ""


class LoyaltyForm(Form, frozen=True):
    """What loyalty is worth from now on; what was given stays. A driver gets `referral_days` for every
    `referral_threshold` shippers; `rating_days` for a mean of `rating_hundredths` (480: 4.8 stars) over
    `rating_orders` or more, once in `rating_period_days`; the price of the trial stays for who pays again within
    `lock_grace_days`."""

    referral_threshold: Annotated[int, Meta(ge=1, le=100)]
    referral_days: Days
    rating_hundredths: Annotated[int, Meta(ge=100, le=500)]
    rating_orders: Annotated[int, Meta(ge=1, le=1000)]
    rating_period_days: Days
    rating_days: Days
    lock_grace_days: Annotated[int, Meta(ge=0, le=3650)]
    note: LoyaltyNote = ""


class LoyaltyView(View, frozen=True):
    """One version of what loyalty is worth; version 0 is what is so until staff set something."""

    version: int
    valid_from: Seconds
    referral_threshold: int
    referral_days: int
    rating_hundredths: int
    rating_orders: int
    rating_period_days: int
    rating_days: int
    lock_grace_days: int
    note: str
    set_by: int | None
    set_at: Seconds


class LoyaltyQuery(Form, frozen=True):
    """The newest first."""

    before: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class LoyaltyVersions(View, frozen=True):
    """`next` goes into `before` for the next page."""

    versions: list[LoyaltyView]
    next: int | None = None


class BonusView(View, frozen=True):
    """Free days that loyalty gave, or (`back`) took back with what they were for."""

    kind: BonusKind
    at: float
    days: int
    back: bool


class RatingLack(View, frozen=True):
    """One thing that is missing for the month of a high rating: how much there is of how much. `rating` in
    hundredths of a star, `time` in epoch seconds."""

    lack: BonusLack
    has: float
    needs: float


class BonusesView(View, frozen=True):
    """What loyalty has given, newest first; for drivers also what is missing for the month of a high rating
    (empty: it comes within the hour) and how long that month is."""

    given: list[BonusView]
    rating_missing: list[RatingLack] | None
    rating_days: int
