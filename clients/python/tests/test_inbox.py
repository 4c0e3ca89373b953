"""News of the inbox over the socket, and its calls over REST."""

from typing import Any

import pytest
from aiohttp import web
from fake_desk import FakeDesk
from test_bidding import driver_of

from tracking_desk_client.messages import (
    CategoryOff,
    Inbox,
    InboxCount,
    InboxEntry,
    InboxItem,
    InboxMarked,
    InboxQuery,
    InboxReadForm,
    InboxSeen,
    QuietHours,
    Wishes,
    WishesForm,
)

pytestmark = pytest.mark.usefixtures("impatient")

ENTRY = InboxEntry(
    31, "order.changed", "hauls", 1.0, "Order 70", "The cargo is loaded.", "/orders/70", {"order": 70}
)


async def test_an_item_is_heard_and_its_receipt_said(desk: FakeDesk) -> None:
    heard: list[InboxEntry] = []
    marks: list[tuple[list[int], int]] = []
    async with driver_of(desk) as driver:
        driver.inbox.on_item = heard.append
        driver.inbox.on_read = lambda items, unread: marks.append((list(items), unread))
        await driver.connection.wait_connected()
        await desk.send(InboxItem(ENTRY))
        await desk.send(InboxMarked([30], 1))
        await driver.inbox.seen([31], read=True)
        assert heard == [ENTRY] and marks == [([30], 1)]
        (receipt,) = desk.of(InboxSeen)
        assert (receipt.items, receipt.read) == ([31], True)
    await driver.api.close()


async def test_the_inbox_and_wishes_are_read_and_set_over_rest(desk: FakeDesk) -> None:
    asked: list[Any] = []

    def answer(content: dict[str, Any]) -> Any:
        def give(body: Any) -> web.Response:
            asked.append(body)
            return web.json_response(content)

        return give

    desk.rest["GET", "/api/v1/me/inbox"] = answer(Inbox([ENTRY], 1).to_wire())
    desk.rest["POST", "/api/v1/me/inbox/read"] = answer(InboxCount(0).to_wire())
    wishes = Wishes(3, [], QuietHours(1320, 420), "Asia/Almaty")
    desk.rest["GET", "/api/v1/me/notifications/preferences"] = answer(wishes.to_wire())
    desk.rest["PUT", "/api/v1/me/notifications/preferences"] = answer(wishes.to_wire())
    async with driver_of(desk) as driver:
        api = driver.api
        assert (await api.inbox(InboxQuery(unread=True))).items == [ENTRY]
        assert await api.inbox_read(InboxReadForm(upto=31)) == 0
        assert await api.wishes() == wishes
        form = WishesForm([CategoryOff("chat", ["push"])], QuietHours(1320, 420))
        assert (await api.set_wishes(form, 2)).version == 3
        assert {"upto": 31}.items() <= asked[1].items()
        assert asked[3]["off"] == [{"category": "chat", "channels": ["push"]}]
    await driver.api.close()
