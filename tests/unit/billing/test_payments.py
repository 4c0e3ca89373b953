"""Control C47: whatever is told, in whatever order and however often, an invoice ends in the model's state."""

import itertools
from collections.abc import Iterator
from functools import cache

import pytest

from billing.acquiring import Answer, Kind, Notification, State
from billing.ledger import Act
from billing.money import Currency
from billing.payments import (
    AttemptState,
    InvoiceState,
    Tried,
    Verdict,
    answer_check,
    as_told,
    judge,
    standing,
    wanted,
)

from .facts import INVOICE, NOW, PRICE, Model, told, transaction

PART = 70_000


def seven(pay: State, back: int) -> dict[Kind, Notification]:
    """One notification of each kind, about one transaction; `pay`: taken at once, or held first."""
    return {
        Kind.CHECK: told(Kind.CHECK),
        Kind.PAY: told(Kind.PAY, state=pay),
        Kind.FAIL: told(Kind.FAIL),
        Kind.CONFIRM: told(Kind.CONFIRM),
        Kind.CANCEL: told(Kind.CANCEL),
        Kind.REFUND: told(Kind.REFUND, "r1", minor=back, of="t1"),
        Kind.RECURRENT: Notification(Kind.RECURRENT, "sc_1 Active", None),
    }


def expected(kinds: frozenset[Kind], pay: State, back: int) -> tuple[InvoiceState, dict[str, int]]:
    """The model, written down another way than the code: by what is among them."""
    if Kind.CONFIRM in kinds or (Kind.PAY in kinds and pay is State.PAID):
        left = PRICE - back if Kind.REFUND in kinds else PRICE
        state = {PRICE: InvoiceState.PAID, 0: InvoiceState.REFUNDED}.get(left, InvoiceState.PARTLY_REFUNDED)
        return state, {"acquirer:acq": left, "revenue:subscriptions": -left} if left else {}
    if Kind.PAY in kinds and Kind.CANCEL not in kinds:
        return InvoiceState.PENDING, {}
    if kinds & {Kind.FAIL, Kind.CANCEL}:
        return InvoiceState.FAILED, {}
    return InvoiceState.PENDING if Kind.CHECK in kinds else InvoiceState.CREATED, {}


def sequences() -> Iterator[tuple[Kind, ...]]:
    for length in range(7):
        yield from itertools.product(Kind, repeat=length)


@pytest.mark.parametrize("pay", [State.PAID, State.HELD])
@pytest.mark.parametrize("back", [PART, PRICE])
def test_every_sequence_up_to_six_of_the_seven_kinds_ends_in_the_model_s_state(pay: State, back: int) -> None:
    say = seven(pay, back)

    @cache
    def end(order: tuple[Kind, ...]) -> tuple[InvoiceState, dict[str, int], list[tuple[Act, int]]]:
        model = Model()
        for kind in order:
            model.receive(say[kind])
        return standing(INVOICE, model.facts, [], NOW).state, model.balances, model.consequences

    counted = 0
    for sequence in sequences():
        counted += 1
        # A repetition has the key of the first: the inbox does not take it in, so the first ones decide.
        state, balances, consequences = end(tuple(dict.fromkeys(sequence)))
        kinds = frozenset(sequence)
        assert (state, balances) == expected(kinds, pay, back), sequence
        taken = Kind.CONFIRM in kinds or (Kind.PAY in kinds and pay is State.PAID)
        wished = [(Act.GRANTED, PRICE)] if taken else []
        assert consequences == wished + ([(Act.REFUNDED, back)] if taken and Kind.REFUND in kinds else [])
    assert counted == sum(7**length for length in range(7)) == 137_257


def test_repetitions_under_other_keys_change_nothing_either() -> None:
    """Vendors that number events tell the same under a new number: such rows are stored, and are no news."""
    for sequence in itertools.product(Kind, repeat=4):
        model = Model()
        for number, kind in enumerate(sequence):
            said = seven(State.PAID, PART)[kind]
            model.receive(Notification(kind, f"evt_{number}", said.transaction))
        kinds = frozenset(sequence)
        state = standing(INVOICE, model.facts, [], NOW).state
        assert (state, model.balances) == expected(kinds, State.PAID, PART), sequence
        assert len(model.consequences) <= 2


