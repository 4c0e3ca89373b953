"""The log of what acquirers said: alerts first, bodies under seal, replays that change nothing twice."""

import time
from typing import Any
from uuid import uuid4

import pytest

from billing.acquiring import Kind, Notification, State, Transaction
from billing.money import Currency, Money
from server.gateways.acquiring.notices import write
from storage.billing import inbox as inbox_module
from storage.billing.invoices import NewInvoice

from .conftest import MONEY, PRICE, Desk

HEADERS = {"content-type": "application/x-www-form-urlencoded", "x-request-id": "abc"}


async def sandbox_invoice(desk: Desk) -> str:
    new = NewInvoice(
        uuid4(), desk.driver.user, "sandbox", Money(PRICE, Currency.KZT), 3_600.0, "subscription", "driver-month",
        0, "KZ", 30 * 86_400.0, "Водитель, месяц", "ru",
    )  # fmt: skip
    return str((await desk.services.paying.invoices.add(new)).id)


def payment(desk: Desk, invoice: str, number: str, minor: int = PRICE) -> Transaction:
    money = Money(minor, Currency.KZT)
    return Transaction(number, State.PAID, money, invoice, str(desk.driver.user), float(int(time.time())))


async def told(desk: Desk, made: Transaction) -> int:
    """Has it come by the webhook; the number of its row."""
    await desk.services.paying.inbox.receive(
        "sandbox", Notification(Kind.PAY, made.id, made), raw=write(Kind.PAY, made), headers=HEADERS
    )
    return await row_of(desk, made.id)


async def row_of(desk: Desk, key: str) -> int:
    number: int = await desk.services.pool.fetchval("SELECT id FROM payment_inbox WHERE key = $1", key)
    return number


async def page(desk: Desk, **wanted: object) -> dict[str, Any]:
    status, found = await desk.finance("GET", f"{MONEY}/notices", **wanted)
    assert status == 200, found
    answer: dict[str, Any] = found
    return answer


async def test_alerts_that_nobody_cleared_up_come_first_whatever_the_page(desk: Desk) -> None:
    wrong = await told(desk, payment(desk, await sandbox_invoice(desk), "9001", PRICE - 1))
    fine = [await told(desk, payment(desk, await sandbox_invoice(desk), f"91{n:02}")) for n in range(3)]
    unknown = await told(desk, payment(desk, str(uuid4()), "9002"))
    calm = await told(desk, payment(desk, await sandbox_invoice(desk), "9200"))
    wanted = [unknown, wrong, calm, *reversed(fine)]
    seen: list[int] = []
    found = await page(desk, limit=2)
    while True:
        seen += [each["notice"] for each in found["notices"]]
        if found["next"] is None:
            break
        found = await page(desk, limit=2, after=found["next"])
    assert seen == wanted
    note = {"note": "клиент ошибся суммой, вернули"}
    assert (await desk.support("POST", f"{MONEY}/notices/{wrong}/settle", note))[0] == 403
    assert (await desk.finance("POST", f"{MONEY}/notices/{wrong}/settle", note))[0] == 204
    assert (await desk.second("POST", f"{MONEY}/notices/{wrong}/settle", note))[1]["code"] == "case_closed"
    assert (await desk.second("POST", f"{MONEY}/notices/{calm}/settle", note))[1]["code"] == "not_found"
    listed = (await page(desk))["notices"]
    assert [each["notice"] for each in listed] == [unknown, calm, *reversed(fine), wrong]
    assert (listed[-1]["alert"], listed[-1]["note"], listed[-1]["settled_by"]) == (
        False, note["note"], desk.finance.user
    )  # fmt: skip
    assert [each["notice"] for each in (await page(desk, verdict="unknown_invoice"))["notices"]] == [unknown]
    assert (await page(desk, provider="cloudpayments"))["notices"] == []
    assert len((await page(desk, kind="pay", source="notice", since=time.time() - 60))["notices"]) == 6
    assert (await page(desk, until=time.time() - 60))["notices"] == []


async def test_a_body_is_read_under_a_second_factor_and_each_look_is_written_down(desk: Desk) -> None:
    made = payment(desk, await sandbox_invoice(desk), "9300")
    notice = await told(desk, made)
    path = f"{MONEY}/notices/{notice}/body"
    assert (await desk.support("GET", path))[0] == 403
    status, body = await desk.finance("GET", path)
    assert status == 200 and body["text"] == write(Kind.PAY, made).decode() and body["headers"] == HEADERS
    assert [look["detail"] for look in await desk.actions("notice.view")] == [{"notice": str(notice)}]
    learnt = await desk.services.paying.inbox.learn("sandbox", payment(desk, str(uuid4()), "9301"), "found")
    assert learnt is not None
    bare = await row_of(desk, "9301")
    assert (await desk.finance("GET", f"{MONEY}/notices/{bare}/body"))[1]["code"] == "not_found"
    listed = {each["notice"]: each["body"] for each in (await page(desk))["notices"]}
    assert listed == {notice: True, bare: False}


