"""Writing in conversations: once, in order, by who may, while it is open."""

import asyncio
import uuid
from dataclasses import replace

import pytest

from dispatch.chat import A_WINDOW, OPEN_S, WINDOW_S, Draft
from dispatch.errors import Refusal
from dispatch.events import ChatWritten
from dispatch.model import Actor, Party, Status
from storage.postgres import Pool
from tests.integration.chat.people import Talk


async def test_a_message_that_is_sent_again_is_stored_once_and_answered_the_same(talk: Talk) -> None:
    draft = Draft(uuid.uuid4(), "Я на месте")
    first, told = await talk.chats.send(talk.driver, talk.order, draft)
    assert [type(event) for event in told] == [ChatWritten]
    again = await asyncio.gather(*(talk.chats.send(talk.driver, talk.order, draft) for _ in range(8)))
    assert again == [(first, [])] * 8
    assert await talk.pool.fetchval("SELECT count(*) FROM chat_messages") == 1


async def test_copies_that_arrive_together_are_one_message(talk: Talk) -> None:
    draft = Draft(uuid.uuid4(), "Я на месте")
    done = await asyncio.gather(*(talk.chats.send(talk.driver, talk.order, draft) for _ in range(8)))
    assert len({message.seq for message, _ in done}) == 1
    assert sum(len(events) for _, events in done) == 1


async def test_an_id_is_its_writers_own_and_stands_for_one_message(talk: Talk) -> None:
    id = uuid.uuid4()
    await talk.say(talk.driver, "да", id=id)
    assert (await talk.say(talk.shipper, "нет", id=id)).seq == 2
    with pytest.raises(Refusal, match="idempotency_conflict"):
        await talk.say(talk.driver, "нет", id=id)


async def test_a_message_that_was_stored_is_answered_also_when_nothing_more_is_taken(talk: Talk) -> None:
    draft = Draft(uuid.uuid4(), "Я на месте")
    first, _ = await talk.chats.send(talk.driver, talk.order, draft)
    await talk.pool.execute("UPDATE orders SET status = 'closed' WHERE id = $1", talk.order)
    await talk.ended(31)
    assert await talk.chats.send(talk.driver, talk.order, draft) == (first, [])
    with pytest.raises(Refusal, match="chat_closed"):
        await talk.say(talk.driver, "ещё")


async def test_numbers_have_no_hole_while_both_sides_write_at_once(talk: Talk) -> None:
    writers = (talk.shipper, talk.other, talk.driver, talk.logistician)

    async def write(party: Party) -> None:
        for number in range(10):
            await talk.say(party, f"{party.signed_in} {number}")
            # What is refused takes no number.
            with pytest.raises(Refusal, match="bad_request"):
                await talk.say(party, " ")

    await asyncio.gather(*map(write, writers))
    rows = await talk.pool.fetch("SELECT seq, author_id, text, created_at FROM chat_messages ORDER BY seq")
    assert [row["seq"] for row in rows] == list(range(1, 41))
    assert [row["created_at"] for row in rows] == sorted(row["created_at"] for row in rows)
    for party in writers:  # each writer's own words stand in the order in which he said them
        mine = [row["text"] for row in rows if row["author_id"] == party.signed_in]
        assert mine == [f"{party.signed_in} {number}" for number in range(10)]
    assert await talk.pool.fetchval("SELECT last_seq FROM chats") == 40


async def test_everybody_of_both_sides_is_told_and_nobody_else(talk: Talk) -> None:
    await talk.market.shipper()
    _, (told,) = await talk.chats.send(talk.shipper, talk.order, Draft(uuid.uuid4(), "да"))
    assert isinstance(told, ChatWritten)
    people = {talk.shipper.user, talk.colleague, talk.driver.user, talk.boss}
    assert set(told.users) == people and len(told.users) == 4
    await talk.pool.execute("UPDATE fleet_drivers SET left_at = now()")
    await talk.pool.execute("DELETE FROM company_members WHERE user_id = $1", talk.colleague)
    _, (told,) = await talk.chats.send(talk.driver, talk.order, Draft(uuid.uuid4(), "да"))
    assert isinstance(told, ChatWritten)
    assert set(told.users) == {talk.shipper.user, talk.driver.user}


async def test_each_word_is_of_its_side_and_names_who_wrote_it(talk: Talk) -> None:
    said = [await talk.say(party, "да") for party in (talk.other, talk.logistician)]
    assert [(message.side, message.author) for message in said] == [
        (Actor.SHIPPER, talk.colleague),
        (Actor.DRIVER, talk.boss),
    ]


async def test_third_parties_find_nothing(talk: Talk) -> None:
    await talk.say(talk.driver, "да")
    strangers = (
        Party(await talk.market.shipper(), Actor.SHIPPER),
        Party(await talk.market.driver(), Actor.DRIVER),
        Party(talk.boss, Actor.LOGISTICIAN, frozenset({talk.carrier})),
        Party(1, Actor.ADMIN),
    )
    for stranger in strangers:
        for order in (talk.order, 10**9):
            with pytest.raises(Refusal, match="not_found"):
                await talk.chats.send(stranger, order, Draft(uuid.uuid4(), "да"))
            with pytest.raises(Refusal, match="not_found"):
                await talk.chats.read(stranger, order, 1)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.DRAFT])