def test_of_two_payments_one_is_owed_back_whatever_the_order() -> None:
    say = (
        told(Kind.PAY, "t1"),
        told(Kind.PAY, "t2"),
        told(Kind.FAIL, "t2"),
        told(Kind.CHECK, "t1"),
        told(Kind.CANCEL, "t1"),
    )
    for length in range(2, 6):
        for sequence in itertools.product(say, repeat=length):
            paid = {m.key for m in sequence if m.kind is Kind.PAY}
            if len(paid) < 2:
                continue
            model = Model()
            for message in sequence:
                model.receive(message)
            assert model.balances == {
                "acquirer:acq": 2 * PRICE,
                "revenue:subscriptions": -PRICE,
                "user:42": -PRICE,
            }
            stands = standing(INVOICE, model.facts, [], NOW)
            assert (stands.state, stands.owed) == (InvoiceState.PAID, PRICE)
            assert model.consequences == [(Act.GRANTED, PRICE)]


def test_of_two_payments_and_their_refunds_nothing_is_kept_beyond_what_was_granted() -> None:
    """Which of two payments is the second depends on which was stored first; the money is right in both cases."""
    say = (
        told(Kind.PAY, "t1"),
        told(Kind.PAY, "t2"),
        told(Kind.REFUND, "r1", of="t1", minor=PART),
        told(Kind.REFUND, "r2", of="t2"),
    )
    for sequence in itertools.permutations(say):
        model = Model()
        for message in sequence:
            model.receive(message)
        balances = model.balances
        assert balances["acquirer:acq"] == 2 * PRICE - PART - PRICE
        assert sum(balances.values()) == 0
        granted = -balances.get("revenue:subscriptions", 0)
        owed = -balances.get("user:42", 0)
        first = next(m.key for m in sequence if m.kind is Kind.PAY)
        assert (granted, owed) == ((PRICE - PART, 0) if first == "t1" else (0, PRICE - PART))


def test_a_refund_that_comes_before_its_payment_waits_for_it() -> None:
    model = Model()
    assert model.receive(told(Kind.REFUND, "r1", of="t1", minor=PART)) == []
    acts = [booking.act for booking in model.receive(told(Kind.PAY))]
    assert acts == [Act.PAID, Act.GRANTED, Act.REFUNDED]


def test_more_than_a_payment_never_goes_back() -> None:
    model = Model()
    for number in range(4):
        model.receive(told(Kind.REFUND, f"r{number}", of="t1", minor=PART))
    model.receive(told(Kind.PAY))
    back = [minor for act, minor in model.consequences if act is Act.REFUNDED]
    assert back == [PART, PART] and 3 * PART > PRICE


def test_a_refund_that_is_told_again_and_again_leaves_room_for_the_rest() -> None:
    model = Model()
    model.receive(told(Kind.PAY))
    for number in range(4):
        model.receive(told(Kind.REFUND, "r1", f"evt_{number}", of="t1", minor=PART))
    model.receive(told(Kind.REFUND, "r2", of="t1", minor=PRICE - PART))
    assert model.balances == {}
    assert standing(INVOICE, model.facts, [], NOW).state is InvoiceState.REFUNDED


def test_a_payment_that_was_booked_is_not_unsaid_by_a_word_that_does_not_fit() -> None:
    model = Model()
    model.receive(told(Kind.PAY))
    assert model.receive(told(Kind.CONFIRM, minor=1)) == []
    assert standing(INVOICE, model.facts, [], NOW).state is InvoiceState.PAID


@pytest.mark.parametrize(
    ("said", "verdict", "answer"),
    [
        ({}, Verdict.APPLIED, Answer.ACCEPTED),
        ({"minor": PRICE - 1}, Verdict.WRONG_AMOUNT, Answer.WRONG_AMOUNT),
        ({"minor": PRICE + 1}, Verdict.WRONG_AMOUNT, Answer.WRONG_AMOUNT),
        ({"currency": Currency.RUB}, Verdict.WRONG_CURRENCY, Answer.WRONG_AMOUNT),
        ({"account": "43"}, Verdict.WRONG_ACCOUNT, Answer.WRONG_ACCOUNT),
        ({"account": None}, Verdict.WRONG_ACCOUNT, Answer.WRONG_ACCOUNT),
        ({"test": True}, Verdict.TEST, Answer.NOT_NOW),
    ],
)
def test_what_does_not_fit_the_invoice_is_refused_and_grants_nothing(
    said: dict[str, object], verdict: Verdict, answer: Answer
) -> None:
    check, pay = told(Kind.CHECK, **said), told(Kind.PAY, **said)
    assert judge(INVOICE, "acq", check, test_allowed=False) is verdict
    assert answer_check(INVOICE, verdict, [], "t1", NOW) is answer
    model = Model()
    model.receive(pay)
    assert bool(model.consequences) == (verdict is Verdict.APPLIED)
    if verdict is Verdict.TEST:
        assert model.books == {}
    elif verdict is not Verdict.APPLIED:
        # Money that came all the same stands in the books, as nobody's.
        assert [booking.act for booking in model.books.values()] == [Act.STRAY_RECEIVED]
        model.receive(told(Kind.REFUND, "r1", of="t1", **said))
        assert model.balances == {}


