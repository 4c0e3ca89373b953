"""Who is told by which channel, and when. Pure: times are epoch seconds, the time zone comes in as an argument.

The inbox has everything at once, and sockets hear of it with it. Other channels wait their turn, and whoever says
on one of them that it was seen takes the others' turn away: a push waits for a receipt while a socket is open,
an SMS for minutes, and costs money only for what must be heard. Quiet hours hold back what rings until they end;
what does not live so long is never rung for, and stays in the inbox.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, tzinfo
from typing import NamedTuple

from .errors import Refusal
from .notices import Category, Channel, Happening

RECEIPT_S = 2.0  # an open socket says within this that the item is on the screen
SMS_AFTER_S = 180.0  # so long the cheaper channels have to reach somebody
CHOICE = (Channel.PUSH, Channel.SMS, Channel.EMAIL)  # of the channels, in the order of their turns
MINUTES_A_DAY = 24 * 60


class Quiet(NamedTuple):
    """Minutes of the user's day: from the first on, up to the second. It may go over midnight."""

    since: int
    until: int

    def at(self, moment: datetime) -> bool:
        """Whether this local time is in it."""
        minute = moment.hour * 60 + moment.minute
        if self.since < self.until:
            return self.since <= minute < self.until
        return minute >= self.since or minute < self.until


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a user wants. `off` has the channels that are switched off for a category: all others are on."""

    off: Mapping[Category, frozenset[Channel]] = field(default_factory=dict)
    quiet: Quiet | None = None

    def wants(self, category: Category, channel: Channel) -> bool:
        """Whether this channel may carry it."""
        return channel is Channel.INBOX or channel not in self.off.get(category, frozenset())


DEFAULT = Preferences()


class Due(NamedTuple):
    """One event's times: when it was written, from when on it may ring, until when it is worth telling."""

    written: float
    rings: float
    ends: float


class Reach(NamedTuple):
    """What a user can be reached by, besides the inbox. `here`: a socket of theirs is open where this is asked."""

    channels: frozenset[Channel]
    here: bool = False


class Turn(NamedTuple):
    """A channel's turn at a time, or None and why it has none: turned_off, no_address, quiet_hours, too_late."""

    channel: Channel
    at: float | None
    reason: str = ""


def chosen(off: Mapping[Category, frozenset[Channel]], quiet: Quiet | None) -> Preferences:
    """Preferences as a user sets them. Refusal `bad_request` for quiet hours without an end and for an inbox that
    is to be switched off."""
    if quiet is not None and (quiet.since == quiet.until or not _of_a_day(quiet)):
        raise Refusal("bad_request", "quiet hours begin and end at different minutes of a day").at("quiet")
    if any(Channel.INBOX in channels for channels in off.values()):
        raise Refusal("bad_request", "the inbox cannot be switched off").at("choices")
    return Preferences({category: channels for category, channels in off.items() if channels}, quiet)


def plan(
    happening: Happening,
    words: frozenset[str],
    preferences: Preferences,
    zone: tzinfo,
    due: Due,
    reach: Reach,
    now: float,
) -> list[Turn]:
    """Every channel that may carry this event, each with its turn; those that may not are left out."""
    carriers = happening.channels(words)
    return [Turn(Channel.INBOX, now)] + [
        turn_of(
            happening,
            words,
            preferences,
            zone,
            channel,
            channel in reach.channels,
            max(_first(channel, due, reach), now),
            due.ends,
        )
        for channel in CHOICE
        if channel in carriers
    ]


def turn_of(
    happening: Happening,
    words: frozenset[str],
    preferences: Preferences,
    zone: tzinfo,
    channel: Channel,
    addressed: bool,
    at: float,
    ends: float,
) -> Turn:
    """A channel's turn, from this moment on; `ends`: then nobody needs to hear of it any more."""
    if not preferences.wants(happening.category, channel):
        return Turn(channel, None, "turned_off")
    if not addressed:
        return Turn(channel, None, "no_address")
    if at >= ends:
        return Turn(channel, None, "too_late")
    held = preferences.quiet
    if held is None or channel is Channel.EMAIL or happening.is_critical(words):
        return Turn(channel, at)
    woken = quiet_until(held, zone, at)
    return Turn(channel, woken) if woken < ends else Turn(channel, None, "quiet_hours")


def quiet_until(quiet: Quiet, zone: tzinfo, at: float) -> float:
    """The first moment from `at` on that is not quiet. Where the clocks skip the end of the quiet hours, they
    last as many minutes longer."""
    local = datetime.fromtimestamp(at, zone)
    if not quiet.at(local):
        return at
    end = time(quiet.until // 60, quiet.until % 60)
    # A clock that is set back has some minutes twice: the next of them counts.
    ends = (
        datetime.combine(local.date() + timedelta(days=day), end, zone).replace(fold=fold).timestamp()
        for day in (0, 1)
        for fold in (0, 1)
    )
    return next(moment for moment in ends if moment > at)


def _first(channel: Channel, due: Due, reach: Reach) -> float:
    """From when on a channel may have its turn."""
    if channel is Channel.PUSH:
        return max(due.rings, due.written + RECEIPT_S) if reach.here else due.rings
    return due.rings + SMS_AFTER_S if channel is Channel.SMS else due.written


def _of_a_day(quiet: Quiet) -> bool:
    return 0 <= quiet.since < MINUTES_A_DAY and 0 <= quiet.until < MINUTES_A_DAY
