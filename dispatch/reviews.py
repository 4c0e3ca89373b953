"""What the two sides of a haul may say of each other, and when it is shown. Pure: times come in.

Blind: neither side reads the other's review before it has said its own word, or can say none that is unread any
more. So nobody is paid back in kind, and nobody waits for ever.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from .errors import Refusal
from .model import Order, Party, Status
from .suspicious_text import contacts_in
from .visibility import carries, owns

DAY_S = 86_400.0
BLIND_S = 7 * DAY_S  # after the delivery a review is shown although the other side has written none
WINDOW_S = 14 * DAY_S  # after the delivery nobody rates the haul any more
RECORD_S = 180 * DAY_S  # how far back a record of reliability looks
ENOUGH = 5  # fewer cases are no share: nobody is judged on one

MAX_TAGS = 6
# What each side may say of the other in a word.
ABOUT_DRIVER = (
    "on_time", "careful", "communicative", "clean_truck", "papers_in_order", "polite",
    "late", "damaged", "unreachable", "dirty_truck", "wrong_truck", "rude",
)  # fmt: skip
ABOUT_SHIPPER = (
    "paid_on_time", "clear_documents", "quick_loading", "cargo_as_agreed", "communicative", "polite",
    "late_payment", "missing_documents", "long_wait", "wrong_cargo_data", "unreachable", "rude",
)  # fmt: skip
FAULTS = ("insult", "contacts", "false", "not_this_haul", "private", "spam", "other")  # why one is hidden


class HaulSide(StrEnum):
    """A side of a haul."""

    SHIPPER = "shipper"
    DRIVER = "driver"

    @property
    def other(self) -> "HaulSide":
        """The side across the table."""
        return HaulSide.DRIVER if self is HaulSide.SHIPPER else HaulSide.SHIPPER


class Standing(StrEnum):
    """What staff, or the rules before them, think of a review."""

    CLEAR = "clear"
    HELD = "held"  # by the rules, until staff have looked
    HIDDEN = "hidden"  # by staff


TAGS = {HaulSide.DRIVER: ABOUT_SHIPPER, HaulSide.SHIPPER: ABOUT_DRIVER}  # by the side that writes
# A dispute does not take the right to rate away: the haul was delivered.
RATED = frozenset({Status.DELIVERED, Status.CLOSED, Status.DISPUTED})


class Words(NamedTuple):
    """What somebody says of the other side."""

    stars: int
    tags: tuple[str, ...] = ()
    text: str = ""


def side_of(order: Order, party: Party) -> HaulSide | None:
    """The side of the haul that the party speaks for; None for everybody else."""
    if owns(order, party):
        return HaulSide.SHIPPER
    return HaulSide.DRIVER if carries(order, party) else None


def closes_at(order: Order) -> float | None:
    """Until when the haul may be rated; None when it is not delivered."""
    if order.status not in RATED or order.driver is None or order.ended_at is None:
        return None
    return order.ended_at + WINDOW_S


def in_time(order: Order, now: float) -> float:
    """When what is said now is shown at the latest. Refusal `review_early`, `review_late`."""
    closes = closes_at(order)
    if closes is None or order.ended_at is None:
        raise Refusal("review_early")
    if now >= closes:
        raise Refusal("review_late")
    return order.ended_at + BLIND_S


def checked(words: Words, side: HaulSide) -> Words:
    """The words with each tag once, in the order of the vocabulary. Refusal `tags_invalid`."""
    foreign = [tag for tag in words.tags if tag not in TAGS[side]]
    if foreign:
        raise Refusal("tags_invalid", foreign[0]).at("tags")
    return words._replace(tags=tuple(tag for tag in TAGS[side] if tag in words.tags))


def standing_of(text: str) -> Standing:
    """Held when the text holds a phone, a link or a messenger: it goes round the desk, or into somebody's life."""
    return Standing.HELD if contacts_in(text) else Standing.CLEAR


def shown(due_at: float, now: float, sides: Collection[HaulSide]) -> bool:
    """Whether a haul's reviews are not blind any more."""
    return now >= due_at or len(set(sides)) == len(HaulSide)


@dataclass(frozen=True, slots=True)
class Rating:
    """How often there were one, two, three, four and five stars."""

    stars: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)

    @property
    def count(self) -> int:
        """How many have rated."""
        return sum(self.stars)

    @property
    def mean(self) -> float | None:
        """The plain mean; None when nobody has rated."""
        if not self.count:
            return None
        return sum(stars * often for stars, often in enumerate(self.stars, 1)) / self.count


class Component(StrEnum):
    """What a record of reliability counts, of the last 180 days."""

    COMPLETED = "completed"  # loads that were accepted and brought there
    CANCELLED = "cancelled"  # loads called off after a driver had them, by this side's fault
    ON_TIME = "on_time"  # pickups reached before their window closed
    SETTLED = "settled"  # finished hauls that were closed without a dispute about the money
    DISPUTES_LOST = "disputes_lost"


OF_DRIVERS = (Component.COMPLETED, Component.CANCELLED, Component.ON_TIME, Component.DISPUTES_LOST)
OF_SHIPPERS = (Component.CANCELLED, Component.SETTLED, Component.DISPUTES_LOST)


class Tally(NamedTuple):
    """So many cases of so many."""

    component: Component
    number: int
    of: int

    @property
    def share(self) -> float | None:
        """The share, once there are enough cases to speak of one."""
        return self.number / self.of if self.of >= ENOUGH else None


def tallies(
    components: Sequence[Component], counted: dict[str, int], of: dict[Component, str]
) -> list[Tally]:
    """Counts of the database by name, as tallies: `of` says which count each is a part of."""
    return [Tally(each, counted[each], counted[of.get(each, "hauls")]) for each in components]
