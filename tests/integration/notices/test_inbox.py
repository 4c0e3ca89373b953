"""The inbox in the database: pages, what is unread, and receipts that silence everything else."""

import asyncio

import pytest

from storage.notices.inbox import MOST_UNREAD
from storage.postgres import Pool

from .told import Desk, Phones


@pytest.fixture
def desk(pool: Pool) -> Desk:
    return Desk(pool, webpush=Phones(), sms=Phones(), email=Phones())


async def items(
    desk: Desk, user: int, count: int = 1, kind: str = "order.changed", **facts: int | str
) -> list[int]:
    """So many items of this user's, oldest first."""
    for number in range(count):
        await desk.happens(user, kind, **{"order": number + 1, "event": "loaded", **facts})
    await desk.announce()
    return sorted(each.item for each in desk.noticed if each.user == user)[-count:]


async def test_pages_go_back_in_time_without_a_hole_while_new_items_come(desk: Desk) -> None:
    user, other = await desk.user(), await desk.user()
    mine = await items(desk, user, 7)
    await items(desk, other, 3)
    first = await desk.inbox.page(user, None, 3)
    await items(desk, user, 2)
    second = await desk.inbox.page(user, first[-1].id, 3)
    third = await desk.inbox.page(user, second[-1].id, 3)
    assert [each.id for each in (*first, *second, *third)] == mine[::-1]


async def test_reading_counts_down_once_and_only_for_its_owner(desk: Desk) -> None:
    user, other = await desk.user(), await desk.user()
    one, two, three = await items(desk, user, 3)
    assert await desk.inbox.unread(user) == 3
    assert [each.id for each in await desk.inbox.seen(user, [one, two], read=True)] == [one, two]
    assert await desk.inbox.seen(user, [one, two], read=True) == []
    assert await desk.inbox.seen(other, [three], read=True) == []
    assert await desk.inbox.unread(user) == 1
    waiting = await desk.inbox.page(user, None, 10, unread=True)
    assert [each.id for each in waiting] == [three]


async def test_everything_up_to_an_item_is_read_and_nothing_after_it(desk: Desk) -> None:
    user = await desk.user()
    first, second, third = await items(desk, user, 3)
    assert [each.id for each in await desk.inbox.read_upto(user, second)] == [first, second]
    assert [(each.id, each.read) for each in await desk.inbox.page(user, None, 10)] == [
        (third, False),
        (second, True),
        (first, True),
    ]


async def test_an_offer_that_is_over_waits_for_nobody(desk: Desk) -> None:
    user = await desk.user()
    await items(desk, user, kind="offer.made", offer=5)
    assert await desk.inbox.unread(user) == 1
    await desk.pass_time(3601)
    assert await desk.inbox.unread(user) == 0
    assert await desk.inbox.page(user, None, 10, unread=True) == []
    (item,) = await desk.inbox.page(user, None, 10)
    assert not item.read


async def test_the_count_of_a_full_inbox_ends_at_a_hundred(desk: Desk) -> None:
    user = await desk.user()
    await items(desk, user, MOST_UNREAD + 20)
    assert await desk.inbox.unread(user) == MOST_UNREAD


async def test_seen_is_not_read_but_rings_no_more_by_any_channel(desk: Desk) -> None:
    user = await desk.user()
    (item,) = await items(desk, user, event="cancelled")
    assert await desk.states() == {("push", "due"): 1, ("sms", "due"): 1}
    (shown,) = await desk.inbox.seen(user, [item])
    assert (shown.id, shown.kind, shown.facts["order"]) == (item, "order.changed", 1)
    assert await desk.states() == {("push", "cancelled"): 1, ("sms", "cancelled"): 1}
    assert await desk.inbox.unread(user) == 1
    assert await desk.inbox.seen(user, [item]) == []
    assert [each.id for each in await desk.inbox.seen(user, [item], read=True)] == [item]
    assert await desk.inbox.unread(user) == 0


async def test_a_receipt_is_written_down_once_with_its_delay(desk: Desk) -> None:
    user = await desk.user()
    (item,) = await items(desk, user)
    await desk.inbox.seen(user, [item])
    await desk.inbox.seen(user, [item], read=True)
    assert await desk.written(user) == [("inbox", "stored", ""), ("socket", "seen", "")]
    assert all(0 <= each.lag_ms < 60_000 for each in await desk.ledger.of_user(user, None, 10))


async def test_a_conversation_on_the_screen_reads_all_that_was_told_of_it(desk: Desk) -> None:
    user, other = await desk.user(), await desk.user()
    await items(desk, user, kind="chat.message", chat=4, order=4)
    await items(desk, user, kind="chat.message", chat=5, order=5)
    await items(desk, other, kind="chat.message", chat=4, order=4)
    (read,) = await desk.inbox.read_about(user, "chat", 4)
    assert read.facts["chat"] == 4 and await desk.inbox.read_about(user, "chat", 4) == []
    assert await desk.inbox.unread(user) == await desk.inbox.unread(other) == 1


async def test_receipts_of_two_devices_at_once_do_not_meet_in_a_deadlock(desk: Desk) -> None:
    user = await desk.user()
    numbers = await items(desk, user, 60, event="cancelled")
    await asyncio.gather(
        *(
            desk.inbox.seen(user, each, read=bool(turn % 2))
            for turn, each in enumerate((numbers, numbers[::-1]) * 6)
        ),
        *(desk.inbox.read_upto(user, numbers[-1]) for _ in range(3)),
        *(desk.deliveries.once() for _ in range(3)),
    )
    assert await desk.inbox.unread(user) == 0


async def test_the_ledger_is_added_to_and_never_changed_and_forgets_after_ninety_days(desk: Desk) -> None:
    user = await desk.user()
    await items(desk, user, 2)
    with pytest.raises(Exception, match="append-only"):
        await desk.pool.execute("UPDATE deliveries SET outcome = 'delivered'")
    await desk.pool.execute(
        "INSERT INTO deliveries (notice_id, user_id, kind, means, outcome, lag_ms, at)"
        " VALUES (1, $1, 'order.changed', 'inbox', 'stored', 1, now() - interval '91 days')",
        user,
    )
    assert await desk.ledger.forget_old() == 1
    assert len(await desk.ledger.of_user(user, None, 10)) == 2
