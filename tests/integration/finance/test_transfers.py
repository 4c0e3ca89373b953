"""A plan is paid by transfer: from the price to the open board, with everything that can go wrong between."""

import asyncio
from uuid import UUID

import pytest

from server.paying.bank import BankDetails
from storage.postgres import transaction
from tests import papers

from .conftest import MONEY, PRICE, Desk, entry

BEGIN = "/api/v1/me/subscription/transfer"
MINE = "/api/v1/me/transfers"


async def shown(desk: Desk, invoice: str) -> int:
    """Sends a slip for an invoice of the driver's; its number."""
    _, file = await desk.upload(desk.driver)
    status, view = await desk.driver("POST", f"{MINE}/{invoice}/slips", {"file": file["file"]})
    assert status == 201, view
    slip: int = view["slips"][-1]["slip"]
    return slip


async def test_a_transfer_from_the_price_to_the_open_board(desk: Desk) -> None:
    await desk.services.subscriptions.set_end(desk.second.user, desk.driver.user, 1.0, "none", "")
    assert (await desk.driver("GET", "/api/v1/board"))[0] == 402
    status, made = await desk.driver("POST", BEGIN, {"plan": "driver-month"}, {"Accept-Language": "ru"})
    assert status == 201 and made["amount"] == {"amount": PRICE, "currency": "KZT"}
    assert made["reference"] == f"TD-{made['invoice'][:8].upper()}"
    assert (
        made["pay_to"]["account"] == "KZ86125KZT5004100100" and made["pay_to"]["recipient"] == "ТОО «Пример»"
    )
    assert "4 990" in made["steps"][0].replace("\xa0", " ") and made["reference"] in made["steps"][1]
    assert desk.driver.answer_headers["Location"] == f"{MINE}/{made['invoice']}"
    assert (await desk.driver("POST", BEGIN, {"plan": "driver-month"}))[1]["invoice"] == made["invoice"]

    slip = await shown(desk, made["invoice"])
    _, queue = await desk.finance("GET", f"{MONEY}/slips")
    (waiting,) = queue["slips"]
    assert (waiting["slip"], waiting["reference"], waiting["amount"]) == (
        slip,
        made["reference"],
        made["amount"],
    )
    _, found = await desk.support(
        "GET", f"{MONEY}/search", reference=made["reference"].lower().replace("td", "TD")
    )
    assert [each["invoice"] for each in found["invoices"]] == [made["invoice"]]

    number = entry()
    path = f"{MONEY}/invoices/{made['invoice']}/received"
    status, paid = await desk.finance("POST", path, {"entry": number, "note": "выписка за 28.11"})
    assert status == 200 and paid["state"] == "paid"
    assert (await desk.driver("GET", "/api/v1/board"))[0] == 200
    _, mine = await desk.driver("GET", f"{MINE}/{made['invoice']}")
    assert mine["state"] == "paid" and mine["slips"][0]["state"] == "received"
    assert (await desk.finance("GET", f"{MONEY}/slips"))[1]["slips"] == []
    (action,) = await desk.actions("transfer.received")
    assert action["user_id"] == desk.driver.user and action["detail"]["entry"] == number
    assert await desk.services.pool.fetchval("SELECT sum(amount) FROM ledger_postings") == 0
    # Said once more it changes nothing.
    assert (await desk.second("POST", path, {"entry": number}))[0] == 200
    assert len(await desk.actions("transfer.received")) == 1


async def test_a_price_that_was_locked_is_the_price_of_the_transfer(desk: Desk) -> None:
    async with transaction(desk.services.pool) as connection:
        await connection.execute(
            "INSERT INTO loyalty_entries (user_id, kind, cause, plan, currency, minor)"
            " VALUES ($1, 'price_lock', 'lock:1', 'driver-month', 'KZT', 299000)",
            desk.driver.user,
        )
    _, made = await desk.driver("POST", BEGIN, {"plan": "driver-month"})
    assert made["amount"]["amount"] == 299_000


