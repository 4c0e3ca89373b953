"""Conversations over REST: what programs and readers of the past use, files, and looks of staff."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.e2e.socket.wire import signed_in
from tests.integration.chat.test_sockets import haul, heard
from tests.integration.orders.test_http import Caller, calling
from tests.integration.payloads.corpus import KEPT, REFUSED
from tests.integration.webhooks.companies import company
from tests.papers import HOSTILE, jpeg, pdf
from tests.served import Account, LocalServer


@pytest.fixture
async def order(server: LocalServer) -> int:
    return await haul(server.services.pool, server.accounts)


@pytest.fixture
async def shipper(server: LocalServer) -> AsyncIterator[Caller]:
    async with calling(server, server.accounts["shippers"][0]) as call:
        yield call


@pytest.fixture
async def driver(server: LocalServer) -> AsyncIterator[Caller]:
    async with calling(server, server.accounts["drivers"][0]) as call:
        yield call


async def write(call: Caller, order: int, key: str = "", **form: Any) -> tuple[int, dict[str, Any]]:
    """A message over REST."""
    return await call(
        "POST", f"/api/v1/orders/{order}/chat", form, **{"Idempotency-Key": key or uuid.uuid4().hex}
    )


async def upload(server: LocalServer, account: Account, order: int, content: bytes) -> tuple[int, Any]:
    """A file for a message."""
    headers = {"Authorization": f"Bearer {account['access']}"}
    async with (
        aiohttp.ClientSession(server.url, headers=headers) as http,
        http.post(f"/api/v1/orders/{order}/chat/files", data=content) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


async def fetch(server: LocalServer, account: Account, path: str) -> tuple[int, bytes, str]:
    headers = {"Authorization": f"Bearer {account['access']}"}
    async with aiohttp.ClientSession(server.url, headers=headers) as http, http.get(path) as answer:
        return answer.status, await answer.read(), answer.headers.get("Content-Disposition", "")


async def test_a_program_writes_once_by_its_key_and_the_socket_of_the_other_side_hears_it(
    server: LocalServer, order: int, shipper: Caller
) -> None:
    async with signed_in(server, server.accounts["drivers"][0]) as driver:
        first = await write(shipper, order, "erp-1", text="Документы готовы")
        assert first[0] == 201 and first[1]["seq"] == 1
        assert await write(shipper, order, "erp-1", text="Документы готовы") == first
        assert await heard(driver, 1) == [first[1]]
        # The answer under the key is kept for a day; the message under the key's id for good.
        await server.services.pool.execute("DELETE FROM idempotency_keys")
        assert await write(shipper, order, "erp-1", text="Документы готовы") == first
        assert (await write(shipper, order, "erp-2", text="и ещё"))[1]["seq"] == 2
        assert [entry["seq"] for entry in await heard(driver, 1)] == [2]
    status, refused = await shipper("POST", f"/api/v1/orders/{order}/chat", {"text": "без ключа"})
    assert (status, refused["code"]) == (400, "bad_request")


async def test_an_api_key_writes_for_its_member(server: LocalServer, order: int) -> None:
    services, user = server.services, server.accounts["shippers"][0]["user"]
    owned = await company(services.pool, user)
    _, key = await services.api_keys.add(owned, user, "ERP", ("orders:read", "orders:write"), None)
    async with calling(server, {"access": key}) as erp:
        status, entry = await write(erp, order, text="из программы")
        assert (status, entry["author"], entry["side"]) == (201, user, "shipper")
        assert (await erp("GET", f"/api/v1/orders/{order}/chat?after=0"))[1]["last"] == 1
        assert (await erp("POST", f"/api/v1/orders/{order}/chat/read", {"upto": 1}))[0] == 200


async def test_a_socket_and_rest_are_two_ways_to_the_same_message(
    server: LocalServer, order: int, driver: Caller
) -> None:
    id = str(uuid.uuid4())
    async with signed_in(server, server.accounts["drivers"][0]) as wire:
        sent = await wire.command("chat.send", order=order, message_id=id, text="да")
    status, entry = await write(driver, order, message_id=id, text="да")
    assert (status, entry) == (201, sent["result"]["message"])


async def test_history_is_read_page_by_page_and_a_hole_is_filled(
    order: int, shipper: Caller, driver: Caller
) -> None:
    path = f"/api/v1/orders/{order}/chat"
    status, page = await shipper("GET", path)
    assert (status, page["messages"], page["last"], page["open"], page["closes_at"]) == (
        200,
        [],
        0,
        True,
        None,
    )
    for number in range(5):
        await write(driver, order, text=f"{number}")
    _, newest = await shipper("GET", f"{path}?limit=2")
    assert ([entry["seq"] for entry in newest["messages"]], newest["more"]) == ([4, 5], True)
    _, older = await shipper("GET", f"{path}?limit=2&before=4")
    assert [entry["seq"] for entry in older["messages"]] == [2, 3]
    _, hole = await shipper("GET", f"{path}?after=1&limit=1")
    assert [entry["seq"] for entry in hole["messages"]] == [2]
    assert (await shipper("GET", f"{path}?after=1&before=3"))[1]["code"] == "bad_request"
    _, mark = await shipper("POST", f"{path}/read", {"upto": 4})
    assert mark == {"order": order, "upto": 4}
    assert (await shipper("POST", f"{path}/read", {"upto": 2}))[1]["upto"] == 4
    _, seen = await driver("GET", path)
    assert (seen["upto"], seen["shipper_upto"], seen["driver_upto"]) == (0, 4, 0)
    _, mine = await shipper("GET", "/api/v1/chats?limit=1")
    (line,) = mine["chats"]
    assert (line["order"], line["unread"], line["last"]["text"]) == (order, 1, "4")
    assert (await shipper("GET", f"/api/v1/chats?after={mine['next']}"))[1] == {"chats": [], "next": None}
    assert (await shipper("GET", "/api/v1/chats?after=bm8"))[1]["code"] == "bad_request"


async def test_phrases_are_offered_in_the_readers_language(order: int, shipper: Caller) -> None:
    for lang, text in (
        ("en", "I am at the gate."),
        ("ru", "Я у ворот."),
        ("kk", "Қақпаның алдындамын."),
        ("zh", "我已到大门口。"),
    ):
        _, told = await shipper("GET", "/api/v1/chat/phrases", **{"Accept-Language": lang})
        assert {"key": "at_gate", "text": text} in told["driver"]
        assert "at_gate" not in [phrase["key"] for phrase in told["shipper"]]
    await write(shipper, order, phrase="drive_in")
    _, page = await shipper("GET", f"/api/v1/orders/{order}/chat", **{"Accept-Language": "en"})
    assert [(entry["phrase"], entry["text"]) for entry in page["messages"]] == [
        ("drive_in", "You may drive in.")
    ]


async def test_pictures_and_papers_go_to_the_other_side_without_where_they_were_taken(
    server: LocalServer, order: int, driver: Caller, shipper: Caller
) -> None:
    van, owner, stranger = (
        server.accounts["drivers"][0],
        server.accounts["shippers"][0],
        server.accounts["shippers"][1],
    )
    _, photo = await upload(server, van, order, jpeg())
    _, paper = await upload(server, van, order, pdf())
    files = [photo["file"], paper["file"]]
    # Nobody has it before it is sent, and nobody else sends it.
    path = f"/api/v1/orders/{order}/chat/files"
    assert (await fetch(server, owner, f"{path}/{files[0]}"))[0] == 404
    assert (await write(shipper, order, attachments=files))[1]["code"] == "not_found"
    status, entry = await write(driver, order, text="Погрузка", attachments=files)
    assert status == 201
    assert [(each["file"], each["mime"]) for each in entry["attachments"]] == [
        (files[0], "image/jpeg"),
        (files[1], "application/pdf"),
    ]
    status, content, name = await fetch(server, owner, f"{path}/{files[0]}")
    assert (status, name) == (200, f'attachment; filename="order-{order}-{files[0]}.jpg"')
    assert content.startswith(b"\xff\xd8") and b"SECRET-CAMERA" not in content and b"Exif" not in content
    assert (await fetch(server, stranger, f"{path}/{files[0]}"))[0] == 404
    assert (await write(driver, order, attachments=files[:1]))[1]["code"] == "file_held"


@pytest.mark.parametrize("name", ["svg", "html", "executable", "pdf with a script", "jpeg and zip"])
async def test_other_kinds_of_files_are_not_taken_in(server: LocalServer, order: int, name: str) -> None:
    content, code = HOSTILE[name]
    _, refused = await upload(server, server.accounts["drivers"][0], order, content())
    assert refused["code"] == code


async def test_no_file_is_taken_in_where_none_could_be_sent(server: LocalServer, order: int) -> None:
    _, refused = await upload(server, server.accounts["drivers"][1], order, jpeg())
    assert refused["code"] == "not_found"
    await server.services.pool.execute(
        "UPDATE orders SET status = 'closed', ended_at = now() - interval '31 days' WHERE id = $1", order
    )
    _, refused = await upload(server, server.accounts["drivers"][0], order, jpeg())
    assert refused["code"] == "chat_closed"
    assert await server.services.pool.fetchval("SELECT count(*) FROM files") == 0


async def test_staff_with_the_right_read_and_each_look_is_written_down_and_told(
    server: LocalServer, order: int, driver: Caller
) -> None:
    await write(driver, order, text="между нами")
    people = {server.accounts["shippers"][0]["user"], server.accounts["drivers"][0]["user"]}
    looked = "SELECT staff_id, user_id, detail FROM staff_actions WHERE action = 'chat.view'"
    path = f"/api/v1/orders/{order}/chat"
    for account in server.accounts["admins"]:
        async with calling(server, account) as staff:
            before = len(await server.services.pool.fetch(looked))
            status, page = await staff("GET", path)
            rows = (await server.services.pool.fetch(looked))[before:]
            if account["grade"] == "finance":
                assert (status, rows) == (403, [])
                continue
            assert (status, page["messages"][0]["text"]) == (200, "между нами")
            assert {row["user_id"] for row in rows} == people and len(rows) == 2
            assert all(
                (row["staff_id"], row["detail"]) == (account["user"], {"order": str(order)}) for row in rows
            )
            await staff("GET", f"{path}?after=0")  # the same look
            assert len(await server.services.pool.fetch(looked)) == before + 2
            assert (await write(staff, order, text="от нас"))[0] == 403
    _, told = await driver("GET", "/api/v1/me/looks")
    assert {look["what"] for look in told["looks"]} == {"chat"}
    assert await server.services.pool.fetchval("SELECT count(*) FROM chat_reads") == 0


async def test_what_is_written_comes_back_as_it_is_and_is_no_statement(
    server: LocalServer, order: int, driver: Caller, shipper: Caller
) -> None:
    texts = [text for text in KEPT if text.strip()]
    for text in texts:
        status, entry = await write(driver, order, text=text)
        assert (status, entry["text"]) == (201, text), text
        # The limit of a minute is not what is looked at here.
        await server.services.pool.execute(
            "UPDATE chat_messages SET created_at = created_at - interval '1 hour'"
        )
    seen: list[str] = []
    while True:
        _, page = await shipper("GET", f"/api/v1/orders/{order}/chat?after={len(seen)}&limit=100")
        seen += [entry["text"] for entry in page["messages"]]
        if not page["more"]:
            break
    assert seen == texts
    headers = {
        "Authorization": f"Bearer {server.accounts['drivers'][0]['access']}",
        "Content-Type": "application/json",
        "Idempotency-Key": "x",
    }
    async with aiohttp.ClientSession(server.url, headers=headers) as http:
        for raw in REFUSED:
            data = f'{{"text": {raw}}}'
            async with http.post(f"/api/v1/orders/{order}/chat", data=data) as answer:
                assert (answer.status, (await answer.json())["code"]) == (400, "bad_request")
    assert await server.services.pool.fetchval("SELECT count(*) FROM chat_messages") == len(texts)


async def test_a_push_says_that_there_is_a_message_and_nothing_of_it(
    server: LocalServer, order: int, shipper: Caller
) -> None:
    await write(shipper, order, text="ПАРОЛЬ 1234")
    rows = await server.services.pool.fetch(
        "SELECT payload::text AS told FROM outbox WHERE kind = 'chat.message'"
    )
    assert [row["told"] for row in rows] == [f'{{"chat": {order}, "order": {order}}}']
