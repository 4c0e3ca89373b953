"""The books as finance walks through them, and the check that says whether they are right."""

import asyncio
from uuid import UUID

import pytest

from server.config import load
from server.paying.verify import WHOLE, check

from .conftest import MONEY, PRICE, Desk, entry


async def test_accounts_come_page_by_page_and_a_statement_shows_the_balance_behind_each_line(
    desk: Desk,
) -> None:
    for n in range(5):
        await desk.paid(100_000 + n)
    refunded, _ = await desk.paid(PRICE)
    refunds = desk.services.paying.refunds
    refund = await refunds.request(desk.finance.user, UUID(refunded), None, "по заявлению")
    await desk.services.paying.transfers.returned(desk.finance.user, refund.id, entry())

    accounts: list[tuple[str, int]] = []
    _, page = await desk.support("GET", f"{MONEY}/accounts", limit=1)
    while page["next"] is not None:
        accounts += [(each["account"], each["balance"]["amount"]) for each in page["accounts"]]
        _, page = await desk.support("GET", f"{MONEY}/accounts", limit=1, after=page["next"])
    assert accounts == [
        ("bank:transfers", 500_010), ("revenue:subscriptions", -500_010), (f"user:{desk.driver.user}", 0)
    ]  # fmt: skip
    _, users = await desk.support("GET", f"{MONEY}/accounts", prefix="user:")
    assert [each["account"] for each in users["accounts"]] == [f"user:{desk.driver.user}"]

    lines: list[dict[str, int]] = []
    query = {"account": "bank:transfers", "limit": 3}
    _, page = await desk.support("GET", f"{MONEY}/statement", **query)
    while page["next"] is not None:
        lines += page["lines"]
        _, page = await desk.support("GET", f"{MONEY}/statement", **query, before=page["next"])
    lines += page["lines"]
    assert [line["amount"] for line in lines[:2]] == [-PRICE, PRICE]
    balance = 0
    for line in reversed(lines):
        balance += line["amount"]
        assert line["balance"] == balance
    assert balance == 500_010 and len(lines) == 7
    assert (await desk.support("GET", f"{MONEY}/statement", account="bank:transfers", currency="USD"))[1][
        "lines"
    ] == []

    newest = lines[0]
    _, booking = await desk.support("GET", f"{MONEY}/bookings/{newest['booking']}")
    assert booking["act"] == "refunded" and booking["invoice"] == refunded
    assert sum(posting["amount"]["amount"] for posting in booking["postings"]) == 0
    _, of_invoice = await desk.support("GET", f"{MONEY}/bookings", invoice=refunded)
    assert [each["act"] for each in of_invoice["bookings"]] == ["refunded", "granted", "paid"]
    _, of_user = await desk.support("GET", f"{MONEY}/bookings", user=desk.driver.user, limit=100)
    assert len(of_user["bookings"]) == 13
    assert (await desk.support("GET", f"{MONEY}/bookings/999999"))[0] == 404


async def test_the_money_is_checked_when_staff_ask_and_the_answer_says_when(desk: Desk) -> None:
    await desk.paid()
    checking = desk.services.finance.checking
    await desk.services.pool.execute("DELETE FROM money_checks")
    status, asked = await desk.finance("POST", f"{MONEY}/checks")
    assert status == 202 and asked["checks"][0]["ended_at"] is None
    assert len((await desk.second("POST", f"{MONEY}/checks"))[1]["checks"]) == 1, "one waits already"
    while await desk.services.pool.fetchval("SELECT ended_at IS NULL FROM money_checks"):
        await checking.once()  # or the loop of the server was faster
    _, told = await desk.support("GET", f"{MONEY}/checks")
    (made,) = told["checks"]
    assert (made["bookings"], made["invoices"], made["broken"], made["faults"]) == (2, 1, 0, [])
    assert made["asked_by"] == desk.finance.user and made["ended_at"] >= made["began_at"] >= made["asked_at"]
    assert await checking.once() is None, "the day's check was made"


async def test_a_fault_is_named_and_raises_an_alert(desk: Desk) -> None:
    await desk.paid()
    invoice = await desk.services.pool.fetchval("UPDATE invoices SET state = 'failed' RETURNING id::text")
    await desk.services.pool.execute("DELETE FROM money_checks")
    await desk.services.finance.checks.ask(desk.finance.user)
    while await desk.services.pool.fetchval("SELECT ended_at IS NULL FROM money_checks"):
        await desk.services.finance.checking.once()
    _, told = await desk.support("GET", f"{MONEY}/checks")
    (fault,) = told["checks"][0]["faults"]
    assert told["checks"][0]["broken"] == 1 and fault["kind"] == "state" and invoice in fault["what"]
    counted = desk.services.metrics.registry.get_sample_value(
        "desk_payment_alerts_total",
        {"worker": str(desk.services.config.worker), "provider": "books", "what": "money_wrong"},
    )
    assert counted == 1


async def test_of_many_workers_one_makes_the_day_s_check_once_there_is_a_day_to_check(desk: Desk) -> None:
    pool, checks = desk.services.pool, desk.services.finance.checks
    await desk.paid()
    assert await checks.claim() is None, "nothing here is a day old"
    await pool.execute(
        "INSERT INTO invoices (id, user_id, purpose, plan, amount, currency, provider, lang, created_at,"
        " expires_at) VALUES (gen_random_uuid(), $1, 'subscription', 'driver-month', 100, 'KZT', 'transfer', 'ru',"
        " now() - interval '25 hours', now())",
        desk.driver.user,
    )
    claimed = await asyncio.gather(*(checks.claim() for _ in range(8)))
    assert sum(each is not None for each in claimed) <= 1, "the loop of the server may have been the one"
    assert await pool.fetchval("SELECT count(*) FROM money_checks") == 1


async def test_a_check_by_hand_is_remembered_too(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    await desk.paid()
    assert await check(load(desk.server.environ), as_json=True) == WHOLE
    assert '"broken": 0' in capsys.readouterr().out
    _, told = await desk.support("GET", f"{MONEY}/checks")
    assert told["checks"][0]["asked_by"] is None and told["checks"][0]["bookings"] == 2