async def test_a_slip_is_kept_without_what_the_camera_wrote_and_every_look_is_written_down(
    desk: Desk,
) -> None:
    slip = await shown(desk, await desk.invoice())
    path = f"{MONEY}/slips/{slip}/file"
    for looking in (desk.finance, desk.second, desk.finance):
        async with looking._http.get(path, headers=looking._headers) as answer:
            body = await answer.read()
            assert answer.status == 200 and answer.content_type == "image/jpeg"
            assert answer.headers["Content-Disposition"] == f'attachment; filename="slip-{slip}.jpg"'
            assert b"SECRET-CAMERA" not in body and b"Exif" not in body
    looks = await desk.actions("slip.view")
    assert [look["staff_id"] for look in looks] == [desk.finance.user, desk.second.user, desk.finance.user]
    assert {look["user_id"] for look in looks} == {desk.driver.user}
    assert (await desk.support("GET", path))[0] == 403, "support sees the list, not the papers of banks"
    assert len(await desk.actions("slip.view")) == 3


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<html><script>alert(1)</script></html>" + b" " * 64, "file_type"),
        (papers.png_bomb(), "file_too_large"),
        (papers.pdf(1, papers.with_script), "file_unsafe"),
        (papers.jpeg()[:200], "file_broken"),
    ],
)
async def test_hostile_uploads_never_become_slips(desk: Desk, body: bytes, code: str) -> None:
    status, refused = await desk.upload(desk.driver, body)
    assert status >= 400 and refused["code"] == code
    assert await desk.services.pool.fetchval("SELECT count(*) FROM files") == 0


async def test_only_an_upload_of_the_payer_s_own_is_his_slip_and_only_once(desk: Desk) -> None:
    invoice = await desk.invoice()
    path = f"{MINE}/{invoice}/slips"
    _, strange = await desk.upload(desk.other)
    assert (await desk.driver("POST", path, {"file": strange["file"]}))[1]["code"] == "not_found"
    _, own = await desk.upload(desk.driver)
    assert (await desk.other("POST", path, {"file": strange["file"]}))[1]["code"] == "not_found"
    assert (await desk.driver("POST", path, {"file": own["file"]}))[0] == 201
    _, more = await desk.upload(desk.driver)
    assert (await desk.driver("POST", path, {"file": more["file"]}))[1]["code"] == "payment_under_way"
    again = await desk.invoice()
    held = await desk.driver("POST", f"{MINE}/{again}/slips", {"file": own["file"]})
    assert held[1]["code"] == "file_held"


async def test_who_is_turned_down_is_told_why_and_may_send_another(desk: Desk) -> None:
    invoice = await desk.invoice()
    slip = await shown(desk, invoice)
    why = "сумма не совпадает: пришло 4 900"
    path = f"{MONEY}/slips/{slip}/turn-down"
    status, decided = await desk.finance("POST", path, {"reason": why})
    assert status == 200 and decided["state"] == "turned_down"
    assert (await desk.second("POST", path, {"reason": why}))[1]["code"] == "case_closed"
    _, mine = await desk.driver("GET", f"{MINE}/{invoice}")
    assert mine["slips"][0]["reason"] == why and mine["state"] == "created"
    told = await desk.services.pool.fetch("SELECT user_id FROM outbox WHERE kind = 'transfer.refused'")
    assert [row["user_id"] for row in told] == [desk.driver.user]
    await shown(desk, invoice)
    for _ in range(3):
        _, queue = await desk.finance("GET", f"{MONEY}/slips")
        await desk.finance("POST", f"{MONEY}/slips/{queue['slips'][0]['slip']}/turn-down", {"reason": why})
        await shown(desk, invoice)
    _, queue = await desk.finance("GET", f"{MONEY}/slips")
    await desk.finance("POST", f"{MONEY}/slips/{queue['slips'][0]['slip']}/turn-down", {"reason": why})
    _, file = await desk.upload(desk.driver)
    full = await desk.driver("POST", f"{MINE}/{invoice}/slips", {"file": file["file"]})
    assert full[1]["code"] == "limit_reached"
    _, decided = await desk.finance("GET", f"{MONEY}/slips", state="turned_down", limit=3)
    _, rest = await desk.finance("GET", f"{MONEY}/slips", state="turned_down", limit=3, after=decided["next"])
    numbers = [each["slip"] for each in decided["slips"] + rest["slips"]]
    assert len(numbers) == 5 and numbers == sorted(numbers, reverse=True)