async def test_a_replay_of_what_was_applied_changes_nothing_however_often(desk: Desk) -> None:
    notice = await told(desk, payment(desk, await sandbox_invoice(desk), "9400"))
    pool = desk.services.pool
    before = await pool.fetchval("SELECT count(*) FROM ledger_postings")
    for _ in range(2):
        status, made = await desk.finance("POST", f"{MONEY}/notices/{notice}/replay")
        assert status == 200
        assert made == {"notice": notice, "read": 1, "stored": 0, "booked": 0, "verdicts": ["applied"]}
    assert await pool.fetchval("SELECT count(*) FROM ledger_postings") == before
    assert await pool.fetchval("SELECT count(*) FROM access_entries WHERE kind = 'paid'") == 1
    assert len(await desk.actions("notice.replay")) == 2


async def test_what_could_not_be_read_once_is_applied_when_it_can(desk: Desk) -> None:
    invoice = await sandbox_invoice(desk)
    raw = write(Kind.PAY, payment(desk, invoice, "9500"))
    # As it was stored by code that could not read it.
    await desk.services.paying.inbox.unreadable("sandbox", "pay", raw, HEADERS)
    (notice,) = (await page(desk))["notices"]
    assert (notice["verdict"], notice["alert"]) == ("malformed", True)
    path = f"{MONEY}/notices/{notice['notice']}/replay"
    assert (await desk.finance("POST", path))[1] == {
        "notice": notice["notice"], "read": 1, "stored": 1, "booked": 2, "verdicts": ["applied"]
    }  # fmt: skip
    assert (await desk.second("POST", path))[1]["stored"] == 0
    _, file = await desk.finance("GET", f"{MONEY}/invoices/{invoice}")
    assert file["invoice"]["state"] == "paid" and len(file["bookings"]) == 2
    assert (await desk.driver("GET", "/api/v1/me/subscription"))[1]["state"] == "active"
    await desk.services.paying.inbox.unreadable("sandbox", "pay", b"\xff\xfe nothing", HEADERS)
    (newest, *_) = (await page(desk))["notices"]
    status, refused = await desk.finance("POST", f"{MONEY}/notices/{newest['notice']}/replay")
    assert (status, refused["code"]) == (422, "notice_unreadable")
    _, body = await desk.finance("GET", f"{MONEY}/notices/{newest['notice']}/body")
    assert body["text"] is None and body["base64"] == "//4gbm90aGluZw=="


async def test_a_replay_books_what_a_fault_of_ours_has_left_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = await sandbox_invoice(desk)

    async def forgets(*_: object) -> list[object]:
        return []

    with monkeypatch.context() as broken:
        broken.setattr(inbox_module, "append", forgets)
        notice = await told(desk, payment(desk, invoice, "9600"))
    assert await desk.services.pool.fetchval("SELECT count(*) FROM ledger_transactions") == 0
    _, made = await desk.finance("POST", f"{MONEY}/notices/{notice}/replay")
    assert (made["stored"], made["booked"]) == (0, 2)
    assert (await desk.finance("POST", f"{MONEY}/notices/{notice}/replay"))[1]["booked"] == 0
    assert (await desk.driver("GET", "/api/v1/me/subscription"))[1]["state"] == "active"


async def test_forgeries_are_counted_by_acquirer(desk: Desk) -> None:
    for _ in range(2):
        async with desk.driver._http.post(
            "/hooks/acquirers/sandbox/pay", data=b"Amount=1", headers={"Content-HMAC": "bm8="}
        ) as answer:
            assert answer.status == 401
    (forged,) = (await page(desk))["forged"]
    assert (forged["provider"], forged["kept"], forged["day"]) == ("sandbox", 2, 2)


async def test_a_difference_is_settled_with_a_note_once(desk: Desk) -> None:
    pool = desk.services.pool
    number = await pool.fetchval(
        "INSERT INTO payment_differences (provider, kind, transaction, currency, ours, theirs)"
        " VALUES ('sandbox', 'other_amount', '77', 'KZT', 100, 90) RETURNING id"
    )
    await pool.execute(
        "INSERT INTO reconciliations (provider, upto, due_at, ran_at, listed, differences)"
        " VALUES ('cloudpayments', now(), now(), now(), 5, 1)"
    )
    path = f"{MONEY}/differences"
    _, found = await desk.support("GET", path)
    (difference,) = found["differences"]
    assert (difference["kind"], difference["ours"], difference["theirs"]) == ("other_amount", 100, 90)
    assert [mark["listed"] for mark in found["compared"] if mark["provider"] == "cloudpayments"] == [5]
    note = {"note": "комиссия удержана из суммы"}
    assert (await desk.support("POST", f"{path}/{number}/settle", note))[0] == 403
    assert (await desk.finance("POST", f"{path}/{number}/settle", note))[0] == 204
    assert (await desk.second("POST", f"{path}/{number}/settle", note))[0] == 404
    assert (await desk.support("GET", path))[1]["differences"] == []
    _, everything = await desk.support("GET", path, all="true")
    assert everything["differences"][0]["note"] == note["note"]
