"""Free months for who brings others: each given once, taken back once, by the terms of its moment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.loyalty import (
    Attribution,
    Fact,
    Grant,
    Progress,
    ReferralTerms,
    Signal,
    Traces,
    earned,
    judged,
    progress,
    signals,
)

TWO = (ReferralTerms(0.0, 2, 30.0),)
NOW = 1_000.0


def paid(invitee: int, at: float, refunded: float | None = None, **more: float | None) -> Fact:
    return Fact(invitee, **{"stands_at": 0.0, "confirmed_at": 0.0, **more}, paid_at=at, refunded_at=refunded)  # type: ignore[arg-type]  # of floats


def live(grants: list[Grant]) -> list[int]:
    return [grant.number for grant in grants if grant.taken_back_at is None]


def test_a_month_for_every_two_who_have_confirmed_and_paid() -> None:
    facts = [paid(1, 10.0), Fact(2, 0.0, 5.0), paid(3, 20.0), paid(4, 30.0), paid(5, 40.0)]
    assert earned(facts, TWO, NOW) == [Grant(1, 30.0, 20.0, (1, 3)), Grant(2, 30.0, 40.0, (4, 5))]
    assert earned(facts, TWO, 19.0) == []


@pytest.mark.parametrize("lack", ["stands_at", "confirmed_at"])
def test_who_has_paid_and_is_not_confirmed_or_waits_for_staff_does_not_count_yet(lack: str) -> None:
    assert earned([paid(1, 10.0), paid(2, 20.0, **{lack: None})], TWO, NOW) == []
    assert earned([paid(1, 10.0), paid(2, 20.0, **{lack: 50.0})], TWO, NOW)[0].given_at == 50.0


def test_a_refund_takes_the_month_back_unless_somebody_stands_in() -> None:
    one, two = paid(1, 10.0), paid(2, 20.0, refunded=60.0)
    assert earned([one, two], TWO, NOW) == [Grant(1, 30.0, 20.0, (1, 2), 60.0)]
    assert earned([one, two, paid(3, 50.0)], TWO, NOW) == [Grant(1, 30.0, 20.0, (1, 3))]
    later = earned([one, two, paid(3, 70.0)], TWO, NOW)
    assert later == [Grant(1, 30.0, 20.0, (1, 2), 60.0), Grant(2, 30.0, 70.0, (1, 3))]
    assert [grant.cause for grant in later] == ["referral:1", "referral:2"]


def test_who_pays_again_after_a_refund_counts_once() -> None:
    facts = [paid(1, 10.0), paid(1, 15.0), paid(2, 20.0, 30.0), paid(2, 40.0)]
    assert [(each.number, each.taken_back_at) for each in earned(facts, TWO, NOW)] == [(1, 30.0), (2, None)]


def test_a_refusal_by_staff_is_as_a_refund() -> None:
    assert live(earned([paid(1, 10.0), paid(2, 20.0, barred_at=90.0)], TWO, NOW)) == []


def test_what_was_given_stays_when_the_terms_change_and_what_comes_follows_the_new_ones() -> None:
    facts = [paid(number, number * 10.0) for number in range(1, 9)]
    terms = (*TWO, ReferralTerms(25.0, 3, 7.0), ReferralTerms(65.0, 1, 5.0))
    found = earned(facts, terms, NOW)
    assert [(grant.given_at, grant.seconds, grant.invitees) for grant in found] == [
        (20.0, 30.0, (1, 2)), (50.0, 7.0, (3, 4, 5)), (65.0, 5.0, (6,)), (70.0, 5.0, (7,)), (80.0, 5.0, (8,)),
    ]  # fmt: skip


def test_progress_says_how_many_are_missing() -> None:
    facts = [paid(1, 10.0), paid(2, 20.0), paid(3, 30.0)]
    assert progress(facts, TWO, NOW) == Progress(3, 1, 2) and progress(facts, TWO, NOW).missing == 1
    assert progress([], TWO, NOW) == Progress(0, 0, 2)


def moments(least: int = 0) -> st.SearchStrategy[float]:
    return st.integers(least, 60).map(float)


some_facts = st.lists(
    st.builds(
        Fact, st.integers(1, 6), st.none() | moments(), st.none() | moments(), st.none() | moments(),
        st.none() | moments(), st.none() | moments(),
    ),
    max_size=14,
)  # fmt: skip
some_terms = st.lists(st.tuples(moments(1), st.integers(1, 4), st.integers(1, 9)), max_size=3).map(
    lambda more: (*TWO, *(ReferralTerms(at, few, float(worth)) for at, few, worth in sorted(more)))
)


@given(some_facts, some_terms, moments(), moments())
def test_what_is_known_later_changes_nothing_that_was_given_but_takes_it_back_once(
    facts: list[Fact], terms: tuple[ReferralTerms, ...], early: float, later: float
) -> None:
    before, after = earned(facts, terms, min(early, later)), earned(facts, terms, max(early, later))
    assert len(before) <= len(after)
    for old, new in zip(before, after, strict=False):
        assert (old.number, old.seconds, old.given_at) == (new.number, new.seconds, new.given_at)
        assert old.taken_back_at in (None, new.taken_back_at)
    assert [grant.number for grant in after] == list(range(1, len(after) + 1))


@given(some_facts, st.integers(1, 4), moments())
def test_as_many_months_as_there_are_whole_groups_of_people_who_count(
    facts: list[Fact], threshold: int, now: float
) -> None:
    counting = {
        fact.invitee for fact in facts if fact.span is not None and fact.span[0] <= now < fact.span[1]
    }
    terms = (ReferralTerms(0.0, threshold, 30.0),)
    found = earned(facts, terms, now)
    assert len(live(found)) == len(counting) // threshold
    people = [person for grant in found if grant.taken_back_at is None for person in grant.invitees]
    assert len(set(people)) == len(people) and set(people) <= counting
    assert progress(facts, terms, now) == Progress(len(counting), len(counting) % threshold, threshold)


@given(some_facts, some_terms, st.randoms())
def test_the_order_in_which_facts_are_told_does_not_matter(
    facts: list[Fact], terms: tuple[ReferralTerms, ...], chance: object
) -> None:
    shuffled = sorted(facts, key=lambda _: chance.random())  # type: ignore[attr-defined]
    assert earned(shuffled, terms, NOW) == earned(facts, terms, NOW)


@pytest.mark.parametrize(
    ("traces", "found", "then"),
    [
        (Traces(7), (), Attribution.STANDING),
        (Traces(7, device_of=7), (Signal.OWN_DEVICE,), Attribution.REFUSED),
        (Traces(7, device_of=8), (Signal.OTHER_DEVICE,), Attribution.HELD),
        (Traces(7, same_program=True), (Signal.SAME_PROGRAM,), Attribution.HELD),
        (Traces(7, known_phone=True), (Signal.SAME_PHONE,), Attribution.HELD),
        (Traces(7, brought=2, from_network=9), (), Attribution.STANDING),
        (Traces(7, brought=3, from_network=3), (Signal.MANY_SIGN_UPS,), Attribution.HELD),
        (Traces(7, from_network=10), (Signal.MANY_SIGN_UPS,), Attribution.HELD),
    ],
)
def test_what_is_odd_waits_for_a_person_and_nobody_brings_himself(
    traces: Traces, found: tuple[Signal, ...], then: Attribution
) -> None:
    assert signals(traces) == found and judged(found) is then
