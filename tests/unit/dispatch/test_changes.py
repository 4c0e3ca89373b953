"""Edits, cancellations and who may see what: pure decisions on whole tables."""

from dataclasses import replace
from typing import Any

import pytest

from dispatch.cancelling import FREE_S, REASONS, CallingOff, Fault, fault_of
from dispatch.editing import Changes, changes, may_edit
from dispatch.errors import Refusal
from dispatch.model import Actor, Haul, Load, Money, Order, Party, Place, Status, Stop, Window
from dispatch.visibility import GRACE_S, Viewer, in_grace, sees_private, sides_seen

A, B = Place(1, "Алматы", 43.2, 76.9), Place(2, "Астана", 51.1, 71.4)
NOW = 1_900_000_000.0
SHIPPER, DRIVER, COMPANY = 5, 9, 31


def order(status: Status = Status.OPEN, **more: Any) -> Order:
    taken = status not in (Status.DRAFT, Status.MODERATION, Status.OPEN, Status.EXPIRED)
    fields: dict[str, Any] = {"driver": DRIVER if taken else None, **more}
    haul = Haul(A, B, 1e6, 5e4, "embedded", (Stop("pickup", A, Window(None, NOW)), Stop("drop", B)))
    return Order(
        1,
        SHIPPER,
        status,
        1,
        haul,
        Load("мука", 2e4, 40.0, "tent"),
        Money(1, "KZT"),
        NOW - 9e3,
        NOW + 9e3,
        **fields,
    )


BEFORE: dict[str, Any] = {
    "stops": [{"kind": "pickup", "city": 1, "contact_phone": "+7"}, {"kind": "drop", "city": 2}],
    "cargo": "мука",
    "price": 100,
}


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        ({}, Changes((), False, False, False, False)),
        ({"comment": "тент"}, Changes(("comment",), True, False, False, False)),
        ({"price": 120}, Changes(("price",), True, False, False, True)),
        ({"price": 90}, Changes(("price",), True, False, False, False)),
        ({"confirm_s": 7200}, Changes(("confirm_s",), False, False, False, False)),
        (
            {"stops": [{"kind": "pickup", "city": 1, "contact_phone": "+8"}, {"kind": "drop", "city": 2}]},
            Changes(("stops[0].contact_phone",), False, False, False, False),
        ),
        (
            {"stops": [BEFORE["stops"][0], {"kind": "drop", "city": 2, "window_to": 5.0}]},
            Changes(("stops[1].window_to",), True, True, False, False),
        ),
        (
            {"stops": [BEFORE["stops"][0], {"kind": "drop", "city": 3}]},
            Changes(("stops[1].city",), True, False, True, False),
        ),
        (
            {"stops": [*BEFORE["stops"], {"kind": "drop", "city": 3}]},
            Changes(("stops",), True, False, True, False),
        ),
    ],
)
def test_an_edit_is_what_differs_and_what_follows(edit: dict[str, Any], expected: Changes) -> None:
    assert changes(BEFORE, {**BEFORE, **edit}) == expected


def test_a_driver_is_asked_again_only_for_more_money_or_another_way() -> None:
    assert changes(BEFORE, {**BEFORE, "price": 101}).tempting
    assert not changes(BEFORE, {**BEFORE, "price": 99, "comment": "x"}).tempting


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize(
    "name", ["cargo", "price", "comment", "stops[0].window_to", "stops[0].city", "stops"]
)
def test_what_may_be_edited_in_each_state(status: Status, name: str) -> None:
    made = Changes((name,), True, False, False, False)
    if status in (Status.OPEN, Status.MODERATION):
        may_edit(order(status), made)
    elif status in (Status.ASSIGNED, Status.AT_PICKUP):
        if name in ("comment", "stops[0].window_to"):
            may_edit(order(status), made)
        else:
            with pytest.raises(Refusal, match="edit_forbidden") as refusal:
                may_edit(order(status), made)
            assert refusal.value.path == name
    else:
        with pytest.raises(Refusal, match="order_closed"):
            may_edit(order(status), made)


def test_each_side_gives_its_own_reasons_and_staff_alone_say_whose_fault_it_was() -> None:
    assert set(REASONS) == {Actor.SHIPPER, Actor.DRIVER, Actor.ADMIN}
    for actor, codes in REASONS.items():
        for code in set().union(*REASONS.values()):
            if code in codes:
                assert CallingOff(code).checked(actor).code == code
            else:
                with pytest.raises(Refusal, match="reason_invalid"):
                    CallingOff(code).checked(actor)
    CallingOff(fault=Fault.DRIVER).checked(Actor.ADMIN)
    with pytest.raises(Refusal, match="reason_invalid"):
        CallingOff(fault=Fault.DRIVER).checked(Actor.SHIPPER)


