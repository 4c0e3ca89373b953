"""A payment over HTTP, as the phones of both sides meet it, and what others learn of it."""

import csv
import io
import uuid

import aiohttp

from tests.e2e.socket.wire import signed_in
from tests.integration.orders.market import STEPS, Market
from tests.integration.orders.test_http import calling
from tests.served import LocalServer


async def _haul(server: LocalServer) -> int:
    driver, market = server.accounts["drivers"][0], Market(server.services.pool)
    load = {"body": driver["body"], "weight_kg": 100.0, "volume_m3": 1.0}
    order = await market.order(server.accounts["shippers"][0]["user"], **load)
    offers = await market.offer(order, [driver["user"]])
    await market.orders.accept(driver["user"], offers[driver["user"]], uuid.uuid4())
    for step in STEPS:
        await market.orders.advance(driver["user"], order.id, step)
    return order.id


async def test_a_payment_is_marked_contested_and_confirmed_and_both_sockets_hear_each_word(
    server: LocalServer,
) -> None:
    order = await _haul(server)
    path = f"/api/v1/orders/{order}/payments"
    sides = server.accounts["shippers"][0], server.accounts["drivers"][0]
    async with (
        calling(server, sides[0]) as shipper,
        calling(server, sides[1]) as driver,
        signed_in(server, sides[0]) as shippers_page,
        signed_in(server, sides[1]) as drivers_phone,
    ):

        async def heard(event: str) -> None:
            for socket in (shippers_page, drivers_phone):
                assert (await socket.receive("order.changed"))["event"] == event

        status, seen = await driver("GET", path)
        assert (status, seen["side"], seen["state"], seen["outstanding"], seen["payments"]) == (
            200, "driver", "open", 46_360_000, [],
        )  # fmt: skip
        form = {"amount": 46_000_000, "method": "card", "reference": "п/п 17"}
        key = {"Idempotency-Key": "paid-once"}
        status, marked = await shipper("POST", path, form, **key)
        assert (status, marked["state"]) == (201, "marked")
        assert (await shipper("POST", path, form, **key))[1] == marked
        await heard("payment_marked")
        (payment,) = marked["payments"]
        assert (payment["amount"], payment["method"], payment["reference"], payment["driver_at"]) == (
            46_000_000, "card", "п/п 17", None,
        )  # fmt: skip
        one = f"{path}/{payment['payment']}"
        assert (await shipper("POST", f"{one}/confirm"))[0] == 403
        assert (await driver("POST", f"{one}/withdraw"))[0] == 403
        assert (await driver("POST", path, {"amount": 46_360_000}))[1]["code"] == "payment_differs"
        status, seen = await driver("POST", f"{one}/contest", {"reason": "wrong_amount", "note": "мало"})
        assert (status, seen["state"], seen["payments"][0]["reason"]) == (200, "contested", "wrong_amount")
        await heard("payment_contested")
        assert (await shipper("POST", f"/api/v1/orders/{order}/close", {}))[1]["code"] == "payment_contested"
        status, seen = await shipper("POST", path, {})
        assert [(each["amount"], each["state"]) for each in seen["payments"]] == [
            (46_000_000, "withdrawn"),
            (46_360_000, "waiting"),
        ]
        await heard("payment_marked")
        status, seen = await driver("POST", path, {})
        assert (status, seen["state"], seen["outstanding"], seen["overdue"]) == (201, "paid", 0, False)
        await heard("payment_confirmed")
        _, detail = await shipper("GET", f"/api/v1/orders/{order}")
        assert [line["kind"] for line in detail["events"]][-4:] == [
            "payment_marked", "payment_contested", "payment_marked", "payment_confirmed",
        ]  # fmt: skip