def test_an_invoice_of_another_acquirer_is_unknown_to_this_one() -> None:
    assert judge(INVOICE, "other", told(Kind.PAY), test_allowed=False) is Verdict.UNKNOWN_INVOICE
    assert judge(None, "acq", told(Kind.PAY), test_allowed=False) is Verdict.UNKNOWN_INVOICE
    assert answer_check(None, Verdict.UNKNOWN_INVOICE, [], "t1", NOW) is Answer.UNKNOWN_INVOICE


def test_a_check_is_refused_while_another_payment_is_under_way_or_made_or_time_is_over() -> None:
    def check(*before: Notification, number: str = "t2", now: float = NOW + 1) -> Answer:
        model = Model()
        for message in before:
            model.receive(message)
        return answer_check(INVOICE, Verdict.APPLIED, model.facts, number, now)

    assert check() is Answer.ACCEPTED
    assert check(told(Kind.CHECK, "t2")) is Answer.ACCEPTED  # its own
    assert check(told(Kind.CHECK, "t1")) is Answer.NOT_NOW
    assert check(told(Kind.CHECK, "t1"), told(Kind.FAIL, "t1")) is Answer.ACCEPTED
    # One that was refused is not under way.
    assert check(told(Kind.CHECK, "t1"), told(Kind.CHECK, "t3"), told(Kind.FAIL, "t1")) is Answer.ACCEPTED
    assert check(told(Kind.CHECK, "t1"), now=NOW + 181) is Answer.ACCEPTED  # left alone by its payer
    assert check(told(Kind.PAY, "t1")) is Answer.NOT_NOW
    assert check(told(Kind.PAY, "t1", state=State.HELD)) is Answer.NOT_NOW
    assert check(told(Kind.PAY, "t1", state=State.HELD), told(Kind.CANCEL, "t1")) is Answer.ACCEPTED
    assert check(told(Kind.PAY, "t1"), told(Kind.REFUND, "r", of="t1")) is Answer.NOT_NOW
    assert check(now=INVOICE.expires_at) is Answer.EXPIRED


def test_attempts_of_ours_and_the_clock_say_how_an_unpaid_invoice_stands() -> None:
    def stands(*tried: Tried, now: float = NOW, facts: Model | None = None) -> InvoiceState:
        return standing(INVOICE, [] if facts is None else facts.facts, tried, now).state

    over = INVOICE.expires_at
    page = Tried(AttemptState.DONE, page=True)
    unknown, declined = Tried(AttemptState.UNKNOWN, page=False), Tried(AttemptState.DECLINED, page=False)
    failed = Model()
    failed.receive(told(Kind.FAIL))
    assert stands() is InvoiceState.CREATED
    assert stands(page) is InvoiceState.PENDING
    assert stands(page, now=over) is InvoiceState.EXPIRED
    assert stands(unknown) is InvoiceState.PENDING
    assert stands(unknown, now=over) is InvoiceState.PENDING
    assert standing(INVOICE, [], [unknown], NOW).unknown
    assert stands(declined) is InvoiceState.FAILED
    assert stands(page, facts=failed, now=over) is InvoiceState.FAILED
    failed.receive(told(Kind.PAY, "t2"))
    assert stands(page, facts=failed, now=over) is InvoiceState.PAID


def test_a_transaction_that_was_found_says_what_its_notification_would_have_said() -> None:
    said = {state: as_told(transaction(Kind.PAY, state=state), held=False) for state in State}
    kinds = {state: None if message is None else message.kind for state, message in said.items()}
    assert kinds == {
        State.PAID: Kind.PAY,
        State.HELD: Kind.PAY,
        State.DECLINED: Kind.FAIL,
        State.PENDING: None,
        State.REFUNDED: Kind.REFUND,
        State.CANCELLED: Kind.CANCEL,
    }
    taken = as_told(transaction(Kind.PAY), held=True)
    assert taken is not None and taken.kind is Kind.CONFIRM


def test_nothing_is_wanted_of_nothing() -> None:
    assert wanted(INVOICE, []) == [] and wanted(None, []) == []
