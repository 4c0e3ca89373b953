"""Who is told by which channel and when, without a clock of its own."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.errors import Refusal
from dispatch.notices import HAPPENINGS, Category, Channel, Happening
from dispatch.telling import (
    CHOICE,
    DEFAULT,
    RECEIPT_S,
    SMS_AFTER_S,
    Due,
    Preferences,
    Quiet,
    Reach,
    Turn,
    chosen,
    plan,
    quiet_until,
    turn_of,
)

NOW = 1_800_000_000.0  # 2027-01-15 08:00 UTC, 13:00 in Almaty
DAY = 86_400.0
ALMATY = ZoneInfo("Asia/Almaty")
EVERYWHERE = Reach(frozenset(Channel))
# Clocks that stand still, are set by an hour or half of one, in summer or in winter.
ZONES = [
    ZoneInfo(name)
    for name in (
        "Asia/Almaty", "Europe/Moscow", "Europe/Berlin", "Australia/Lord_Howe", "America/New_York",
        "Asia/Kathmandu", "America/Havana", "UTC",
    )
]  # fmt: skip

minutes = st.integers(0, 1439)
quiets = st.tuples(minutes, minutes).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: Quiet(*pair))
moments = st.floats(NOW - 400 * DAY, NOW + 400 * DAY)
switches = st.dictionaries(st.sampled_from(Category), st.frozensets(st.sampled_from(CHOICE)))
words = st.frozensets(
    st.sampled_from(["assigned", "cancelled", "delivered", "edited", "trial", ""]), max_size=2
)


def told(happening: Happening, preferences: Preferences = DEFAULT, **changes: object) -> dict[Channel, Turn]:
    given: dict[str, object] = {
        "words": frozenset(),
        "zone": ALMATY,
        "due": Due(NOW, NOW, NOW + DAY),
        "reach": EVERYWHERE,
        "now": NOW,
        **changes,
    }
    turns = plan(happening, preferences=preferences, **given)  # type: ignore[arg-type]
    return {turn.channel: turn for turn in turns}


# -- quiet hours --------------------------------------------------------------------------------------------


@given(quiet=quiets, zone=st.sampled_from(ZONES), at=moments)
def test_what_is_put_off_is_put_off_to_the_end_of_quiet_hours_and_no_further(
    quiet: Quiet, zone: ZoneInfo, at: float
) -> None:
    end = quiet_until(quiet, zone, at)
    local = datetime.fromtimestamp(at, zone)
    if not quiet.at(local):
        assert end == at
        return
    assert at < end <= at + DAY + 2 * 3600
    assert not quiet.at(datetime.fromtimestamp(end, zone))
    # Every minute before is quiet, but where the clocks skip the end itself: then up to what they skip is added.
    skipped = datetime.fromtimestamp(end, zone)
    if skipped.hour * 60 + skipped.minute == quiet.until:
        step = at
        while (
            step := step + 600
        ) < end - 1e-3:  # a datetime has microseconds: nearer to it is the end itself
            assert quiet.at(datetime.fromtimestamp(step, zone)), "it rang late"


@given(quiet=quiets)
def test_quiet_hours_hold_as_many_minutes_of_a_day_as_they_say(quiet: Quiet) -> None:
    midnight = datetime(2027, 1, 15, tzinfo=UTC)
    held = sum(quiet.at(midnight + timedelta(minutes=minute)) for minute in range(1440))
    assert held == (quiet.until - quiet.since) % 1440


def test_a_clock_that_is_set_back_has_its_quiet_end_twice_and_each_counts() -> None:
    berlin, quiet = ZoneInfo("Europe/Berlin"), Quiet(22 * 60, 2 * 60 + 30)
    first = datetime(2026, 10, 25, 2, 30, tzinfo=berlin)  # 00:30 UTC; at 01:00 UTC it is 02:00 again
    again = first.replace(fold=1)
    assert again.timestamp() - first.timestamp() == 3600
    assert quiet_until(quiet, berlin, first.timestamp() - 3600) == first.timestamp()
    assert quiet_until(quiet, berlin, again.timestamp() - 60) == again.timestamp()


def test_where_the_clock_skips_the_end_the_quiet_lasts_a_little_longer() -> None:
    berlin, quiet = ZoneInfo("Europe/Berlin"), Quiet(22 * 60, 2 * 60 + 30)
    night = datetime(2027, 3, 28, 1, 0, tzinfo=berlin).timestamp()
    end = datetime.fromtimestamp(quiet_until(quiet, berlin, night), berlin)
    assert (end.hour, end.minute) == (3, 30)


# -- the plan -----------------------------------------------------------------------------------------------


@given(
    kind=st.sampled_from(sorted(HAPPENINGS)),
    words=words,
    off=switches,
    quiet=st.none() | quiets,
    zone=st.sampled_from(ZONES),
    times=st.tuples(st.floats(0, DAY), st.floats(0, 2 * DAY), st.floats(0, 2 * DAY)),
    reach=st.frozensets(st.sampled_from(Channel)),
    here=st.booleans(),
)
def test_whatever_is_wanted_a_plan_keeps_its_promises(
    kind: str,
    words: frozenset[str],
    off: Mapping[Category, frozenset[Channel]],
    quiet: Quiet | None,
    zone: ZoneInfo,
    times: tuple[float, float, float],
    reach: frozenset[Channel],
    here: bool,
) -> None:
    happening, preferences = HAPPENINGS[kind], Preferences(off, quiet)
    wait, lives, passed = times
    due, now = Due(NOW, NOW + wait, NOW + lives), NOW + passed
    turns = plan(happening, words, preferences, zone, due, Reach(reach, here), now)
    critical = happening.is_critical(words)

    assert turns[0] == Turn(Channel.INBOX, now), "the inbox has everything at once"
    assert len({turn.channel for turn in turns}) == len(turns)
    assert {turn.channel for turn in turns} == happening.channels(words)
    for turn in turns[1:]:
        assert (turn.at is None) == bool(turn.reason)
        switched_off = turn.channel in off.get(happening.category, ())
        assert (turn.reason == "turned_off") == switched_off
        if turn.at is None:
            continue
        assert turn.channel in reach
        assert max(now, due.written) <= turn.at < due.ends
        if turn.channel is not Channel.EMAIL:
            assert turn.at >= due.rings
            asleep = quiet is not None and quiet.at(datetime.fromtimestamp(turn.at, zone))
            assert critical or not asleep, "it rings at night"
        if turn.channel is Channel.SMS:
            assert critical and turn.at >= due.rings + SMS_AFTER_S
        if turn.channel is Channel.PUSH and here:
            assert turn.at >= due.written + RECEIPT_S


@given(quiet=quiets, at=moments)
def test_what_must_be_heard_is_never_put_off_and_everything_else_is_only_put_off(
    quiet: Quiet, at: float
) -> None:
    held = Preferences(quiet=quiet)
    due = Due(at, at, at + 2 * DAY)
    edited = told(HAPPENINGS["order.edited"], held, due=due, now=at)
    assert edited[Channel.PUSH].at == at and edited[Channel.SMS].at == at + SMS_AFTER_S
    asked = told(HAPPENINGS["review.asked"], held, due=due, now=at)
    assert asked[Channel.PUSH].at == quiet_until(quiet, ALMATY, at)


def test_an_offer_does_not_outlive_its_night() -> None:
    night = Preferences(quiet=Quiet(12 * 60, 14 * 60))  # 13:00 in Almaty
    offer = HAPPENINGS["offer.made"]
    assert told(offer, night, due=Due(NOW, NOW, NOW + 45))[Channel.PUSH] == Turn(
        Channel.PUSH, None, "quiet_hours"
    )
    assert told(offer, night, zone=ZoneInfo("UTC"))[Channel.PUSH].at == NOW  # 08:00 there


def test_an_open_socket_has_two_seconds_before_the_phone_rings() -> None:
    delivered, here = HAPPENINGS["order.changed"], Reach(frozenset(Channel), here=True)
    assert told(delivered)[Channel.PUSH].at == NOW
    assert told(delivered, reach=here)[Channel.PUSH].at == NOW + RECEIPT_S
    # An offer waits by itself, and not twice.
    waits = Due(NOW, NOW + 2, NOW + 45)
    assert told(HAPPENINGS["offer.made"], due=waits, reach=here)[Channel.PUSH].at == NOW + 2


def test_an_sms_is_for_what_must_be_heard_and_a_mail_for_receipts() -> None:
    order, receipt = HAPPENINGS["order.changed"], HAPPENINGS["payment.refunded"]
    assert set(told(order, words=frozenset({"delivered"}))) == {Channel.INBOX, Channel.PUSH}
    assert set(told(order, words=frozenset({"cancelled"}))) == {Channel.INBOX, Channel.PUSH, Channel.SMS}
    night = Preferences(quiet=Quiet(0, 1439))
    assert told(receipt, night)[Channel.EMAIL].at == NOW  # a mail does not ring


def test_what_has_no_address_or_is_too_late_says_so() -> None:
    order = HAPPENINGS["order.edited"]
    turns = told(order, reach=Reach(frozenset({Channel.PUSH})), due=Due(NOW, NOW, NOW + 1), now=NOW + 2)
    assert turns[Channel.PUSH] == Turn(Channel.PUSH, None, "too_late")
    assert turns[Channel.SMS] == Turn(Channel.SMS, None, "no_address")


def test_a_turn_is_asked_for_again_when_it_has_come_and_wishes_may_have_changed() -> None:
    def now(wanted: Preferences) -> Turn:
        chat = HAPPENINGS["chat.message"]
        return turn_of(chat, frozenset(), wanted, ALMATY, Channel.PUSH, True, NOW, NOW + DAY)

    assert now(DEFAULT) == Turn(Channel.PUSH, NOW)
    assert now(Preferences({Category.CHAT: frozenset({Channel.PUSH})})).reason == "turned_off"
    assert now(Preferences({Category.BIDS: frozenset({Channel.PUSH})})).at == NOW


def test_wishes_that_make_no_sense_are_refused() -> None:
    for off, quiet, where in (
        ({}, Quiet(60, 60), "quiet"),
        ({}, Quiet(-1, 60), "quiet"),
        ({}, Quiet(60, 1440), "quiet"),
        ({Category.CHAT: frozenset({Channel.INBOX})}, None, "choices"),
    ):
        with pytest.raises(Refusal) as refusal:
            chosen(off, quiet)
        assert (refusal.value.code, refusal.value.path) == ("bad_request", where)
    wanted = chosen({Category.CHAT: frozenset(), Category.NEWS: frozenset({Channel.PUSH})}, Quiet(0, 1))
    assert wanted.off == {Category.NEWS: frozenset({Channel.PUSH})}