async def test_an_entry_of_the_bank_pays_one_invoice(desk: Desk) -> None:
    _, used = await desk.paid()
    invoice = await desk.invoice()
    path = f"{MONEY}/invoices/{invoice}/received"
    status, refused = await desk.finance("POST", path, {"entry": used})
    assert (status, refused["code"]) == (409, "entry_used")
    assert (await desk.finance("GET", f"{MONEY}/invoices/{invoice}"))[1]["invoice"]["state"] == "created"


async def test_of_two_who_confirm_one_transfer_under_different_entries_one_is_first(desk: Desk) -> None:
    invoice = await desk.invoice()
    path = f"{MONEY}/invoices/{invoice}/received"
    answers = await asyncio.gather(
        *(who("POST", path, {"entry": entry()}) for who in (desk.finance, desk.second) for _ in range(3))
    )
    assert sorted(status for status, _ in answers) == [200, 409, 409, 409, 409, 409]
    assert {told["code"] for status, told in answers if status == 409} == {"invoice_closed"}
    bookings = await desk.services.paying.ledger.lines(None, 10, invoice=UUID(invoice))
    assert [line.booking.act for line in bookings] == ["granted", "paid"]


async def test_money_that_came_twice_is_said_so_and_goes_back_by_the_bank(desk: Desk) -> None:
    invoice, _ = await desk.paid()
    path = f"{MONEY}/invoices/{invoice}/received"
    status, _ = await desk.finance("POST", path, {"entry": entry(), "again": True})
    assert status == 200
    _, file = await desk.finance("GET", f"{MONEY}/invoices/{invoice}")
    (refund,) = file["refunds"]
    assert (refund["cause"], refund["state"], refund["amount"]["amount"]) == ("double", "approved", PRICE)
    assert file["owed"] == PRICE
    back = f"{MONEY}/refunds/{refund['refund']}/returned"
    status, done = await desk.finance("POST", back, {"entry": entry()})
    assert status == 200 and done["state"] == "done"
    _, file = await desk.finance("GET", f"{MONEY}/invoices/{invoice}")
    assert file["owed"] == 0 and file["invoice"]["state"] == "paid"
    assert await desk.services.paying.ledger.balance("bank:transfers") == {"KZT": PRICE}


async def test_a_transfer_in_a_money_that_no_account_takes_is_refused(desk: Desk) -> None:
    status, refused = await desk.driver("POST", BEGIN, {"plan": "driver-month", "currency": "USD"})
    assert (status, refused["code"]) == (422, "currency_refused")


async def test_a_desk_without_an_account_offers_no_transfers(desk: Desk) -> None:
    desk.services.transferring.bank = BankDetails()
    status, refused = await desk.driver("POST", BEGIN, {"plan": "driver-month"})
    assert (status, refused["code"]) == (503, "payment_unavailable")


async def test_an_erased_payer_takes_the_picture_along(desk: Desk) -> None:
    invoice = await desk.invoice()
    slip = await shown(desk, invoice)
    pool = desk.services.pool
    name = await pool.fetchval("SELECT name FROM files WHERE owner_id = $1", desk.driver.user)
    await pool.execute(
        "INSERT INTO erasures (user_id, due_at) VALUES ($1, now() - interval '1 minute')", desk.driver.user
    )
    erased = await desk.services.erasures.erase(desk.driver.user, desk.services.now())
    assert erased is not None and name in erased.files
    row = await pool.fetchrow("SELECT file_id, user_id FROM transfer_slips WHERE id = $1", slip)
    assert (row["file_id"], row["user_id"]) == (None, desk.driver.user)
    status, gone = await desk.finance("GET", f"{MONEY}/slips/{slip}/file")
    assert (status, gone["code"]) == (404, "not_found")