async def test_words_that_cannot_be_said_name_why(server: LocalServer) -> None:
    order = await _haul(server)
    path = f"/api/v1/orders/{order}/payments"
    async with (
        calling(server, server.accounts["shippers"][0]) as shipper,
        calling(server, server.accounts["drivers"][0]) as driver,
    ):
        status, refusal = await driver("POST", f"{path}/missed", {})
        assert (status, refusal["code"]) == (409, "payment_early")
        status, refusal = await shipper("POST", path, {"kind": "prepayment"})  # the terms ask for none
        assert (status, refusal["code"], refusal["path"]) == (422, "payment_amount", "amount")
        status, refusal = await shipper("POST", path, {"paid_at": 1_000_000_000})
        assert (status, refusal["code"], refusal["path"]) == (422, "payment_date", "paid_at")
        assert (await driver("POST", f"{path}/77/confirm"))[0] == 404
        await server.services.pool.execute("UPDATE remittances SET due_at = now() - interval '1 h'")
        status, seen = await driver("POST", f"{path}/missed", {"note": "ждал", "dispute": True})
        assert (status, seen["state"], seen["overdue"]) == (200, "contested", True)
        assert (await shipper("GET", path))[1]["missed_note"] == "ждал"
        _, dispute = await shipper("GET", f"/api/v1/orders/{order}/dispute")
        assert (dispute["code"], dispute["amount"], dispute["side"]) == ("payment", 46_360_000, "driver")


async def test_profile_card_and_table_tell_how_a_shipper_pays(server: LocalServer) -> None:
    orders = [await _haul(server) for _ in range(3)]
    owner, pool = server.accounts["shippers"][0], server.services.pool
    company = await pool.fetchval(
        "INSERT INTO companies (legal_name, country, bin) VALUES ('ТОО Алма', 'KZ', '1') RETURNING id"
    )
    await pool.execute("UPDATE orders SET company_id = $1", company)
    async with calling(server, owner) as shipper, calling(server, server.accounts["drivers"][0]) as driver:
        for order in orders[:2]:
            assert (await driver("POST", f"/api/v1/orders/{order}/payments", {}))[1]["state"] == "paid"
        _, known = await driver("GET", f"/api/v1/users/{owner['user']}/reputation")
        assert known["payments"] == {"cases": 2, "share": None, "late_days": None}
        await pool.execute(
            "UPDATE remittances SET due_at = now() - interval '36 h' WHERE order_id = $1", orders[2]
        )
        await driver("POST", f"/api/v1/orders/{orders[2]}/payments/missed", {})
        record = {"cases": 3, "share": 0.667, "late_days": 1.5}
        for path in (f"/api/v1/users/{owner['user']}/reputation", f"/api/v1/companies/{company}"):
            assert (await driver("GET", path))[1]["payments"] == record
        driven = (await shipper("GET", f"/api/v1/users/{server.accounts['drivers'][0]['user']}/reputation"))[
            1
        ]
        assert driven["payments"] is None
        _, page = await shipper("GET", "/api/v1/trips")
        assert [line["payment"] for line in page["trips"]] == ["overdue", "paid", "paid"]
        async with aiohttp.ClientSession(server.url) as http:
            headers = {"Authorization": f"Bearer {owner['access']}", "Accept-Language": "en"}
            answer = await http.get("/api/v1/cabinet/trips/file?format=csv", headers=headers)
            rows = list(csv.DictReader(io.StringIO((await answer.read()).decode("utf-8-sig"))))
        assert [row["State of payment"] for row in rows] == ["Overdue", "Paid", "Paid"]
        assert all(row["To be paid by"] for row in rows)


async def test_the_board_s_card_says_it_too(server: LocalServer) -> None:
    market, owner = Market(server.services.pool), server.accounts["shippers"][1]
    driver = server.accounts["drivers"][0]
    load = {"body": driver["body"], "weight_kg": 100.0, "volume_m3": 1.0}
    await market.on_board(await market.order(owner["user"], **load))
    await server.services.pool.execute(
        "INSERT INTO shipper_stats (shipper_id, paid_cases, paid_on_time) VALUES ($1, 5, 4)", owner["user"]
    )
    async with calling(server, driver) as caller:
        _, page = await caller("GET", "/api/v1/board?paid_min=0.8")
        (card,) = page["loads"]
        assert card["shipper"]["payments"] == {"cases": 5, "share": 0.8, "late_days": None}
        assert (await caller("GET", "/api/v1/board?paid_min=0.81"))[1]["loads"] == []
        assert (await caller("GET", "/api/v1/board?paid_min=1.01"))[0] == 400