async def test_it_takes_messages_in_every_state_in_which_there_is_a_driver(
    pool: Pool, status: Status
) -> None:
    talk = await Talk(pool).begin(status)
    if status in (Status.OPEN, Status.MODERATION, Status.EXPIRED):
        with pytest.raises(Refusal, match="chat_closed"):
            await talk.say(talk.shipper, "есть кто?")
        with pytest.raises(Refusal, match="not_found"):
            await talk.say(talk.driver, "да")
        assert await pool.fetchval("SELECT count(*) FROM chats") == 0
        return
    for party in (talk.shipper, talk.driver):
        await talk.say(party, "да")
    await talk.ended(OPEN_S / 86_400 + 0.01)
    if status is Status.DISPUTED:
        await talk.say(talk.driver, "ещё говорим")
        return
    for party in (talk.shipper, talk.other, talk.driver, talk.logistician):
        with pytest.raises(Refusal, match="chat_closed"):
            await talk.say(party, "да")
    order, _ = await talk.chats.side(talk.driver, talk.order)
    assert len((await talk.chats.page(0, order, None, None, 10)).messages) == 2  # it is read ever after


async def test_a_blocked_account_writes_nothing(talk: Talk) -> None:
    await talk.pool.execute("UPDATE users SET blocked = true WHERE id = $1", talk.driver.user)
    with pytest.raises(Refusal, match="account_blocked"):
        await talk.say(talk.driver, "да")
    assert (await talk.say(talk.shipper, "где вы?")).seq == 1


async def test_sides_that_have_blocked_each_other_talk_to_the_end_of_the_haul_and_no_longer(
    talk: Talk,
) -> None:
    await talk.pool.execute(
        "INSERT INTO blocks (made_by, shipper_id, driver_id, actor_id) VALUES ('shipper', $1, $2, $1)",
        talk.shipper.user,
        talk.driver.user,
    )
    await talk.say(talk.driver, "да")
    await talk.pool.execute("UPDATE orders SET status = 'delivered' WHERE id = $1", talk.order)
    await talk.ended(0)
    for party in (talk.shipper, talk.driver):
        with pytest.raises(Refusal, match="chat_closed"):
            await talk.say(party, "и ещё")
    await talk.pool.execute("DELETE FROM blocks")
    await talk.say(talk.driver, "и ещё")


async def test_twenty_messages_a_minute_of_each_user(talk: Talk) -> None:
    await talk.says(talk.driver, A_WINDOW)
    with pytest.raises(Refusal, match="rate_limited") as refused:
        await talk.say(talk.driver, "ещё")
    assert 0 < float(str(refused.value.values["wait"])) <= WINDOW_S
    await talk.say(talk.logistician, "за него")
    await talk.say(talk.shipper, "вижу")
    await talk.age(WINDOW_S)
    assert (await talk.say(talk.driver, "ещё")).seq == A_WINDOW + 3


async def test_files_are_the_writers_own_free_and_of_a_kind_that_is_shown(talk: Talk) -> None:
    photo, paper = await talk.upload(talk.driver.user), await talk.upload(talk.driver.user, "application/pdf")
    foreign, page = await talk.upload(talk.shipper.user), await talk.upload(talk.driver.user, "text/html")
    for code, files in (
        ("not_found", (photo, foreign)),
        ("not_found", (10**9,)),
        ("file_type", (photo, page)),
        ("bad_request", (photo, photo)),
        ("limit_reached", (photo, paper, 1, 2, 3)),
    ):
        with pytest.raises(Refusal, match=code):
            await talk.say(talk.driver, "фото", files=files)
    # What was refused holds nothing.
    assert await talk.pool.fetchval("SELECT count(*) FROM files WHERE purpose IS NOT NULL") == 0
    id = uuid.uuid4()
    said = await talk.say(talk.driver, id=id, files=(paper, photo))
    assert [(file.file, file.mime) for file in said.files] == [
        (paper, "application/pdf"),
        (photo, "image/png"),
    ]
    assert await talk.say(talk.driver, id=id, files=(paper, photo)) == said
    with pytest.raises(Refusal, match="file_held"):
        await talk.say(talk.driver, "ещё раз", files=(photo,))
    assert (await talk.chats.file(talk.order, photo)).purpose == "chat"
    for order, file in ((talk.order, foreign), (talk.order + 1, photo)):
        with pytest.raises(Refusal, match="not_found"):
            await talk.chats.file(order, file)


async def test_a_message_is_all_or_nothing(talk: Talk) -> None:
    """A file that is taken by two messages at once goes with the one that is stored."""
    file = await talk.upload(talk.driver.user)
    done = await asyncio.gather(
        *(talk.say(talk.driver, f"{number}", files=(file,)) for number in range(4)), return_exceptions=True
    )
    (stored,) = [each for each in done if not isinstance(each, BaseException)]
    assert all(isinstance(each, Refusal) and each.code == "file_held" for each in done if each is not stored)
    assert (stored.seq, await talk.pool.fetchval("SELECT count(*) FROM chat_messages")) == (1, 1)
    assert replace(stored, text="").files[0].file == file
