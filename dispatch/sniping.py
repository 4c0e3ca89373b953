"""Habits that no honest driver or shipper has, and what is done about them. Pure: counts come in, verdicts go out.

Nobody is locked out by a detector: it pauses what was overdone, says until when, and puts up a flag for a person
of the staff. Limits are set where an eager human being never comes; each has a test on both sides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Habit(StrEnum):
    """What is counted, a day and user."""

    ACCEPT = "accept"  # decided accepts, won or lost
    FAST = "fast"  # of them, sooner than a card can be read
    WIN = "win"
    CANCEL = "cancel"  # a load that the driver had won and called off
    DECLINE = "decline"


class Flag(StrEnum):
    """What the staff is told."""

    FAST_ACCEPTS = "fast_accepts"
    MANY_WINS = "many_wins"
    MANY_CANCELS = "many_cancels"
    ONLY_DECLINES = "only_declines"
    BOARD_SCRAPED = "board_scraped"
    CANDIDATES_SCRAPED = "candidates_scraped"


@dataclass(frozen=True, slots=True)
class Watch:
    """Where a habit begins. Rates are of things an hour, with so many at once."""

    fast_s: float = 0.2  # from the offer's COMMIT to the accept's judgement: the card has not been drawn yet
    fast_accepts: int = 5  # a day
    wins_a_day: int = 40  # city vans carry a dozen
    cancels_a_day: int = 4
    answers: int = 60  # so many, before their ratio says anything
    declined_share: float = 0.97
    pause_s: float = 900.0  # doubles with each further offence of the day
    longest_pause_s: float = 86_400.0
    board_pages: tuple[int, int] = (360, 240)  # an hour; at once
    candidate_lists: tuple[int, int] = (120, 60)


class Verdict(NamedTuple):
    """What follows from a count: a pause of so many seconds (0: none), and what the staff is told."""

    pause_s: float = 0.0
    flag: Flag | None = None


FINE = Verdict()
Counts = Mapping[Habit, int]


def fast(age_s: float, watch: Watch) -> bool:
    """Whether an accept came sooner than anybody could have read what it accepts."""
    return age_s < watch.fast_s


def may_take(day: Counts, day_left_s: float, watch: Watch) -> Verdict:
    """Before an accept: the day's caps. What is left of the day is the pause."""
    if day.get(Habit.WIN, 0) >= watch.wins_a_day:
        return Verdict(day_left_s, Flag.MANY_WINS)
    if day.get(Habit.CANCEL, 0) >= watch.cancels_a_day:
        return Verdict(day_left_s)  # flagged when it happened
    return FINE


def after_accept(day: Counts, was_fast: bool, watch: Watch) -> Verdict:
    """After an accept was decided and counted. A single lucky tap is no habit."""
    if not was_fast:
        return FINE
    over = day.get(Habit.FAST, 0) - watch.fast_accepts
    return FINE if over < 0 else Verdict(_pause(over, watch), Flag.FAST_ACCEPTS)


def after_cancel(day: Counts, watch: Watch) -> Verdict:
    """After a driver called off a load that he had won. The pause comes with the next accept (`may_take`)."""
    return Verdict(0.0, Flag.MANY_CANCELS) if day.get(Habit.CANCEL, 0) >= watch.cancels_a_day else FINE


def after_decline(day: Counts, watch: Watch) -> Verdict:
    """After an offer was declined: who only ever declines reads the market, and carries nothing. Not paused."""
    declined = day.get(Habit.DECLINE, 0)
    answers = declined + day.get(Habit.ACCEPT, 0)
    if answers >= watch.answers and declined >= watch.declined_share * answers:
        return Verdict(0.0, Flag.ONLY_DECLINES)
    return FINE


def _pause(over: int, watch: Watch) -> float:
    return min(watch.longest_pause_s, watch.pause_s * 2.0 ** min(over, 20))
