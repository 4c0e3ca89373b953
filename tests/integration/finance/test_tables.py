"""Figures and tables as finance takes them away: JSON, CSV and XLSX read back, nothing in them a formula."""

import csv
import io
import time
from typing import Any
from uuid import UUID

import pytest
from openpyxl import load_workbook

from billing.access import DAY_S
from server.finance import tables
from server.sheets import writing
from tests.integration.board.test_board_http import Caller

from .conftest import MONEY, PRICE, Desk, entry


async def taken(who: Caller, table: str, lang: str = "ru", **query: object) -> tuple[int, bytes]:
    """The file of a table."""
    path = f"{MONEY}/tables/{table}/file?" + "&".join(f"{name}={value}" for name, value in query.items())
    async with who._http.get(path, headers={**who._headers, "Accept-Language": lang}) as answer:
        return answer.status, await answer.read()


async def as_rows(who: Caller, table: str, **query: object) -> list[list[str]]:
    status, raw = await taken(who, table, **query)
    assert status == 200, raw
    return list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))


async def test_payments_refunds_and_postings_of_a_time_are_read_back(desk: Desk) -> None:
    invoice, number = await desk.paid()
    refund = await desk.services.paying.refunds.request(desk.finance.user, UUID(invoice), 100_000, "часть")
    back = entry()
    await desk.services.paying.transfers.returned(desk.second.user, refund.id, back)

    head, *rows = await as_rows(desk.finance, "payments")
    assert head[:4] == ["Время", "Что произошло", "Счёт", "Номер пользователя"]
    assert [row[1:] for row in rows] == [
        ["Платёж", invoice, str(desk.driver.user), "Банковский перевод", number, "Подписка", "driver-month",
         "4990.0", "KZT", "Частично возвращён"]
    ]  # fmt: skip
    _, *rows = await as_rows(desk.finance, "refunds")
    assert [row[1:] for row in rows] == [
        ["Возврат", invoice, str(desk.driver.user), "Банковский перевод", back, number, "1000.0", "KZT",
         str(desk.finance.user), "", "часть"]
    ]  # fmt: skip
    _, *rows = await as_rows(desk.finance, "postings")
    assert sum(float(row[4]) for row in rows) == 0 and len(rows) == 8
    assert await as_rows(desk.finance, "payments", until=time.time() - 60) == [head]
    exports = await desk.actions("money.export")
    assert [(each["staff_id"], each["detail"]["table"], each["detail"]["rows"]) for each in exports] == [
        (desk.finance.user, "payments", "1"), (desk.finance.user, "refunds", "1"),
        (desk.finance.user, "postings", "8"), (desk.finance.user, "payments", "0"),
    ]  # fmt: skip
    assert (await taken(desk.support, "payments"))[0] == 403
    assert (await taken(desk.finance, "wishes"))[0] == 404
    assert (await taken(desk.finance, "payments", since=0, until=time.time()))[0] == 400
    assert len(await desk.actions("money.export")) == 4


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+7705", "-1+1", "@SUM(A1)"])
async def test_a_payer_s_name_is_no_formula_in_the_register_of_receipts(desk: Desk, name: str) -> None:
    await desk.services.pool.execute("UPDATE users SET name = $2 WHERE id = $1", desk.driver.user, name)
    invoice, number = await desk.paid()
    head, row = await as_rows(desk.finance, "receipts")
    line = dict(zip(head, row, strict=True))
    assert line["Плательщик"] == f"'{name}" and line["Сумма"] == "4990.0" and line["Возвращено"] == "0.0"
    assert line["Доступ с"] < line["Доступ до"]
    status, raw = await taken(desk.finance, "receipts", format="xlsx")
    assert status == 200
    sheet = load_workbook(io.BytesIO(raw)).active
    assert sheet is not None
    (cells,) = sheet.iter_rows(min_row=2)
    assert cells[3].value == name and cells[3].data_type == "s"
    assert (cells[1].value, cells[6].value, cells[9].value) == (invoice, number, 4990.0)
    assert cells[9].number_format == "#,##0.00"


async def test_too_much_for_one_file_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.paid()
    monkeypatch.setattr(writing, "MOST_ROWS", 3)
    status, raw = await taken(desk.finance, "postings")
    assert status == 422 and b"too_many_rows" in raw
    assert await desk.actions("money.export") == []


