"""What is sent, by which channel, when its turn has come, and what is written down of it."""

import asyncio
import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from dispatch.notices import Category, Channel
from dispatch.telling import DEFAULT, RECEIPT_S, SMS_AFTER_S, Preferences, Quiet
from server.deliver import SMS_TRIES
from server.gateways.push import Gone, Later, Rejected
from storage.postgres import Pool

from .told import Desk, Phones

ALMATY = ZoneInfo("Asia/Almaty")


@pytest.fixture
def phones() -> Phones:
    return Phones()


@pytest.fixture
def texts() -> Phones:
    return Phones()


@pytest.fixture
def mails() -> Phones:
    return Phones()


@pytest.fixture
def desk(pool: Pool, phones: Phones, texts: Phones, mails: Phones) -> Desk:
    return Desk(pool, webpush=phones, sms=texts, email=mails)


def around_now(before_min: int, after_min: int) -> Quiet:
    """Quiet hours that began and will end so many minutes before and after this one, in Almaty."""
    now = datetime.fromtimestamp(time.time(), ALMATY)
    minute = now.hour * 60 + now.minute
    return Quiet((minute - before_min) % 1440, (minute + after_min) % 1440)


async def driver(desk: Desk) -> int:
    """With a phone."""
    user = await desk.user(time_zone="Asia/Almaty")
    await desk.phone(user)
    return user


async def test_a_push_leads_to_its_item_and_its_place_in_the_app(desk: Desk, phones: Phones) -> None:
    user = await driver(desk)
    await desk.happens(user, "order.changed", order=88213, event="delivered")
    await desk.goes_round()
    (push,) = phones.rang
    assert push.data == {
        "type": "order.changed",
        "order": 88213,
        "item": desk.noticed[0].item,
        "link": "/orders/88213",
    }
    assert push.text == ("Order 88213", "The cargo is delivered.") and not push.urgent
    assert await desk.written(user) == [("inbox", "stored", ""), ("webpush", "delivered", "")]


async def test_what_must_be_heard_is_urgent_and_the_rest_is_not(desk: Desk, phones: Phones) -> None:
    user = await driver(desk)
    for event in ("loaded", "cancelled"):
        await desk.happens(user, "order.changed", order=1, event=event)
    await desk.goes_round()
    by_words = sorted(phones.rang, key=lambda push: "cancelled" in push.text[1])  # they may ring in any order
    assert [push.urgent for push in by_words] == [False, True]


async def test_quiet_hours_hold_a_push_back_until_they_end(desk: Desk, phones: Phones) -> None:
    user = await driver(desk)
    await desk.wants(user, Preferences(quiet=around_now(10, 50)))
    await desk.happens(user, "order.changed", order=1, event="loaded", ttl_s=7200)
    await desk.goes_round()
    assert phones.rang == []
    (row,) = await desk.queue()
    assert (row["state"], row["error"]) == ("due", "quiet_hours")
    waits = row["due_at"].timestamp() - time.time()
    assert 48 * 60 <= waits <= 50 * 60
    await desk.pass_time(waits + 1)
    await desk.wants(user, DEFAULT)  # the clock of the test's database is not that of Almaty
    await desk.goes_round()
    assert len(phones.rang) == 1


async def test_what_does_not_live_until_morning_lapses_and_stays_in_the_inbox(
    desk: Desk, phones: Phones
) -> None:
    user = await driver(desk)
    await desk.wants(user, Preferences(quiet=around_now(10, 50)))
    await desk.happens(user, "offer.made", offer=5, ttl_s=45)
    await desk.goes_round()
    assert phones.rang == [] and await desk.states() == {("push", "expired"): 1}
    assert await desk.written(user) == [("inbox", "stored", ""), ("none", "withheld", "quiet_hours")]
    assert len(await desk.inbox.page(user, None, 10)) == 1


async def test_what_must_be_heard_breaks_quiet_hours(desk: Desk, phones: Phones) -> None:
    user = await driver(desk)
    await desk.wants(user, Preferences(quiet=around_now(10, 50)))
    await desk.happens(user, "order.changed", order=1, event="cancelled")
    await desk.goes_round()
    assert len(phones.rang) == 1


async def test_a_category_that_is_switched_off_rings_nowhere_and_others_do(
    desk: Desk, phones: Phones
) -> None:
    user = await driver(desk)
    await desk.wants(user, Preferences({Category.CHAT: frozenset({Channel.PUSH})}))
    await desk.happens(user, "chat.message", chat=1, order=1)
    await desk.happens(user, "bid.made", bid=1, order=1)
    await desk.goes_round()
    assert [push.kind for push in phones.rang] == ["bid.made"]
    assert ("none", "withheld", "turned_off") in await desk.written(user)
    assert len(await desk.inbox.page(user, None, 10)) == 2


