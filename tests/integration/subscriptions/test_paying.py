"""A plan is paid on the sandbox's page over real HTTP, and what follows: access, card, receipt, renewal."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pypdf import PdfReader
from redis.asyncio import Redis

from billing.acquiring import Unavailable
from server.gateways.acquiring.sandbox.acquirer import Sandbox
from tests.contract.acquiring.sandbox import GOOD
from tests.integration.board.test_board_http import Caller
from tests.served import LocalServer

from .test_store import shift

MINE = "/api/v1/me/subscription"
NEVER_AGAIN = "4111111111111111"  # pays once; its token is declined
DECLINED = "4000056655665556"


@pytest.fixture
async def server(dsn: str, redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[LocalServer]:
    local = LocalServer(dsn, redis_url, tmp_path)
    await local.start()
    local.provision(drivers=2, shippers=1, admins=2)
    yield local
    await local.stop()


@pytest.fixture
async def http(server: LocalServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        yield session


@pytest.fixture
async def driver(server: LocalServer, http: aiohttp.ClientSession) -> Caller:
    caller = Caller(http, server.accounts["drivers"][0])
    await server.services.subscriptions.set_end(
        server.accounts["admins"][0]["user"], caller.user, 1.0, "none", ""
    )
    return caller


async def until(found: Callable[[], Awaitable[Any]], seconds: float = 20.0) -> Any:
    """The first true answer."""
    async with asyncio.timeout(seconds):
        while not (answer := await found()):  # noqa: ASYNC110 - a row of another loop's
            await asyncio.sleep(0.05)
    return answer


async def pay(driver: Caller, number: str = GOOD, **form: object) -> dict[str, Any]:
    """Checks out, pays on the page, and waits until the invoice has come to something."""
    status, made = await driver("POST", f"{MINE}/checkout", {"plan": "driver-month", **form})
    assert status == 201 and made["outcome"] == "page", made
    async with driver._http.post(made["url"], data={"do": "pay", "number": number}) as answer:
        assert answer.status == 200

    async def ended() -> Any:
        _, invoice = await driver("GET", f"/api/v1/me/invoices/{made['invoice']}")
        return invoice if invoice["state"] in ("paid", "failed") else None

    invoice: dict[str, Any] = await until(ended)
    return invoice


async def test_a_payment_on_the_page_opens_the_board_and_leaves_a_receipt(
    server: LocalServer, driver: Caller
) -> None:
    assert (await driver("GET", "/api/v1/board"))[0] == 402
    invoice = await pay(driver)
    assert invoice["state"] == "paid" and invoice["amount"] == {"amount": 499_000, "currency": "KZT"}
    assert (await driver("GET", "/api/v1/board"))[0] == 200
    _, now = await driver("GET", MINE)
    assert now["state"] == "active" and now["renews"] and now["next_charge_at"] is not None
    _, cards = await driver("GET", "/api/v1/me/cards")
    assert [card["last_four"] for card in cards["cards"]] == [GOOD[-4:]] and now["card"] == cards["cards"][0][
        "card"
    ]
    path = f"/api/v1/me/invoices/{invoice['invoice']}/receipt?lang=kk"
    async with driver._http.get(path, headers=driver._headers) as answer:
        assert answer.status == 200 and answer.content_type == "application/pdf"
        text = PdfReader(io.BytesIO(await answer.read())).pages[0].extract_text()
    assert (
        "Түбіртек" in text
        and "Жүргізуші, ай" in text
        and invoice["invoice"] in text
        and "4 990" in text.replace("\xa0", " ")
    )
    assert await server.services.pool.fetchval("SELECT sum(amount) FROM ledger_postings") == 0
    other = Caller(driver._http, server.accounts["drivers"][1])
    assert (await other("GET", f"/api/v1/me/invoices/{invoice['invoice']}"))[0] == 404


async def test_a_declined_card_changes_nothing_and_another_may_pay(driver: Caller) -> None:
    assert (await pay(driver, DECLINED))["state"] == "failed"
    assert (await driver("GET", MINE))[1]["state"] == "expired"
    assert (await pay(driver))["state"] == "paid"


async def test_the_clock_renews_by_the_saved_card(server: LocalServer, driver: Caller) -> None:
    await pay(driver)
    before = (await driver("GET", MINE))[1]["until"]
    await shift(server.services.pool, driver.user, 29.5)

    async def renewed() -> bool:
        now: float = (await driver("GET", MINE))[1]["until"]
        return now > before

    await until(renewed)
    _, listed = await driver("GET", "/api/v1/me/invoices")
    assert [(each["purpose"], each["state"]) for each in listed["invoices"]] == [
        ("renewal", "paid"),
        ("subscription", "paid"),
    ]


async def test_a_renewal_that_is_declined_is_told_and_tried_again_later(
    server: LocalServer, driver: Caller
) -> None:
    await pay(driver, NEVER_AGAIN)
    await shift(server.services.pool, driver.user, 29.5)

    async def failed() -> bool:
        return bool((await driver("GET", MINE))[1]["failures"])

    await until(failed)
    _, now = await driver("GET", MINE)
    assert now["entitled"] and now["state"] == "active" and now["failures"] == 1
    kinds = await server.services.pool.fetch("SELECT kind FROM outbox WHERE user_id = $1", driver.user)
    assert "subscription.failed" in {row["kind"] for row in kinds}


async def test_a_saved_card_pays_without_a_page(driver: Caller) -> None:
    await pay(driver)
    card = (await driver("GET", "/api/v1/me/cards"))[1]["cards"][0]["card"]
    before = (await driver("GET", MINE))[1]["until"]
    status, made = await driver("POST", f"{MINE}/checkout", {"plan": "driver-month", "card": card})
    assert status == 201 and made["outcome"] == "paid" and made["url"] is None
    assert (await driver("GET", MINE))[1]["until"] == pytest.approx(before + 30 * 86_400, abs=1)
    assert (await driver("DELETE", f"/api/v1/me/cards/{card}"))[0] == 204
    status, refused = await driver("POST", f"{MINE}/checkout", {"plan": "driver-month", "card": card})
    assert (status, refused["code"]) == (404, "not_found")


async def test_a_dearer_plan_counts_what_is_left_and_a_cheaper_one_waits(
    server: LocalServer, driver: Caller
) -> None:
    await pay(driver)
    await shift(server.services.pool, driver.user, 15)
    invoice = await pay(driver, plan="driver-quarter")
    assert invoice["purpose"] == "upgrade"
    assert invoice["amount"]["amount"] == pytest.approx(1_299_000 - 249_500, abs=100)
    _, now = await driver("GET", MINE)
    assert now["plan"] == "driver-quarter"
    status, refused = await driver("POST", f"{MINE}/checkout", {"plan": "driver-month"})
    assert (status, refused["code"]) == (409, "plan_cheaper")


async def test_an_acquirer_that_is_down_charges_nothing_and_says_so(
    server: LocalServer, driver: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_: object, **__: object) -> object:
        raise Unavailable("no route")

    sandbox = server.services.paying.acquirers["sandbox"]
    assert isinstance(sandbox, Sandbox)
    monkeypatch.setattr(sandbox, "checkout", down)
    status, refused = await driver("POST", f"{MINE}/checkout", {"plan": "driver-month"})
    assert (status, refused["code"]) == (503, "payment_unavailable") and refused["retry"]
    assert await server.services.pool.fetchval("SELECT count(*) FROM ledger_transactions") == 0
    monkeypatch.undo()
    assert (await pay(driver))["state"] == "paid"


async def test_the_free_days_then_a_payment_lock_the_price(driver: Caller) -> None:
    await driver("POST", f"{MINE}/trial", {"plan": "driver-month"})
    await pay(driver)
    _, entries = await driver("GET", f"{MINE}/entries")
    assert [line["kind"] for line in entries["entries"]][:2] == ["paid", "trial"]
    _, now = await driver("GET", MINE)
    assert now["state"] == "active" and now["price"]["amount"] == 499_000
