"""Hauls that went wrong: who may say what, what staff may decide, and where the order goes then. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from .errors import Refusal
from .model import Actor, Order, Party, Status, allowed
from .reviews import side_of

MOST_MESSAGES = 100  # of one dispute: whoever has not settled by then telephones
MOST_AN_ORDER = 5  # opened and withdrawn again and again
MOST_FILES = 10  # with one message
CLAIM_S = 900.0  # after that another member of staff may take it over

# Codes that are about the money; the others are about the cargo, the time, or people.
ABOUT_MONEY = ("payment", "wait_unpaid")


class DisputeState(StrEnum):
    """Where a dispute stands."""

    OPEN = "open"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"
    DROPPED = "dropped"  # staff closed the order itself


class DisputeOutcome(StrEnum):
    """What staff decide."""

    FOR_DRIVER = "for_driver"
    FOR_SHIPPER = "for_shipper"
    SPLIT = "split"
    WITHDRAWN = "withdrawn"  # nothing is left to decide: the haul goes on where it stood


@dataclass(frozen=True, slots=True)
class Complaint:
    """What somebody says is wrong: a code, words, money (minor units), and files of the order that show it."""

    code: str
    text: str = ""
    amount: int | None = None
    files: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What staff say. `cancels`: the haul has not come about at all, so that the order is called off."""

    outcome: DisputeOutcome
    text: str
    amount: int | None = None
    cancels: bool = False


def speaks_for(order: Order, party: Party) -> str:
    """The side that the party speaks for: shipper | driver | staff. Refusal `not_found` for anybody else."""
    if party.actor is Actor.ADMIN:
        return "staff"
    side = side_of(order, party)
    if side is None:
        raise Refusal("not_found")
    return side.value


def may_answer(opened_by: str, side: str, answered: bool) -> None:
    """The other side answers once. Refusal `forbidden`, `dispute_answered`."""
    if side in (opened_by, "staff"):
        raise Refusal("forbidden", "the other side answers")
    if answered:
        raise Refusal("dispute_answered")


def may_withdraw(opened_by: str, side: str) -> None:
    """Whoever has opened it takes it back. Refusal `forbidden`."""
    if side != opened_by:
        raise Refusal("forbidden", "only the side that has opened it may withdraw it")


def after(decision: Decision, was: Status) -> Status:
    """Where the order goes. Refusal `reason_invalid` for what does not fit together."""
    if decision.outcome is DisputeOutcome.WITHDRAWN:
        if decision.cancels or decision.amount:
            raise Refusal("reason_invalid", "a dispute that is left undecided moves no money").at("outcome")
        return back_to(was)
    return Status.CANCELLED if decision.cancels else Status.CLOSED


def back_to(was: Status) -> Status:
    """The state that a haul goes on from when its dispute is taken back."""
    if not allowed(Status.DISPUTED, was, Actor.SYSTEM):
        raise Refusal("transition_forbidden")
    return was
