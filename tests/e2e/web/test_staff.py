"""Two browsers of staff and one driver at once: what changes for one of them, all of them see without a reload."""

import asyncio

import aiohttp
from playwright.async_api import expect

from tests.served import Server

from .conftest import Visitor
from .test_page import At, fix, map_is_drawn

# A second is the promise; the rest is for Chromium to draw without a graphics card.
WITHIN_MS = 5_000


async def post(server: Server, account: dict[str, object], path: str, **body: object) -> int:
    headers = {"Authorization": f"Bearer {account['access']}"}
    async with aiohttp.ClientSession(server.url, headers=headers) as http:
        async with http.post(f"/api/v1{path}", json=body) as answer:
            return answer.status


async def test_a_driver_who_is_blocked_leaves_both_open_maps_and_his_own_socket_and_comes_back_when_he_may(
    server: Server, visitor: Visitor, at: At
) -> None:
    admin, account = server.accounts["admins"][0], server.accounts["drivers"][0]
    async with (
        visitor.page(role="admin") as one,
        visitor.page(role="admin", phone=True, locale="kk") as other,
    ):
        async with server.driver() as driver:
            await driver.report(fix())
            for page in (one, other):
                await map_is_drawn(page, 1)
            assert await post(server, admin, f"/admin/users/{account['user']}/block", reason="fraud") == 200
            await asyncio.gather(
                *(
                    page.wait_for_function("() => window.__desk.trucks === 0", timeout=WITHIN_MS)
                    for page in (one, other)
                )
            )
        await expect(one.locator(at("trucks-visible"))).to_have_text("0")
        assert await post(server, admin, f"/admin/users/{account['user']}/unblock", reason="mistake") == 200


async def test_staff_whose_sign_ins_are_ended_elsewhere_stand_before_the_door_in_both_browsers(
    server: Server, visitor: Visitor, at: At
) -> None:
    admin = server.accounts["admins"][0]
    async with visitor.page(role="admin") as one, visitor.page(role="admin") as other:
        for page in (one, other):
            await map_is_drawn(page, 0)
        assert await post(server, admin, "/me/sessions/end", scope="others") == 200
        for page in (one, other):
            await expect(page.locator(at("phone"))).to_be_visible(timeout=WITHIN_MS)
    visitor.complaints.clear()  # the browser itself writes each 401 into the console
