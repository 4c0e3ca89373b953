"""What staff see of telling: every kind with its texts, a test to oneself, whether something was delivered."""

import asyncio
from typing import Any, get_args

from dispatch.notices import HAPPENINGS, Category, Channel
from server.protocol.rest import notices as bodies
from storage.notices.writing import tell
from storage.postgres import transaction
from tests.e2e.socket.wire import signed_in
from tests.integration.admin.people import People
from tests.integration.orders.market import Market
from tests.served import LocalServer

ALL = "/admin/notices"


async def test_every_kind_is_listed_as_it_is_declared(people: People) -> None:
    kinds = {each["kind"]: each for each in (await people.finance.get(ALL))["kinds"]}
    assert set(kinds) == set(HAPPENINGS)
    changed = kinds["order.changed"]
    assert {"delivered", "cancelled", "delayed"} <= set(changed["words"])
    assert changed["channels"] == ["inbox", "push", "sms"] and "cancelled" in changed["critical"]
    assert kinds["subscription.ending"]["counted"] and not changed["counted"]
    assert kinds["offer.made"]["live"] and kinds["offer.made"]["topic"] == "offer"
    assert (await people.shipper.ask("GET", ALL)).code == "forbidden"


def test_the_words_of_the_contract_are_those_of_the_declaration() -> None:
    assert set(get_args(bodies.NoticeCategory)) == set(Category)
    assert set(get_args(bodies.NoticeChannel)) == set(Channel)
    assert set(get_args(bodies.Switchable)) == set(Channel) - {Channel.INBOX}


async def test_a_preview_speaks_all_languages_with_the_parameters_that_were_given(people: People) -> None:
    ending = await people.support.get(f"{ALL}/subscription.ending/preview?n=5")
    by_lang = {each["lang"]: each["body"] for each in ending["texts"]}
    assert set(by_lang) == {"ru", "kk", "en", "zh"}
    assert by_lang["ru"].startswith("Подписка закончится через 5 дней.")
    assert by_lang["en"].startswith("Your subscription ends in 5 days.")
    assert all(each["sms"] is None for each in ending["texts"]) and not ending["critical"]
    cancelled = await people.support.get(f"{ALL}/order.changed/preview?word=cancelled")
    assert cancelled["critical"] and cancelled["urgent"] and cancelled["link"] == "/orders/1042"
    assert all(each["sms"] and len(each["sms"]) <= 70 for each in cancelled["texts"])
    for path in ("no.such/preview", "order.changed/preview?word=Not-a-word", "order.changed/preview?n=-1"):
        assert (await people.support.ask("GET", f"{ALL}/{path}")).status in (400, 404), path


async def test_a_test_takes_the_way_of_a_real_event_to_oneself_and_to_nobody_else(
    people: People, server: LocalServer
) -> None:
    account = next(each for each in server.accounts["admins"] if each["grade"] == "support")
    async with signed_in(server, account, lang="en") as wire:
        await people.support.done("POST", f"{ALL}/offer.made/test", {})
        entry = (await wire.receive("inbox.item"))["entry"]
        assert (entry["title"], entry["ids"]["offer"]) == ("New load", 0)
        # There is no offer of this number, and none is needed.
        assert (await wire.command("inbox.seen", items=[entry["item"]], read=True))["type"] == "ok"
        await people.support.done("POST", f"{ALL}/document.expires/test", {"n": 1})
        assert (await wire.receive("inbox.item"))["entry"]["body"] == "A paper runs out in 1 day."
    assert await people.pool.fetchval("SELECT array_agg(DISTINCT user_id) FROM outbox") == [
        people.support.user
    ]
    assert (await people.finance.ask("POST", f"{ALL}/offer.made/test", {})).code == "forbidden"


async def test_support_sees_how_a_user_was_told_and_each_look_is_written_down_and_told(
    people: People, server: LocalServer
) -> None:
    support = people.support
    await support.done("POST", f"{ALL}/order.changed/test", {"word": "loaded"})
    path = f"/admin/users/{support.user}/deliveries"

    async def rows() -> list[dict[str, Any]]:
        return list((await support.get(path))["deliveries"])

    async with asyncio.timeout(10):
        while len(found := await rows()) < 2:  # noqa: ASYNC110 (the loops tell nobody here)
            await asyncio.sleep(0.05)
    sent, stored = found
    assert (stored["means"], stored["outcome"], stored["kind"]) == ("inbox", "stored", "order.changed")
    assert (sent["means"], sent["outcome"]) == ("log", "delivered") and sent["item"] == stored["item"]
    assert 0 <= stored["lag_ms"] <= sent["lag_ms"]
    page = await support.get(path + "?limit=1")
    older = await support.get(f"{path}?limit=1&before={page['next']}")
    assert [each["delivery"] for each in (*page["deliveries"], *older["deliveries"])] == [
        sent["delivery"],
        stored["delivery"],
    ]
    driver = people.drivers[0]
    assert (await support.get(f"/admin/users/{driver.user}/deliveries"))["deliveries"] == []
    looked = (
        "SELECT staff_id, user_id, detail FROM staff_actions WHERE action = 'deliveries.view' ORDER BY id"
    )
    assert [tuple(row) for row in await people.pool.fetch(looked)] == [
        (support.user, support.user, {}),  # all looks of five minutes are one
        (support.user, driver.user, {}),
    ]
    told = await driver.get("/me/looks")
    assert [each["what"] for each in told["looks"]] == ["deliveries"]
    for other in (people.finance, people.moderator, driver):
        assert (await other.ask("GET", path)).code == "forbidden"


async def test_whether_an_offer_was_delivered_when_and_how(people: People, server: LocalServer) -> None:
    driver, shipper = people.drivers[0], people.shipper
    market = Market(people.pool)
    placed = await market.order(shipper.user)
    offer = (await market.offer(placed, [driver.user]))[driver.user]
    # As the offer's own statement does, which puts it beside the offer.
    async with transaction(people.pool) as connection:
        facts = {"offer": offer, "order": placed.id}
        await tell(connection, [driver.user], "offer.made", f"offer{offer}", facts, wait_s=60)
    server.services.announcing.wake()
    path = f"/admin/offers/{offer}/deliveries"
    async with asyncio.timeout(10):
        while not (told := await people.support.get(path))["deliveries"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert (told["driver"], told["order"], told["status"], told["seen_at"]) == (
        driver.user,
        placed.id,
        "live",
        None,
    )
    item = told["deliveries"][0]["item"]
    await driver.done("POST", "/me/inbox/read", {"items": [item]})
    seen = await people.support.get(path)
    assert [(each["means"], each["outcome"]) for each in seen["deliveries"]] == [
        ("inbox", "stored"),
        ("socket", "seen"),
    ]
    assert seen["seen_at"] >= seen["made_at"]
    detail = "SELECT detail FROM staff_actions WHERE action = 'deliveries.view' AND user_id = $1"
    assert await people.pool.fetchval(detail, driver.user) == {"offer": str(offer)}
    assert (await people.support.ask("GET", "/admin/offers/999999/deliveries")).code == "not_found"
