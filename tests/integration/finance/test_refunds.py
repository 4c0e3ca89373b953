"""Refunds by two people, and invoices as finance finds them."""

import asyncio

from .conftest import MONEY, PRICE, Desk, entry

LARGE = 6_000_000  # above the limit that one person may give back


async def asked(desk: Desk, minor: int = LARGE, **form: object) -> dict[str, object]:
    invoice, _ = await desk.paid(minor)
    path = f"{MONEY}/invoices/{invoice}/refunds"
    status, refund = await desk.finance("POST", path, {"reason": "по заявлению клиента", **form})
    assert status == 201, refund
    answer: dict[str, object] = refund
    return answer


async def test_a_small_refund_goes_at_once_and_a_large_one_waits_for_a_second_person(desk: Desk) -> None:
    assert (await asked(desk, PRICE))["state"] == "approved"
    refund = await asked(desk)
    assert refund["state"] == "requested" and refund["amount"] == {"amount": LARGE, "currency": "KZT"}
    _, waiting = await desk.second("GET", f"{MONEY}/refunds", state="requested")
    assert [each["refund"] for each in waiting["refunds"]] == [refund["refund"]]
    path = f"{MONEY}/refunds/{refund['refund']}"
    back = {"entry": entry()}
    assert (await desk.finance("POST", f"{path}/returned", back))[1]["code"] == "refund_closed"
    assert (await desk.finance("POST", f"{path}/approve"))[1]["code"] == "second_approver"
    status, approved = await desk.second("POST", f"{path}/approve")
    assert status == 200 and approved["state"] == "approved"
    assert (approved["requested_by"], approved["approved_by"]) == (desk.finance.user, desk.second.user)
    status, done = await desk.finance("POST", f"{path}/returned", back)
    assert status == 200 and (done["state"], done["reference"]) == ("done", back["entry"])
    _, file = await desk.finance("GET", f"{MONEY}/invoices/{refund['invoice']}")
    assert file["invoice"]["state"] == "refunded" and file["refunded"] == LARGE
    assert {booking["act"] for booking in file["bookings"]} == {"paid", "granted", "refunded"}
    assert [action["staff_id"] for action in await desk.actions("refund.approve")] == [desk.second.user]


async def test_of_people_who_decide_one_refund_at_the_same_moment_one_is_first(desk: Desk) -> None:
    for _ in range(4):
        refund = await asked(desk)
        path = f"{MONEY}/refunds/{refund['refund']}"
        answers = await asyncio.gather(
            desk.second("POST", f"{path}/approve"),
            desk.second("POST", f"{path}/approve"),
            desk.finance("POST", f"{path}/turn-down", {"reason": "ошиблись счётом"}),
            desk.second("POST", f"{path}/turn-down", {"reason": "ошиблись счётом"}),
        )
        assert sorted(status for status, _ in answers) == [200, 409, 409, 409]
        assert {told["code"] for status, told in answers if status == 409} == {"refund_closed"}
    decided = len(await desk.actions("refund.approve")) + len(await desk.actions("refund.turn_down"))
    assert decided == 4


async def test_an_entry_gives_one_refund_back(desk: Desk) -> None:
    first, second = await asked(desk, PRICE), await asked(desk, PRICE)
    used = {"entry": entry()}
    assert (await desk.finance("POST", f"{MONEY}/refunds/{first['refund']}/returned", used))[0] == 200
    status, refused = await desk.finance("POST", f"{MONEY}/refunds/{second['refund']}/returned", used)
    assert (status, refused["code"]) == (409, "entry_used")
    _, file = await desk.finance("GET", f"{MONEY}/invoices/{second['invoice']}")
    assert file["refunds"][0]["state"] == "approved" and file["refunded"] == 0