def test_nobody_is_at_fault_before_the_load_is_won_or_within_a_quarter_of_an_hour() -> None:
    for actor in (Actor.SHIPPER, Actor.ADMIN):
        assert fault_of(order(), actor, CallingOff(), None, NOW) == (Fault.NOBODY, True)
    assigned = order(Status.ASSIGNED)
    for actor in (Actor.SHIPPER, Actor.DRIVER):
        assert fault_of(assigned, actor, CallingOff(), NOW - FREE_S, NOW) == (Fault.NOBODY, True)


@pytest.mark.parametrize(
    ("found", "actor", "why", "expected"),
    [
        (order(Status.ASSIGNED), Actor.SHIPPER, CallingOff("price"), Fault.SHIPPER),
        (order(Status.ASSIGNED), Actor.DRIVER, CallingOff("breakdown"), Fault.DRIVER),
        (order(Status.ASSIGNED), Actor.SHIPPER, CallingOff("driver_late"), Fault.DRIVER),
        (order(Status.AT_PICKUP), Actor.SHIPPER, CallingOff("driver_late"), Fault.SHIPPER),
        (order(Status.ASSIGNED, ack_due=2), Actor.DRIVER, CallingOff("times_changed"), Fault.SHIPPER),
        (order(Status.ASSIGNED), Actor.DRIVER, CallingOff("times_changed"), Fault.DRIVER),
        (order(Status.ASSIGNED), Actor.ADMIN, CallingOff(fault=Fault.DRIVER), Fault.DRIVER),
    ],
)
def test_later_it_is_who_calls_off_but_for_what_the_desk_can_see(
    found: Order, actor: Actor, why: CallingOff, expected: Fault
) -> None:
    assert fault_of(found, actor, why, NOW - 2 * FREE_S, NOW + 1) == (expected, False)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.DRAFT])
def test_addresses_and_phones_are_for_the_parties_and_for_staff_with_the_right(status: Status) -> None:
    over = status in (Status.DELIVERED, Status.CLOSED, Status.CANCELLED, Status.EXPIRED)
    for ended in (NOW - GRACE_S + 1, NOW - GRACE_S - 1) if over else (None,):
        found = order(status, company=COMPANY, ended_at=ended)
        taken = found.driver is not None
        late = over and ended is not None and ended < NOW - GRACE_S
        sees = {
            "owner": (Viewer(Party(SHIPPER, Actor.SHIPPER)), True),
            "colleague": (Viewer(Party(6, Actor.SHIPPER, frozenset({COMPANY}))), True),
            "stranger": (Viewer(Party(6, Actor.SHIPPER, frozenset({1}))), False),
            "carrier": (Viewer(Party(DRIVER, Actor.DRIVER)), taken and not late),
            "driver": (Viewer(Party(10, Actor.DRIVER)), False),
            "same number, other role": (Viewer(Party(SHIPPER, Actor.DRIVER)), False),
            "logistician": (Viewer(Party(DRIVER, Actor.LOGISTICIAN)), False),
            "support": (Viewer(Party(1, Actor.ADMIN), "support"), True),
            "superadmin": (Viewer(Party(1, Actor.ADMIN), "superadmin"), True),
            "moderator": (Viewer(Party(1, Actor.ADMIN), "moderator"), False),
            "no grade": (Viewer(Party(1, Actor.ADMIN)), False),
        }
        assert {who: sees_private(found, viewer, NOW) for who, (viewer, _) in sees.items()} == {
            who: expected for who, (_, expected) in sees.items()
        }
        assert in_grace(found, NOW) == (taken and not late)
        met = taken and not late
        numbers = {
            "owner": (DRIVER,) if met else (),
            "colleague": (DRIVER,) if met else (),
            "carrier": (SHIPPER,) if met else (),
            **dict.fromkeys(("support", "superadmin"), (SHIPPER, DRIVER) if taken else (SHIPPER,)),
        }
        assert {who: sides_seen(found, viewer, NOW) for who, (viewer, _) in sees.items()} == {
            who: numbers.get(who, ()) for who in sees
        }


def test_an_order_stands_while_it_is_open_in_time_and_confirmed() -> None:
    assert order(confirm_by=NOW + 1).stands(NOW)
    assert not order(confirm_by=NOW).stands(NOW)
    assert not order().stands(NOW + 9e3)
    assert not replace(order(), status=Status.ASSIGNED).stands(NOW)