async def test_wishes_count_that_changed_while_a_push_waited(desk: Desk, phones: Phones) -> None:
    user = await driver(desk)
    desk.here.add(user)
    await desk.happens(user, "order.changed", order=1, event="loaded")
    await desk.goes_round()
    assert phones.rang == []  # a receipt may come
    await desk.wants(user, Preferences({Category.HAULS: frozenset({Channel.PUSH})}))
    await desk.pass_time(RECEIPT_S)
    await desk.goes_round()
    assert phones.rang == [] and await desk.states() == {("push", "dead"): 1}


async def test_a_receipt_in_time_leaves_the_phone_silent_and_without_one_it_rings(
    desk: Desk, phones: Phones
) -> None:
    user = await driver(desk)
    desk.here.add(user)
    for order in (1, 2):
        await desk.happens(user, "order.changed", order=order, event="loaded")
    await desk.goes_round()
    await desk.inbox.seen(user, [desk.noticed[0].item])
    await desk.pass_time(RECEIPT_S)
    await desk.goes_round()
    assert [push.ids["order"] for push in phones.rang] == [2]


async def test_a_closed_account_is_told_nothing_more(desk: Desk, phones: Phones) -> None:
    user = await driver(desk)
    await desk.happens(user, "order.changed", order=1, event="loaded")
    await desk.pool.execute("UPDATE users SET blocked = true WHERE id = $1", user)
    await desk.goes_round()
    assert phones.rang == [] and await desk.states() == {("push", "dead"): 1}


# -- SMS and mail -------------------------------------------------------------------------------------------


async def test_an_sms_goes_after_three_minutes_to_the_phone_of_the_account_in_its_language(
    desk: Desk, phones: Phones, texts: Phones
) -> None:
    user = await driver(desk)
    await desk.pool.execute("UPDATE users SET locale = 'kk' WHERE id = $1", user)
    await desk.happens(user, "order.changed", order=7, event="cancelled")
    await desk.goes_round()
    assert len(phones.rang) == 1 and texts.rang == []
    await desk.pass_time(SMS_AFTER_S)
    await desk.goes_round()
    (sms,) = texts.rang
    assert sms.endpoint.address == await desk.pool.fetchval("SELECT phone FROM users WHERE id = $1", user)
    assert sms.text[0] == "7 тапсырысы" and len(phones.rang) == 1
    assert (await desk.written(user))[-1] == ("sms", "delivered", "")


async def test_no_sms_goes_once_the_event_was_seen_or_called_off(desk: Desk, texts: Phones) -> None:
    seen, off = await driver(desk), await driver(desk)
    for user in (seen, off):
        await desk.happens(user, "order.changed", order=user, event="assigned")
    await desk.announce()
    await desk.inbox.seen(seen, [each.item for each in desk.noticed if each.user == seen])
    await desk.pool.execute(
        "UPDATE outbox SET state = 'cancelled', done_at = now() WHERE user_id = $1 AND channel = 'push'", off
    )
    await desk.pass_time(SMS_AFTER_S)
    await desk.goes_round()
    assert texts.rang == []
    assert (await desk.states())["sms", "cancelled"] == 2


async def test_no_sms_goes_to_who_does_not_want_any(desk: Desk, texts: Phones) -> None:
    user = await driver(desk)
    await desk.wants(user, Preferences({Category.MONEY: frozenset({Channel.SMS})}))
    await desk.happens(user, "subscription.failed", subscription=1)
    await desk.announce()
    await desk.pass_time(SMS_AFTER_S)
    await desk.goes_round()
    assert texts.rang == [] and (await desk.states())["sms", "dead"] == 1


async def test_a_gateway_that_fails_is_asked_three_times_and_no_more(desk: Desk, texts: Phones) -> None:
    texts.script = [Later("down: HTTP 503")] * 10
    user = await driver(desk)
    await desk.happens(user, "order.changed", order=7, event="cancelled")
    await desk.announce()
    for _ in range(SMS_TRIES + 2):
        await desk.pass_time(SMS_AFTER_S)
        await desk.goes_round()
    assert len(texts.rang) == SMS_TRIES and (await desk.states())["sms", "dead"] == 1


async def test_what_had_to_queue_was_not_tried(desk: Desk, texts: Phones) -> None:
    texts.script = [Later("queue", 0.0, tried=False)] * SMS_TRIES
    user = await driver(desk)
    await desk.happens(user, "order.changed", order=7, event="cancelled")
    await desk.announce()
    for _ in range(SMS_TRIES + 1):
        await desk.pass_time(SMS_AFTER_S)
        await desk.goes_round()
    assert (await desk.states())["sms", "sent"] == 1
    assert [row["attempts"] for row in await desk.queue(channel="sms")] == [1]


async def test_a_receipt_goes_by_mail_at_once_also_at_night_and_nowhere_without_an_address(
    desk: Desk, mails: Phones
) -> None:
    named, nameless = await driver(desk), await driver(desk)
    await desk.pool.execute("UPDATE users SET email = 'office@example.kz' WHERE id = $1", named)
    for user in (named, nameless):
        await desk.wants(user, Preferences(quiet=around_now(10, 50)))
        await desk.happens(user, "payment.refunded", payment=5)
    await desk.goes_round()
    assert [mail.endpoint.address for mail in mails.rang] == ["office@example.kz"]
    assert ("email", "withheld", "no_address") in await desk.written(nameless)