async def test_parts_may_go_back_and_together_no_more_than_was_paid(desk: Desk) -> None:
    refund = await asked(desk, PRICE, amount=100_000)
    path = f"{MONEY}/invoices/{refund['invoice']}/refunds"
    why = {"reason": "и ещё часть"}
    status, refused = await desk.finance("POST", path, {**why, "amount": PRICE - 99_999})
    assert (status, refused["code"]) == (422, "refund_too_much")
    status, rest = await desk.finance("POST", path, why)
    assert status == 201 and rest["amount"]["amount"] == PRICE - 100_000
    unpaid = await desk.invoice()
    status, refused = await desk.finance("POST", f"{MONEY}/invoices/{unpaid}/refunds", why)
    assert (status, refused["code"]) == (409, "invoice_closed")


async def test_money_moves_only_behind_a_fresh_second_factor(desk: Desk) -> None:
    refund = await asked(desk)
    invoice = await desk.invoice()
    old = desk.without_factor(desk.second)
    tries = {
        f"{MONEY}/refunds/{refund['refund']}/approve": None,
        f"{MONEY}/refunds/{refund['refund']}/turn-down": {"reason": "нет"},
        f"{MONEY}/refunds/{refund['refund']}/returned": {"entry": entry()},
        f"{MONEY}/invoices/{refund['invoice']}/refunds": {"reason": "нет"},
        f"{MONEY}/invoices/{invoice}/received": {"entry": entry()},
        f"{MONEY}/notices/1/replay": None,
        f"{MONEY}/slips/1/turn-down": {"reason": "нет"},
    }
    for path, form in tries.items():
        status, refused = await old("POST", path, form)
        assert (status, refused["code"]) == (403, "step_up_required"), path
    assert (await old("GET", f"{MONEY}/notices/1/body"))[1]["code"] == "step_up_required"
    assert (await old("GET", f"{MONEY}/refunds"))[0] == 200


async def test_invoices_are_found_by_what_they_are_page_by_page(desk: Desk) -> None:
    made = [await desk.invoice(100_000 + n) for n in range(5)]
    paid, number = await desk.paid(700_000, desk.other.user)
    path = f"{MONEY}/invoices"

    async def found(**wanted: object) -> list[str]:
        status, page = await desk.support("GET", path, **wanted)
        assert status == 200, page
        return [each["invoice"] for each in page["invoices"]]

    assert await found() == [paid, *reversed(made)]
    assert await found(user=desk.driver.user) == made[::-1]
    assert await found(state="paid") == [paid] == await found(user=desk.other.user)
    assert await found(least=100_001, most=100_003) == [made[3], made[2], made[1]]
    assert await found(provider="transfer", purpose="subscription", plan="driver-month", currency="KZT") == [
        paid, *reversed(made)
    ]  # fmt: skip
    assert await found(provider="sandbox") == [] == await found(currency="USD") == await found(plan="x-y")
    _, page = await desk.support("GET", path)
    at = {each["invoice"]: each["created_at"] for each in page["invoices"]}
    assert await found(until=at[made[2]]) == [made[1], made[0]]
    assert await found(since=at[made[2]], until=at[made[4]]) == [made[3], made[2]]
    seen: list[str] = []
    _, page = await desk.support("GET", path, limit=2)
    while page["next"] is not None:
        seen += [each["invoice"] for each in page["invoices"]]
        _, page = await desk.support("GET", path, limit=2, before=page["next"])
    assert seen + [each["invoice"] for each in page["invoices"]] == [paid, *reversed(made)]

    _, by_entry = await desk.support("GET", f"{MONEY}/search", transaction=number)
    assert [each["invoice"] for each in by_entry["invoices"]] == [paid]
    assert [each["transaction"] for each in by_entry["notices"]] == [number]
    assert [each["act"] for each in by_entry["bookings"]] == ["paid"]
    status, refused = await desk.support("GET", f"{MONEY}/search")
    assert (status, refused["code"]) == (400, "bad_request")
    assert (await desk.support("GET", f"{MONEY}/search", transaction="nothing"))[1]["invoices"] == []
