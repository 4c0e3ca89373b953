"""From the outbox to the inbox and the sockets: at once, once, and with what follows by SMS and mail."""

import asyncio

import pytest

from dispatch.notices import KEEP_LIVE_S, KEEP_S
from dispatch.telling import RECEIPT_S, SMS_AFTER_S
from server.notices.announcing import BATCH
from storage.notices.writing import tell
from storage.postgres import Pool, transaction

from .told import Desk, Phones


@pytest.fixture
def desk(pool: Pool) -> Desk:
    return Desk(pool, webpush=Phones(), sms=Phones(), email=Phones())


async def test_an_event_is_in_the_inbox_and_told_to_sockets_with_what_may_be_told_and_nothing_else(
    desk: Desk,
) -> None:
    user = await desk.user()
    await desk.pool.execute(
        "INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at) VALUES ($1, 'offer.made',"
        """ '{"offer": 5, "order": 9, "cargo": "золото", "price": 7, "reason": "see me at 5"}', 'offer:5',"""
        " now() + interval '45 s')",
        user,
    )
    await desk.announce()
    (item,) = await desk.inbox.page(user, None, 10)
    assert (item.kind, item.facts, item.read, item.seen) == (
        "offer.made",
        {"offer": 5, "order": 9},
        False,
        False,
    )
    assert item.over_at is not None and 44 < item.over_at - item.at < 46
    (noticed,) = desk.noticed
    assert (noticed.user, noticed.item, noticed.facts) == (user, item.id, item.facts)
    assert desk.woken == 1 and await desk.announcing.once() == 0


async def test_the_same_event_written_twice_is_told_once(desk: Desk) -> None:
    first, second = await desk.user(), await desk.user()
    for _ in range(2):
        async with transaction(desk.pool) as connection:
            await tell(connection, [second, first], "bonus.granted", "grant:3", {"grant": 3, "n": 30})
    await desk.announce()
    assert sorted(each.user for each in desk.noticed) == [first, second]


async def test_an_event_may_tell_of_ids_words_and_a_count_only(desk: Desk) -> None:
    user = await desk.user()
    async with transaction(desk.pool) as connection:
        with pytest.raises(ValueError, match="may not tell of phone"):
            await tell(connection, [user], "bonus.granted", "x", {"phone": "+7"})
        with pytest.raises(KeyError):
            await tell(connection, [user], "something.new", "x", {})


async def test_workers_share_what_is_to_be_announced_and_announce_none_twice(desk: Desk) -> None:
    user = await desk.user()
    await desk.pool.execute(
        "INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at) SELECT $1, 'order.changed',"
        " jsonb_build_object('order', n), 'x' || n, now() + interval '1 day' FROM generate_series(1, $2) n",
        user,
        3 * BATCH,
    )
    workers = [Desk(desk.pool) for _ in range(4)]
    await asyncio.gather(*(worker.announce() for worker in workers))
    items = [each.item for worker in workers for each in worker.noticed]
    assert len(items) == len(set(items)) == 3 * BATCH
    assert await desk.pool.fetchval("SELECT count(*) FROM inbox_items") == 3 * BATCH


async def test_what_commits_late_is_announced_though_later_numbers_were(desk: Desk) -> None:
    user = await desk.user()
    async with transaction(desk.pool) as slow:
        await tell(slow, [user], "bonus.granted", "slow", {"grant": 1, "n": 1})
        await desk.happens(user, "bonus.granted", grant=2, n=1)
        await desk.announce()
        assert [each.facts["grant"] for each in desk.noticed] == [2]
    await desk.announce()
    assert [each.facts["grant"] for each in desk.noticed] == [2, 1]


async def test_a_worker_that_dies_before_its_commit_has_announced_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await desk.user()
    await desk.happens(user, "bonus.granted", grant=1, n=1)
    monkeypatch.setattr("storage.notices.announcing.ANNOUNCE", "SELECT 1/0")
    with pytest.raises(Exception, match=r"argument|division"):
        await desk.announcing.once()
    monkeypatch.undo()
    assert desk.noticed == [] and await desk.inbox.page(user, None, 10) == []
    await desk.announce()
    assert len(desk.noticed) == 1


