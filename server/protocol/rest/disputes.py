"""Hauls that went wrong, between their two sides and before staff."""

from typing import Annotated, Literal

from msgspec import Meta, field

from ..messages import STORABLE, OrderState, RowId, Seconds
from .common import Amount, DisputeReason, Form, View

DisputeState = Literal["open", "decided", "withdrawn", "dropped"]
DisputeOutcome = Literal["for_driver", "for_shipper", "split", "withdrawn"]
Files = Annotated[list[RowId], Meta(max_length=10, description="Attachments of the order that show it.")]
SaidText = Annotated[str, Meta(min_length=1, max_length=1000, pattern=STORABLE)]


class DisputeForm(Form, frozen=True):
    """What is wrong with the haul. `amount` is what is claimed, if it is money."""

    code: DisputeReason
    note: Annotated[str, Meta(max_length=1000, pattern=STORABLE)] = ""
    amount: Amount | None = None
    files: Files = field(default_factory=list)


class DisputeSayForm(Form, frozen=True):
    """A word on a dispute, and what shows it."""

    text: SaidText
    files: Files = field(default_factory=list)


class DisputeSaid(View, frozen=True):
    """One line of a dispute. `kind`: opened, answer or message. Who of the staff it was is told to staff only."""

    message: int
    side: str
    author: int | None
    kind: str
    text: str
    files: list[int]
    at: Seconds


class DisputeView(View, frozen=True):
    """A dispute as both sides see it. `side` has opened it; `may_answer` and `may_withdraw` are the caller's."""

    dispute: int
    order: int
    side: str
    code: DisputeReason
    amount: int | None
    currency: str
    state: DisputeState
    opened_at: Seconds
    answered_at: Seconds | None
    taken: bool  # somebody of the staff has it
    outcome: DisputeOutcome | None
    decision: str
    decided_amount: int | None
    ended_at: Seconds | None
    messages: list[DisputeSaid]
    may_answer: bool
    may_withdraw: bool


class DisputeQuery(Form, frozen=True):
    """Oldest first."""

    state: DisputeState = "open"
    after: RowId | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class DisputeCase(View, frozen=True):
    """A dispute before staff; its messages are in the dispute itself."""

    dispute: DisputeView
    order: OrderState
    claimed_by: int | None
    claimed_at: Seconds | None
    decided_by: int | None
    was: str  # the order's state before


class DisputeCases(View, frozen=True):
    """`next` goes into `after` for the next page."""

    disputes: list[DisputeCase]
    next: int | None = None


class DecideForm(Form, frozen=True):
    """What staff decide; both sides read the text. `amount` is who loses' to pay. `cancels`: the order is called
    off, else it is closed. `withdrawn` leaves it undecided: the haul goes on where it stood."""

    outcome: DisputeOutcome
    text: Annotated[str, Meta(min_length=1, max_length=2000, pattern=STORABLE)]
    amount: Annotated[int, Meta(ge=0, le=10**12, description="minor units")] | None = None
    cancels: bool = False
