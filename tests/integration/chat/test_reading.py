"""How far who has read, what is pushed because it is unread, and the lists of conversations."""

import asyncio

import pytest

from dispatch.chat import PUSH_AGAIN_S
from dispatch.events import ChatRead
from dispatch.model import Actor, Party
from storage.chat.reads import Before
from storage.erasure import ErasureStore
from storage.export_rows import PAGED, WHOLE
from storage.postgres import Pool
from tests.integration.chat.people import Talk


async def test_a_mark_never_moves_back_nor_past_the_last_message(talk: Talk) -> None:
    assert await talk.read(talk.driver, 5) == 0  # nothing was said yet
    await talk.says(talk.shipper, 5)
    assert [await talk.read(talk.driver, upto) for upto in (3, 1, 4, 4, 99, 2)] == [3, 3, 4, 4, 5, 5]
    await talk.say(talk.shipper, "шестое")
    assert await talk.read(talk.driver, 5) == 5


async def test_marks_that_race_end_at_the_highest(talk: Talk) -> None:
    await talk.says(talk.shipper, 12)
    await asyncio.gather(*(talk.read(talk.driver, upto) for upto in (3, 12, 7, 1, 9, 11, 2, 5)))
    assert await talk.pool.fetchval("SELECT upto FROM chat_reads") == 12


async def test_a_mark_is_told_once_to_both_sides(talk: Talk) -> None:
    await talk.says(talk.shipper, 2)
    _, (told,) = await talk.chats.read(talk.logistician, talk.order, 2)
    assert isinstance(told, ChatRead)
    assert (told.user, told.side, told.upto) == (talk.boss, Actor.DRIVER, 2)
    assert set(told.users) == {talk.shipper.user, talk.colleague, talk.driver.user, talk.boss}
    assert await talk.chats.read(talk.logistician, talk.order, 2) == (2, [])


async def test_a_page_says_how_far_each_side_has_read(talk: Talk) -> None:
    await talk.says(talk.shipper, 4)
    await talk.read(talk.driver, 1)
    await talk.read(talk.logistician, 3)
    await talk.read(talk.other, 2)
    order, _ = await talk.chats.side(talk.driver, talk.order)
    page = await talk.chats.page(talk.driver.user, order, None, None, 10)
    assert (page.last, page.upto, page.sides) == (4, 1, {Actor.SHIPPER: 2, Actor.DRIVER: 3})


async def test_pages_go_both_ways_without_a_gap(talk: Talk) -> None:
    await talk.says(talk.shipper, 10)
    order, _ = await talk.chats.side(talk.driver, talk.order)

    async def seqs(before: int | None, after: int | None) -> tuple[list[int], bool]:
        page = await talk.chats.page(talk.driver.user, order, before, after, 4)
        return [message.seq for message in page.messages], page.more

    assert await seqs(None, None) == ([7, 8, 9, 10], True)
    assert await seqs(7, None) == ([3, 4, 5, 6], True)
    assert await seqs(3, None) == ([1, 2], False)
    assert await seqs(None, 0) == ([1, 2, 3, 4], True)
    assert await seqs(None, 6) == ([7, 8, 9, 10], False)
    assert await seqs(None, 10) == ([], False)


async def test_a_burst_is_one_push_to_each_side_that_has_not_read(talk: Talk) -> None:
    await talk.says(talk.shipper, 5)
    assert await talk.pushes() == [(talk.driver.user, "due", "0")]
    await talk.say(talk.driver, "да")
    assert await talk.pushes() == [(talk.driver.user, "due", "0"), (talk.shipper.user, "due", "0")]


async def test_a_push_waits_a_moment_for_the_socket_and_is_called_off_by_reading(talk: Talk) -> None:
    await talk.says(talk.shipper, 2)
    later = "SELECT bool_and(due_at > created_at) FROM outbox WHERE kind = 'chat.message'"
    assert await talk.pool.fetchval(later)
    await talk.read(talk.driver, 2)
    assert await talk.pushes() == [(talk.driver.user, "cancelled", "0")]
    await talk.say(talk.shipper, "ещё")
    assert await talk.pushes() == [(talk.driver.user, "cancelled", "0"), (talk.driver.user, "due", "2")]


async def test_what_is_still_unread_keeps_its_push(talk: Talk) -> None:
    await talk.says(talk.shipper, 3)
    await talk.read(talk.driver, 1)
    assert await talk.pushes() == [(talk.driver.user, "due", "1")]
    await talk.say(talk.driver, "читаю")  # one's own words are no news
    await talk.read(talk.driver, 3)
    assert (talk.driver.user, "cancelled", "1") in await talk.pushes()


async def test_whoever_does_not_read_is_called_again_after_a_while_and_not_before(talk: Talk) -> None:
    await talk.say(talk.shipper, "раз")
    await talk.pool.execute("UPDATE outbox SET state = 'sent', done_at = now(), attempts = 3")
    await talk.say(talk.shipper, "два")
    assert await talk.pushes() == [(talk.driver.user, "sent", "0")]
    await talk.pool.execute("UPDATE outbox SET done_at = now() - make_interval(secs => $1)", PUSH_AGAIN_S)
    await talk.say(talk.shipper, "три")
    assert await talk.pushes() == [(talk.driver.user, "due", "0")]
    assert await talk.pool.fetchval("SELECT attempts FROM outbox WHERE kind = 'chat.message'") == 0