async def test_what_was_called_off_before_it_was_announced_is_there_and_read_and_disturbs_nobody(
    desk: Desk,
) -> None:
    user = await desk.user()
    await desk.happens(user, "order.changed", order=9, event="cancelled")
    await desk.pool.execute("UPDATE outbox SET state = 'cancelled', done_at = now()")
    await desk.announce()
    (item,) = await desk.inbox.page(user, None, 10)
    assert item.read and item.seen and await desk.inbox.unread(user) == 0
    assert desk.noticed == [] and await desk.states() == {("push", "cancelled"): 1}


async def test_a_push_waits_for_a_receipt_while_a_socket_is_open_here(desk: Desk) -> None:
    here, away = await desk.user(), await desk.user()
    desk.here.add(here)
    for user in (here, away):
        await desk.happens(user, "order.changed", order=9, event="delivered")
    await desk.announce()
    waits = {
        row["user_id"]: (row["due_at"] - row["created_at"]).total_seconds() for row in await desk.queue()
    }
    assert waits[here] == pytest.approx(RECEIPT_S, abs=0.01) and waits[away] < 0.5


async def test_an_sms_and_a_mail_get_rows_of_their_own_where_they_may_go(desk: Desk) -> None:
    user = await desk.user()
    await desk.happens(user, "order.changed", order=9, event="cancelled")
    await desk.happens(user, "order.changed", order=9, event="loaded")
    await desk.happens(user, "payment.refunded", payment=4)
    await desk.announce()
    assert await desk.states() == {("push", "due"): 3, ("sms", "due"): 1, ("email", "due"): 1}
    (sms,), (mail,) = await desk.queue(channel="sms"), await desk.queue(channel="email")
    assert (sms["due_at"] - sms["created_at"]).total_seconds() == pytest.approx(SMS_AFTER_S, abs=0.5)
    assert (mail["due_at"] - mail["created_at"]).total_seconds() == pytest.approx(0, abs=0.5)
    assert sms["parent_id"] == (await desk.queue(channel="push"))[0]["id"]
    assert len(await desk.inbox.page(user, None, 10)) == 3, "one item an event"


async def test_without_gateways_nothing_is_queued_for_them(pool: Pool) -> None:
    desk = Desk(pool)
    user = await desk.user()
    await desk.happens(user, "order.changed", order=9, event="cancelled")
    await desk.happens(user, "payment.refunded", payment=4)
    await desk.announce()
    assert await desk.states() == {("push", "due"): 2}


async def test_items_are_kept_for_ninety_days_and_those_of_offers_for_three(desk: Desk) -> None:
    user = await desk.user()
    await desk.happens(user, "bonus.granted", grant=1, n=1)
    await desk.happens(user, "offer.made", offer=1)
    await desk.announce()
    await desk.pass_time(KEEP_LIVE_S + 60)
    assert [each.kind for each in await desk.inbox.page(user, None, 10)] == ["bonus.granted"]
    assert await desk.inbox.forget_old() == 1
    await desk.pass_time(KEEP_S)
    assert await desk.inbox.forget_old() == 1 and await desk.inbox.forget_old() == 0


async def test_a_kind_that_nobody_declared_is_no_item_and_holds_nothing_up(desk: Desk) -> None:
    user = await desk.user()
    await desk.pool.execute(
        "INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at)"
        " VALUES ($1, 'something.new', '{}', 'x', now() + interval '1 day')",
        user,
    )
    await desk.happens(user, "bonus.granted", grant=1, n=1)
    await desk.goes_round()
    assert [each.kind for each in desk.noticed] == ["bonus.granted"]
    assert await desk.states() == {("push", "dead"): 1, ("push", "sent"): 1}
