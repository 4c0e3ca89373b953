"""The inbox and wishes over HTTP, from two devices of one user and in the languages of their readers."""

import asyncio
from typing import Any

from storage.notices.writing import tell
from storage.postgres import transaction
from tests.e2e.socket.wire import signed_in
from tests.integration.admin.people import People, Person
from tests.served import LocalServer

INBOX, WISHES = "/me/inbox", "/me/notifications/preferences"


async def happens(people: People, person: Person, kind: str, key: str, **facts: int | str) -> None:
    """An event of this person's; returns when it is in the inbox."""
    async with transaction(people.pool) as connection:
        await tell(connection, [person.user], kind, key, facts)
    people.server.services.announcing.wake()
    waiting = "SELECT EXISTS (SELECT FROM outbox WHERE announced_at IS NULL)"
    async with asyncio.timeout(10):
        while await people.pool.fetchval(waiting):  # noqa: ASYNC110 (a row is no event)
            await asyncio.sleep(0.01)


async def test_the_inbox_speaks_the_reader_s_language_and_leads_into_the_app(people: People) -> None:
    driver = people.drivers[0]
    await happens(people, driver, "order.changed", "a", order=88213, event="delivered")
    await happens(people, driver, "bonus.granted", "b", grant=3, n=5, reason="rating")
    russian = await driver.get(INBOX, lang="ru")
    kazakh = await driver.get(INBOX, lang="kk")
    assert [each["title"] for each in russian["items"]] == ["Бонус", "Заказ 88213"]
    assert russian["items"][0]["body"] == "За высокую оценку вы получаете 5 бесплатных дней."
    assert kazakh["items"][0]["body"] == "Жоғары бағаңыз үшін 5 тегін күн аласыз."
    order = russian["items"][1]
    assert (order["link"], order["ids"], order["category"]) == ("/orders/88213", {"order": 88213}, "hauls")
    assert russian["unread"] == 2 and russian["next"] is None
    assert await people.shipper.get(INBOX) == {"items": [], "unread": 0, "next": None}


async def test_pages_and_marks(people: People) -> None:
    driver = people.drivers[0]
    for number in range(5):
        await happens(people, driver, "order.changed", f"k{number}", order=number + 1, event="loaded")
    first = await driver.get(INBOX + "?limit=2")
    second = await driver.get(f"{INBOX}?limit=2&before={first['next']}")
    orders = [each["ids"]["order"] for page in (first, second) for each in page["items"]]
    assert orders == [5, 4, 3, 2]
    one = first["items"][0]["item"]
    left = await driver.done("POST", INBOX + "/read", {"items": [one]})
    assert left.body == {"unread": 4} == await driver.get(INBOX + "/unread")
    unread = await driver.get(INBOX + "?unread=true")
    assert [each["ids"]["order"] for each in unread["items"]] == [4, 3, 2, 1]
    stranger = await people.drivers[1].done("POST", INBOX + "/read", {"upto": one})
    assert stranger.body == {"unread": 0} and (await driver.get(INBOX + "/unread"))["unread"] == 4
    assert (await driver.done("POST", INBOX + "/read", {"upto": one})).body == {"unread": 0}
    for form in ({}, {"items": [one], "upto": one}):
        assert (await driver.ask("POST", INBOX + "/read", form)).code == "bad_request"


async def test_what_one_device_reads_the_others_hear_of(people: People, server: LocalServer) -> None:
    account, driver = server.accounts["drivers"][0], people.drivers[0]
    async with signed_in(server, account, lang="en") as wire:
        await happens(people, driver, "subscription.started", "s", subscription=4)
        told = (await wire.receive("inbox.item"))["entry"]
        assert (told["kind"], told["title"]) == ("subscription.started", "Your subscription")
        await driver.done("POST", INBOX + "/read", {"items": [told["item"]]})
        marked = await wire.receive("inbox.marked")
        assert (marked["items"], marked["unread"]) == ([told["item"]], 0)


async def test_wishes_are_set_whole_from_the_version_that_was_read(people: People) -> None:
    driver = people.drivers[0]
    read = await driver.ask("GET", WISHES, lang="en")
    assert (read.tag, read.body["version"], read.body["quiet"]) == ('"0"', 0, None)
    by_name = {each["category"]: each for each in read.body["categories"]}
    assert by_name["hauls"]["channels"] == ["inbox", "push", "sms"]
    assert by_name["hauls"]["always"] == ["order.changed", "order.edited"]
    assert by_name["money"]["channels"] == ["inbox", "push", "sms", "email"]
    assert by_name["chat"] == {
        "category": "chat",
        "name": "Messages in conversations",
        "channels": ["inbox", "push"],
        "off": [],
        "always": [],
    }
    form: dict[str, Any] = {
        "off": [{"category": "chat", "channels": ["push"]}],
        "quiet": {"since": 1320, "until": 420},
    }
    assert (await driver.ask("PUT", WISHES, form)).code == "precondition_required"
    done = await driver.done("PUT", WISHES, form, if_match="0")
    assert (done.tag, done.body["quiet"]) == ('"1"', form["quiet"])
    assert (await driver.ask("PUT", WISHES, form, if_match="0")).code == "version_stale"
    after = await driver.get(WISHES)
    assert [each["category"] for each in after["categories"] if each["off"]] == ["chat"]
    nothing = await driver.done("PUT", WISHES, {}, if_match="1")
    assert nothing.body["quiet"] is None and not any(each["off"] for each in nothing.body["categories"])


async def test_wishes_that_make_no_sense_are_refused_with_their_place(people: People) -> None:
    driver = people.drivers[0]
    for form, path in (
        ({"quiet": {"since": 60, "until": 60}}, "quiet"),
        ({"off": [{"category": "chat", "channels": ["push"]}] * 2}, "off"),
        ({"off": [{"category": "chat", "channels": ["inbox"]}]}, "$.off[0].channels[0]"),
        ({"quiet": {"since": 60, "until": 1440}}, "$.quiet.until"),
    ):
        refused = await driver.ask("PUT", WISHES, form, if_match="0")
        assert (refused.code, refused.body["path"]) == ("bad_request", path), form
    assert (await driver.get(WISHES))["version"] == 0