async def test_colleagues_are_pushed_once_they_take_part(talk: Talk) -> None:
    await talk.say(talk.driver, "раз")
    await talk.say(talk.other, "я за него")
    await talk.read(talk.logistician, 2)
    await talk.say(talk.driver, "два")
    await talk.say(talk.shipper, "три")
    assert {(user, key) for user, state, key in await talk.pushes() if state == "due"} == {
        (talk.shipper.user, "0"),
        (talk.colleague, "0"),
        (talk.driver.user, "0"),
        (talk.boss, "2"),
    }


async def test_reading_and_writing_at_once_never_loses_a_push(talk: Talk) -> None:
    async def write() -> None:
        for number in range(15):
            await talk.say(talk.shipper, f"{number}")

    async def read() -> None:
        for upto in range(1, 15):
            await talk.read(talk.driver, upto)

    await asyncio.gather(write(), read())
    mark = await talk.pool.fetchval("SELECT upto FROM chat_reads")
    due = [push for push in await talk.pushes() if push[1] == "due"]
    assert due == [(talk.driver.user, "due", str(mark))]  # the fifteenth is unread, whoever came first


async def test_own_conversations_come_by_their_latest_word_with_what_is_unread(
    pool: Pool, talk: Talk
) -> None:
    first = talk
    second, third = await Talk(pool).begin(), await Talk(pool).begin()
    await pool.execute("UPDATE orders SET shipper_id = $1, company_id = NULL", first.shipper.user)
    await pool.execute("UPDATE orders SET company_id = $2 WHERE id = $1", third.order, first.company)
    await pool.execute("UPDATE fleet_drivers SET company_id = $1", first.carrier)
    shipper = first.shipper
    for number, each in enumerate((first, second, third, first), 1):
        await each.say(each.driver, f"{number}")
    await second.say(shipper, "моё")
    await first.read(shipper, 1)
    lines = await first.chats.of(shipper, None, 10)
    told = [(line.order, line.unread, line.upto, line.last.text) for line in lines]
    assert told == [(second.order, 1, 0, "моё"), (first.order, 1, 1, "4"), (third.order, 1, 0, "3")]
    assert (lines[0].pickup, lines[0].drop, lines[0].status) == ("Алматы", "Астана", "assigned")
    # Page by page, each once.
    seen, before = [], None
    while page := await first.chats.of(shipper, before, 1):
        seen.append(page[0].order)
        before = Before(page[0].last_at, page[0].order)
    assert seen == [second.order, first.order, third.order]
    assert [line.order for line in await first.chats.of(first.driver, None, 10)] == [first.order]
    fleet = Party(first.boss, Actor.LOGISTICIAN, frozenset({first.carrier}))
    assert [line.order for line in await first.chats.of(fleet, None, 10)] == seen
    colleague = Party(first.colleague, Actor.SHIPPER, frozenset({first.company}))
    assert [line.order for line in await first.chats.of(colleague, None, 10)] == [third.order]
    assert await first.chats.of(Party(1, Actor.ADMIN), None, 10) == []


async def test_own_words_go_with_the_account_and_the_other_sides_stay(
    pool: Pool, talk: Talk, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file, kept = await talk.upload(talk.driver.user), await talk.upload(talk.shipper.user)
    await talk.say(talk.driver, "моё личное слово", files=(file,))
    await talk.say(talk.driver, phrase="thanks")
    await talk.say(talk.shipper, "слово другой стороны", files=(kept,))
    await talk.read(talk.driver, 3)
    told = [row[1] for row in await pool.fetch(PAGED["chats"], talk.driver.user, 0, 10)]
    assert [message["text"] for message in told[0]["messages"]] == ["моё личное слово", ""]
    assert told[0]["messages"][1]["phrase"] == "thanks"
    assert [row[0]["upto"] for row in await pool.fetch(WHOLE["chats_read"], talk.driver.user)] == [3]
    await pool.execute("UPDATE assignments SET ended_at = now()")
    await pool.execute("UPDATE orders SET status = 'closed', ended_at = now()")
    store = ErasureStore(pool, tmp_path_factory.mktemp("ledger") / "erasures")
    due_at, _ = await store.ask(talk.driver.user)
    erased = await store.erase(talk.driver.user, due_at + 1)
    assert erased is not None and len(erased.files) == 1
    rows = await pool.fetch("SELECT seq, text, phrase FROM chat_messages ORDER BY seq")
    assert [tuple(row) for row in rows] == [(1, "", None), (2, "", None), (3, "слово другой стороны", None)]
    assert [row["file_id"] for row in await pool.fetch("SELECT file_id FROM chat_files")] == [kept]
    assert await pool.fetchval("SELECT count(*) FROM chat_reads") == 0