async def test_the_day_s_sms_are_counted_exactly_whoever_asks_at_once(desk: Desk) -> None:
    users = [await desk.user() for _ in range(5)]
    granted = await asyncio.gather(*(desk.ledger.spend_sms(user, 3, 12) for user in users for _ in range(8)))
    assert sum(granted) == 12
    spent = await desk.pool.fetch("SELECT user_id, sent FROM sms_spent ORDER BY user_id")
    by_user = {row["user_id"]: row["sent"] for row in spent}
    assert by_user.pop(0) == 12 == sum(by_user.values()) and max(by_user.values()) <= 3


# -- the ledger ---------------------------------------------------------------------------------------------


async def test_every_attempt_is_written_down_with_what_came_of_it(desk: Desk, phones: Phones) -> None:
    user = await driver(desk)
    phones.script = [Later("status 503"), Rejected("status 413")]
    await desk.happens(user, "order.changed", order=1, event="loaded")
    await desk.goes_round()
    await desk.pass_time(5)
    await desk.goes_round()
    rows = (await desk.ledger.of_user(user, None, 10))[::-1]
    assert [(each.means, each.attempt, each.outcome, each.reason) for each in rows] == [
        ("inbox", 1, "stored", ""),
        ("webpush", 1, "later", "status 503"),
        ("webpush", 2, "rejected", "status 413"),
    ]
    assert rows[1].endpoint == rows[2].endpoint is not None
    assert rows[2].lag_ms > rows[1].lag_ms >= rows[0].lag_ms >= 0


async def test_of_several_phones_each_has_its_line_and_the_dead_one_is_forgotten(
    desk: Desk, phones: Phones
) -> None:
    user = await driver(desk)
    await desk.accounts.put_endpoint(user, "webpush", "old", {}, "en")
    phones.script = [Gone()]
    await desk.happens(user, "order.changed", order=1, event="loaded")
    await desk.goes_round()
    assert sorted(outcome for _, outcome, _ in await desk.written(user)) == ["delivered", "gone", "stored"]
    assert await desk.pool.fetchval("SELECT count(*) FROM push_endpoints") == 1


async def test_what_could_not_be_sent_in_time_says_so(desk: Desk, phones: Phones) -> None:
    user = await driver(desk)
    phones.script = [Later("status 429", 300.0)]
    await desk.happens(user, "offer.made", offer=5, ttl_s=45)
    await desk.goes_round()
    await desk.pass_time(46)
    await desk.goes_round()
    assert await desk.states() == {("push", "expired"): 1}
    assert (await desk.written(user))[-1] == ("none", "expired", "status 429")
    (last,) = [each for each in await desk.ledger.of_user(user, None, 10) if each.outcome == "expired"]
    assert last.offer == 5


async def test_the_loops_bring_an_event_from_its_commit_to_the_phone_when_they_are_woken(
    desk: Desk, phones: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing is found by polling here.
    monkeypatch.setattr("server.deliver.POLL_S", 3600.0)
    monkeypatch.setattr("server.notices.announcing.POLL_S", 3600.0)
    monkeypatch.setattr(desk.announcing, "_rung", desk.deliveries.wake)
    user = await driver(desk)
    loops = [asyncio.ensure_future(work) for work in (desk.announcing.run(), desk.deliveries.run())]
    await asyncio.sleep(0.2)  # both have looked, and found nothing
    for order in (1, 2, 3):
        await desk.happens(user, "order.changed", order=order, event="loaded")
        desk.announcing.wake()
        async with asyncio.timeout(10):
            while len(phones.rang) < order:  # noqa: ASYNC110 (a memory of the fake, no event)
                await asyncio.sleep(0.01)
    for loop in loops:
        loop.cancel()
    await asyncio.gather(*loops, return_exceptions=True)


async def test_a_vendor_that_hangs_holds_up_its_own_batch_and_no_later_one(
    desk: Desk, phones: Phones, texts: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hanging(Phones):
        async def send(self, pushes):  # type: ignore[no-untyped-def]  # as the one that it stands for
            self.rang += pushes
            await asyncio.sleep(3600)

    hanging = Hanging()
    desk.deliveries._senders = {"webpush": phones, "fid": hanging}
    monkeypatch.setattr("server.deliver.POLL_S", 0.01)
    stuck, free = await desk.user(), await driver(desk)
    await desk.phone(stuck, "fid")
    await desk.happens(stuck, "order.changed", order=1, event="loaded")
    await desk.announce()
    loop = asyncio.ensure_future(desk.deliveries.run())
    async with asyncio.timeout(10):
        while not hanging.rang:  # noqa: ASYNC110 (a memory of the fake, no event)
            await asyncio.sleep(0.01)
        await desk.happens(free, "order.changed", order=2, event="loaded")
        await desk.announce()
        while not phones.rang:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)