async def test_the_business_in_figures(desk: Desk) -> None:
    services = desk.services
    await desk.paid()
    await desk.paid(1_299_000, desk.other.user)
    await services.pool.execute("DELETE FROM access_entries WHERE user_id = $1", desk.second.user)
    status, told = await desk.support("GET", f"{MONEY}/figures", months=3)
    assert status == 200
    assert told["plans"] == [
        {"plan": "driver-month", "payers": 2, "mrr": {"amount": PRICE + 1_299_000, "currency": "KZT"}}
    ]
    assert told["currencies"] == [
        {"currency": "KZT", "payers": 2, "mrr": 1_798_000, "arpu": 899_000, "churn": None, "ltv": None}
    ]
    (month,) = told["months"]
    assert (month["new"], month["renewed"], month["at_start"], month["churn"]) == (2, 0, 0, None)
    assert month["month"] == time.strftime("%Y-%m", time.gmtime(told["at"] + 5 * 3600)), "Almaty"
    head, *rows = await as_rows(desk.finance, "mrr")
    assert rows == [["driver-month", "KZT", "2", "17980.0"]] and head[2] == "Плательщики"
    _, *rows = await as_rows(desk.finance, "months", months=1)
    assert [row[1:6] for row in rows] == [["KZT", "0", "2", "0", "0"]]
    assert (await as_rows(desk.finance, "trials"))[1:] == []


async def failing(desk: Desk, who: Caller, failures: int, ago_s: float, hopeless: bool) -> None:
    """A subscription whose renewals were declined."""
    pool = desk.services.pool
    await desk.paid(user=who.user)
    card = await pool.fetchval(
        "INSERT INTO saved_cards (user_id, provider, token, fingerprint, last_four, brand)"
        " VALUES ($1, 'sandbox', '\\x00', '\\x01', '4242', 'Visa') RETURNING id",
        who.user,
    )
    invoice = await desk.invoice(user=who.user)
    await pool.execute(
        "INSERT INTO payment_attempts (id, invoice_id, provider, kind, state, merchant, reason, advice)"
        " VALUES (gen_random_uuid(), $1::text::uuid, 'sandbox', 'charge', 'declined', true, $2, 'later')",
        invoice,
        "5051 InsufficientFunds",
    )
    await pool.execute(
        "UPDATE subscriptions SET card_id = $2, failures = $3, hopeless = $5, due_at = NULL,"
        " failed_at = clock_timestamp() - make_interval(secs => $4) WHERE user_id = $1",
        who.user, card, failures, ago_s, hopeless,
    )  # fmt: skip


async def test_failed_renewals_say_why_and_what_comes_next(desk: Desk) -> None:
    await failing(desk, desk.driver, 1, 3_600.0, hopeless=False)
    await failing(desk, desk.other, 2, 60.0, hopeless=True)
    _, page = await desk.support("GET", f"{MONEY}/dunning", limit=1)
    _, rest = await desk.support("GET", f"{MONEY}/dunning", limit=1, after=page["next"])
    newest, older = page["failing"][0], rest["failing"][0]
    assert (newest["user"], newest["failures"], newest["gave_up"]) == (desk.other.user, 2, True)
    assert newest["next"] == "warn" and newest["next_at"] == pytest.approx(newest["until"] - 3 * DAY_S)
    assert (older["user"], older["reason"], older["advice"]) == (
        desk.driver.user, "5051 InsufficientFunds", "later"
    )  # fmt: skip
    assert (older["state"], older["gave_up"], older["next"]) == ("active", False, "grace")
    assert older["next_at"] == pytest.approx(older["until"])
    _, last = await desk.support("GET", f"{MONEY}/dunning", limit=1, after=rest["next"])
    assert last == {"failing": [], "next": None}
    _, *rows = await as_rows(desk.finance, "dunning")
    assert [row[1] for row in rows] == [str(desk.other.user), str(desk.driver.user)]
    assert rows[1][5] == "5051 InsufficientFunds" and rows[1][7] == "Начнётся льготный срок"


async def test_every_table_is_a_file_of_an_empty_desk(desk: Desk) -> None:
    for table in tables.COLUMNS:
        rows: list[Any] = await as_rows(desk.finance, table)
        assert len(rows) == 1 and len(rows[0]) == len(tables.COLUMNS[table])
