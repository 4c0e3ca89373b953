"""The rules of conversations: whose they are, when they take messages, and which."""

import uuid
from dataclasses import replace

import pytest

from dispatch.chat import (
    MOST_FILES,
    MOST_MESSAGES,
    MOST_TEXT,
    OPEN_S,
    PHRASES,
    Draft,
    Message,
    closes_at,
    is_open,
    must_make_sense,
    must_take,
    side_of,
)
from dispatch.errors import Refusal
from dispatch.model import ENDED, Actor, Haul, Load, Money, Order, Party, Place, Status
from server.i18n.labels import LABELS
from server.protocol.messages import ChatPhrase

SHIPPER, DRIVER, COMPANY = 2, 3, 9
ORDER = Order(
    id=1,
    shipper=SHIPPER,
    status=Status.ASSIGNED,
    seq=1,
    haul=Haul(Place(1, "Алматы", 43.25, 76.95), Place(2, "Астана", 51.17, 71.43), 1.2e6, 6e4, "embedded"),
    load=Load("мука", 20_000.0, 40.0, "tent"),
    price=Money(1_000_000, "KZT"),
    created_at=0.0,
    expires_at=100.0,
    driver=DRIVER,
    company=COMPANY,
)


def draft(**says: object) -> Draft:
    return replace(Draft(uuid.uuid4()), **says)  # type: ignore[arg-type]  # fields of a draft, by name


def test_the_shipper_his_colleagues_and_the_driver_stand_on_a_side_and_nobody_else_does() -> None:
    for party, side in (
        (Party(SHIPPER, Actor.SHIPPER), Actor.SHIPPER),
        (Party(7, Actor.SHIPPER, frozenset({COMPANY})), Actor.SHIPPER),
        (Party(DRIVER, Actor.DRIVER), Actor.DRIVER),
        (Party(DRIVER, Actor.DRIVER, by=8), Actor.DRIVER),
        (Party(7, Actor.SHIPPER, frozenset({COMPANY + 1})), None),
        (Party(7, Actor.DRIVER), None),
        (Party(8, Actor.LOGISTICIAN, frozenset({COMPANY})), None),
        (Party(SHIPPER, Actor.ADMIN), None),
        (Party(SHIPPER, Actor.DRIVER), None),
    ):
        assert side_of(ORDER, party) is side, party


def test_it_opens_with_the_assignment_and_closes_thirty_days_after_the_end() -> None:
    assert is_open(ORDER, 1e9) and closes_at(ORDER) is None
    assert not is_open(replace(ORDER, driver=None, status=Status.OPEN), 50.0)
    for status in ENDED:
        ended = replace(ORDER, status=status, ended_at=1000.0)
        assert closes_at(ended) == 1000.0 + OPEN_S
        assert is_open(ended, 1000.0 + OPEN_S - 1) and not is_open(ended, 1000.0 + OPEN_S)


def test_a_dispute_keeps_it_open_however_long_ago_the_cargo_was_delivered() -> None:
    disputed = replace(ORDER, status=Status.DISPUTED, ended_at=1000.0)
    assert is_open(disputed, 1000.0 + 10 * OPEN_S) and closes_at(disputed) is None


def test_why_no_message_is_taken_is_said() -> None:
    must_take(ORDER, MOST_MESSAGES - 1, 0.0)
    for order, said, now, why in (
        (replace(ORDER, driver=None), 0, 0.0, "no driver"),
        (replace(ORDER, status=Status.CLOSED, ended_at=0.0), 0, OPEN_S, "long over"),
        (ORDER, MOST_MESSAGES, 0.0, "at most"),
    ):
        with pytest.raises(Refusal, match=why) as refused:
            must_take(order, said, now)
        assert refused.value.code == "chat_closed"


def test_a_message_says_one_thing_or_shows_something() -> None:
    for sound in (
        draft(text="x"),
        draft(text="я" * MOST_TEXT),
        draft(phrase="at_gate"),
        draft(files=(1,)),
        draft(text="x", files=tuple(range(1, MOST_FILES + 1))),
        draft(phrase="thanks", files=(1,)),
    ):
        must_make_sense(sound, Actor.DRIVER)
    for empty in (draft(), draft(text=" \n"), draft(text="x", phrase="thanks"), draft(files=(1, 1))):
        with pytest.raises(Refusal, match="bad_request"):
            must_make_sense(empty, Actor.DRIVER)
    with pytest.raises(Refusal, match="bad_request"):
        must_make_sense(draft(text="x" * (MOST_TEXT + 1)), Actor.DRIVER)
    with pytest.raises(Refusal, match="limit_reached"):
        must_make_sense(draft(files=tuple(range(1, MOST_FILES + 2))), Actor.DRIVER)


def test_each_side_has_phrases_of_its_own_and_may_not_say_the_other_sides() -> None:
    for side, other in ((Actor.DRIVER, Actor.SHIPPER), (Actor.SHIPPER, Actor.DRIVER)):
        assert len(set(PHRASES[side])) == len(PHRASES[side]) >= 12
        for phrase in PHRASES[side]:
            must_make_sense(draft(phrase=phrase), side)
        for phrase in set(PHRASES[other]) - set(PHRASES[side]):
            with pytest.raises(Refusal, match="other side"):
                must_make_sense(draft(phrase=phrase), side)


def test_the_contract_knows_exactly_the_phrases_that_there_are() -> None:
    known = {phrase for side in PHRASES.values() for phrase in side}
    assert set(ChatPhrase.__args__) == known == LABELS["ChatPhrase"].keys()  # type: ignore[attr-defined]


def test_a_message_is_told_from_another_one_of_the_same_id() -> None:
    one = draft(text="x")
    message = Message(1, 1, one.id, SHIPPER, Actor.SHIPPER, 0.0, "x")
    assert message.says(one)
    for other in (replace(one, text="y"), replace(one, files=(1,)), replace(one, text="", phrase="thanks")):
        assert not message.says(other)
