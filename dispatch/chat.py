"""The conversation of an order: who may write in it, what, how much and until when. Pure.

One conversation an order, between the shipper's side (who posted it, and colleagues of its company) and the
driver's (who carries it, and the logistician who acts for him). It opens with the assignment and takes messages
until some time after the end; it can be read ever after. A dispute keeps it open.
"""

from dataclasses import dataclass
from uuid import UUID

from .errors import Refusal
from .model import Actor, Order, Party, Status
from .visibility import carries, owns

OPEN_S = 30 * 86_400.0  # after the end of the haul
MOST_TEXT = 2000  # characters
MOST_FILES = 4  # of one message
MOST_MESSAGES = 10_000  # of one conversation: more than a message a minute for a week
A_WINDOW, WINDOW_S = 20, 60.0  # messages of one user in one conversation
PUSH_AFTER_S = 5.0  # not read on a socket by then: the push goes out
PUSH_AGAIN_S = 900.0  # what comes sooner after a push, and before the user reads, rings no second time
PICTURES = frozenset({"image/jpeg", "image/png", "image/webp"})
KINDS = PICTURES | {"application/pdf"}

# Quick phrases by side, in the order in which they are offered. Kept by key: each reader has them in his language.
PHRASES: dict[Actor, tuple[str, ...]] = {
    Actor.DRIVER: (
        "on_my_way", "at_gate", "late_half_hour", "late_hour", "where_loading", "where_unloading", "in_queue",
        "loading_begun", "leaving_loaded", "at_border", "unloaded", "send_documents", "call_me", "agreed",
        "thanks",
    ),
    Actor.SHIPPER: (
        "where_now", "when_here", "cargo_ready", "cargo_not_ready", "drive_in", "pass_ordered", "go_to_office",
        "documents_ready", "send_photo", "send_documents", "call_me", "agreed", "thanks",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants to say. `id` is the writer's: the same one again is the same message."""

    id: UUID
    text: str = ""
    phrase: str | None = None
    files: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of a message."""

    file: int
    mime: str
    size: int
    width: int | None = None
    height: int | None = None
    pages: int | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A message as stored: the `seq`th of its conversation, from 1 without a hole. `side` is whose word it is;
    of a writer who was erased nothing but this line is left."""

    order: int
    seq: int
    id: UUID
    author: int
    side: Actor
    at: float
    text: str = ""
    phrase: str | None = None
    files: tuple[Attached, ...] = ()

    def says(self, draft: Draft) -> bool:
        """Whether this is what the draft says."""
        said = (self.text, self.phrase, tuple(attached.file for attached in self.files))
        return said == (draft.text, draft.phrase, draft.files)


def side_of(order: Order, party: Party) -> Actor | None:
    """On which side of the order the party stands; None for everybody else."""
    if owns(order, party):
        return Actor.SHIPPER
    return Actor.DRIVER if carries(order, party) else None


def closes_at(order: Order) -> float | None:
    """When the conversation takes no more messages; None while the haul or a dispute lasts."""
    if order.ended_at is None or order.status is Status.DISPUTED:
        return None
    return order.ended_at + OPEN_S


def is_open(order: Order, now: float) -> bool:
    """Whether the conversation takes messages."""
    closes = closes_at(order)
    return order.driver is not None and (closes is None or now < closes)


def must_take(order: Order, said: int, now: float) -> None:
    """`chat_closed` unless the conversation, which holds `said` messages, takes another one."""
    if order.driver is None:
        raise Refusal("chat_closed", "no driver has the load yet")
    if not is_open(order, now):
        raise Refusal("chat_closed", "the haul is long over")
    if said >= MOST_MESSAGES:
        raise Refusal("chat_closed", "at most {n} message", plural="at most {n} messages", n=MOST_MESSAGES)


def must_make_sense(draft: Draft, side: Actor) -> None:
    """`bad_request` for a message that says nothing, or two things at once."""
    if draft.phrase is not None:
        if draft.text:
            raise Refusal("bad_request", "either a text or a phrase").at("phrase")
        if draft.phrase not in PHRASES[side]:
            raise Refusal("bad_request", "this phrase is of the other side").at("phrase")
    elif not draft.text.strip() and not draft.files:
        raise Refusal("bad_request", "say something").at("text")
    if len(draft.text) > MOST_TEXT:
        raise Refusal("bad_request", "The text is too long: at most {n:number}", n=MOST_TEXT).at("text")
    if len(draft.files) > MOST_FILES:
        raise Refusal("limit_reached", "at most {n} file", plural="at most {n} files", n=MOST_FILES).at(
            "attachments"
        )
    if len(set(draft.files)) < len(draft.files):
        raise Refusal("bad_request", "the same file twice").at("attachments")
