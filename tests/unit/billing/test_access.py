"""Access as a fold: what each entry means, and what no history of entries may come to."""

from hypothesis import given
from hypothesis import strategies as st

from billing.access import DAY_S, NONE, Access, Entry, EntryKind, after, fold

K = EntryKind
T = 1_800_000_000.0


def day(n: float) -> float:
    return T + n * DAY_S


def days(kind: EntryKind, at: float, n: float) -> Entry:
    return Entry(kind, day(at), n * DAY_S)


def test_a_payment_in_the_trial_begins_where_the_trial_ends() -> None:
    access = fold([days(K.TRIAL, 0, 14), days(K.PAID, 10, 30)])
    assert access == Access(day(44), day(44), None, trial=False)


def test_a_payment_after_a_gap_begins_now() -> None:
    access = fold([days(K.PAID, 0, 30), days(K.PAID, 50, 30)])
    assert access.paid_to == day(80)


def test_days_of_the_grace_are_part_of_what_is_then_paid() -> None:
    lapsed = fold([days(K.PAID, 0, 30), days(K.GRACE, 30, 7)])
    assert lapsed.entitled(day(36)) and not lapsed.entitled(day(37))
    assert after(lapsed, days(K.PAID, 35, 30)).paid_to == day(60), "five of them were used"
    assert after(lapsed, days(K.PAID, 40, 30)).paid_to == day(70), "the grace was over"


def test_a_pause_stops_the_clock_and_what_is_given_meanwhile_waits_too() -> None:
    access = fold([days(K.PAID, 0, 30), Entry(K.PAUSED, day(10))])
    assert not access.entitled(day(10)) and access.left_s == 20 * DAY_S
    access = after(access, days(K.BONUS, 15, 5))
    assert fold([]) == NONE and not access.entitled(day(15))
    assert after(access, Entry(K.RESUMED, day(40))).until == day(65)


def test_what_is_taken_back_is_never_more_than_what_is_left() -> None:
    access = after(fold([days(K.PAID, 0, 30)]), days(K.TAKEN_BACK, 20, 30))
    assert access.until == day(20)
    assert not access.entitled(day(20))
    assert after(access, days(K.PAID, 21, 30)).until == day(51), "no debt stays behind"


def test_staff_set_the_end_whatever_was_before() -> None:
    paused = fold([days(K.PAID, 0, 30), Entry(K.PAUSED, day(10))])
    assert after(paused, Entry(K.STAFF, day(11), until=day(12))) == Access(
        day(12), day(12), None, trial=False
    )


kinds = st.sampled_from([K.TRIAL, K.PAID, K.BONUS, K.GRACE, K.TAKEN_BACK, K.PAUSED, K.RESUMED])
histories = st.lists(st.tuples(kinds, st.floats(0, 40), st.integers(0, 60)), max_size=25).map(
    lambda steps: [
        Entry(
            kind,
            day(sum(gap for _, gap, _ in steps[: place + 1])),
            0.0 if kind in (K.PAUSED, K.RESUMED) else n * DAY_S,
        )
        for place, (kind, gap, n) in enumerate(steps)
    ]
)


@given(histories)
def test_access_never_outlasts_what_was_given(entries: list[Entry]) -> None:
    access, given_s = NONE, 0.0
    for entry in entries:
        access = after(access, entry)
        if entry.kind in (K.TRIAL, K.PAID, K.BONUS, K.GRACE):
            given_s += entry.seconds
        ahead = max(0.0, access.until - entry.at) + (access.left_s or 0.0)
        assert ahead <= given_s + 1e-3
        assert access.until >= access.paid_to or not access.entitled(entry.at)
        assert access.left_s is None or not access.entitled(entry.at)


@given(histories)
def test_nobody_is_paused_and_entitled_and_nothing_is_negative(entries: list[Entry]) -> None:
    access = fold(entries)
    assert access.left_s is None or access.left_s >= 0.0
    assert access.paid_to >= 0.0 and access.until >= 0.0


@given(histories, st.integers(1, 60))
def test_a_payment_is_worth_its_days_to_who_keeps_paying(entries: list[Entry], n: int) -> None:
    before = fold(entries)
    at = max([entry.at for entry in entries], default=T)
    paid = after(before, Entry(K.PAID, at, n * DAY_S))
    if before.left_s is not None:
        assert paid.left_s == before.left_s + n * DAY_S
    elif before.entitled(at):
        assert paid.paid_to == before.paid_to + n * DAY_S
    else:
        assert paid.until >= at + n * DAY_S - 1e-3
