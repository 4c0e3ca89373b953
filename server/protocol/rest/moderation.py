"""Loads that staff should look at, and what they say."""

from typing import Annotated

from msgspec import Meta, field

from ..messages import OrderState, RowId, Seconds
from .common import CaseKind, CaseState, Form, LongText, RejectReason, Suspicion, Verdict, View


class CaseQuery(Form, frozen=True):
    """Oldest first. `late`: only those whose time is over."""

    state: CaseState = "waiting"
    kind: CaseKind | None = None
    late: bool = False
    after: RowId | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class CaseView(View, frozen=True):
    """One load before staff: held until they decide, flagged while it is on the board, or appealed."""

    case: int
    order: OrderState
    shipper: int
    kind: CaseKind
    state: CaseState
    grounds: list[Suspicion]
    alike: int | None  # the order that looks the same
    appeal: str
    created_at: Seconds
    due_at: Seconds
    claimed_by: int | None
    claimed_at: Seconds | None
    decided_by: int | None
    decided_at: Seconds | None
    reasons: list[RejectReason]
    note: str


class CasePage(View, frozen=True):
    """`next` goes into `after` for the next page."""

    cases: list[CaseView]
    next: int | None = None


class ApproveForm(Form, frozen=True):
    """The load may go out."""

    note: LongText = ""


class RejectForm(Form, frozen=True):
    """Why not: the shipper reads both."""

    reasons: Annotated[list[RejectReason], Meta(min_length=1, max_length=8)]
    note: LongText = ""


class DecisionForm(Form, frozen=True):
    """One case of many."""

    case: RowId
    verdict: Verdict
    reasons: Annotated[list[RejectReason], Meta(max_length=8)] = field(default_factory=list)
    note: LongText = ""


class DecisionsForm(Form, frozen=True):
    """Many cases at once; each is decided by itself."""

    decisions: Annotated[list[DecisionForm], Meta(min_length=1, max_length=100)]


class Decided(View, frozen=True):
    """What came of one of them: the code of its refusal, none when it was carried out."""

    case: int
    refused: str | None = None


class Decisions(View, frozen=True):
    """In the order of the request."""

    decisions: list[Decided]
