"""Conversations: each message once and in order, whatever the connection does."""

import uuid
from typing import Any

import pytest
from aiohttp import web
from fake_desk import FakeDesk
from test_bidding import cut_first, driver_of

from tracking_desk_client import ApiError
from tracking_desk_client.messages import (
    ChatEntry,
    ChatMarked,
    ChatMessage,
    ChatPage,
    ChatRead,
    ChatSend,
    ChatStored,
    Error,
    Ok,
)

pytestmark = pytest.mark.usefixtures("impatient")


def make_entry(seq: int, text: str = "да", message_id: str | None = None) -> ChatEntry:
    return ChatEntry(70, seq, message_id or str(uuid.uuid4()), 5, "driver", 1.0, text)


async def test_a_message_whose_answer_was_lost_is_sent_again_under_its_id(desk: FakeDesk) -> None:
    cut_first(desk, ChatSend, lambda m: Ok(m.id, ChatStored(make_entry(1, m.text, m.message_id))))
    async with driver_of(desk) as driver:
        entry = await driver.chats.send(70, "да", attachments=[3])
        first, second = desk.of(ChatSend)
        assert first.message_id == second.message_id == entry.message_id
        assert (second.order, second.text, second.attachments) == (70, "да", [3])
        await driver.chats.read(70, 1)
        assert desk.of(ChatRead)[0].upto == 1
    await driver.api.close()


async def test_a_refused_message_is_refused(desk: FakeDesk) -> None:
    desk.script[ChatSend] = lambda m: Error("chat_closed", "", False, m.id)
    async with driver_of(desk) as driver:
        with pytest.raises(ApiError, match="chat_closed"):
            await driver.chats.send(70, phrase="thanks")
    await driver.api.close()


async def test_messages_are_heard_once_and_in_order_and_a_hole_is_read_over_rest(desk: FakeDesk) -> None:
    said = [make_entry(number, f"{number}") for number in range(1, 7)]
    pages = []

    def page(body: Any) -> web.Response:
        pages.append(body)
        return web.json_response(ChatPage(70, True, None, 6, 0, 0, 0, said[2:5], False).to_wire())

    desk.rest["GET", "/api/v1/orders/70/chat"] = page
    heard: list[int] = []
    marks: list[int] = []
    async with driver_of(desk) as driver:
        driver.chats.on_message = lambda entry: heard.append(entry.seq)
        driver.chats.on_read = lambda mark: marks.append(mark.upto)
        await driver.connection.wait_connected()
        for seq in (1, 2, 2, 5):
            await desk.send(ChatMessage(said[seq - 1]))
        while len(heard) < 5:
            await driver.chats.read(70, 2)
        await desk.send(ChatMessage(said[5]))
        await desk.send(ChatMarked(70, 9, "shipper", 4, 1.0))
        await driver.chats.read(70, 6)
        assert (heard, marks, len(pages)) == ([1, 2, 3, 4, 5, 6], [4], 1)
        assert driver.chats.heard_upto == {70: 6}
    await driver.api.close()
