import asyncio
import logging
import time
from random import Random
from typing import Any

import pytest
from aiohttp import web
from fake_desk import FakeDesk, make_token, problem

from tracking_desk_client import ApiError, Connection, Disconnected, SessionEnded
from tracking_desk_client.messages import AuthRenew, Drain, Error, Hello, Ok, Ping


class Sleeps:
    """Remembers how long it was asked to sleep, and does not."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.many = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        if len(self.asked) >= 40:
            self.many.set()
        await asyncio.sleep(0)


def connection(desk: FakeDesk, **more: Any) -> Connection:
    return Connection(desk.api(), device=(5, "secret"), app="test", random=Random(1), **more)


async def test_the_first_frame_is_a_hello_with_token_device_and_language(desk: FakeDesk) -> None:
    token = make_token()
    async with (
        desk.api(token, language="kk") as api,
        Connection(api, device=(5, "secret"), app="test") as link,
    ):
        await link.wait_connected()
        assert desk.heard == [Hello(1, token, 5, "secret", "test", "kk")]


@pytest.mark.parametrize("code", [4400, 4401, 4403, 4409, 4426, 4499])
async def test_a_close_of_the_4400_range_ends_the_session_for_good(desk: FakeDesk, code: int) -> None:
    async with connection(desk, sleep=Sleeps()) as link:
        await link.wait_connected()
        await desk.close(code)
        with pytest.raises(SessionEnded) as ended:
            await link.call(Ping)
        assert ended.value.code == code
        assert desk.connects == 1
    await link.api.close()


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012, 4008, 4012, 4013, 4029, 4399])
async def test_any_other_close_is_answered_by_coming_back(desk: FakeDesk, code: int) -> None:
    sleeps = Sleeps()
    async with connection(desk, sleep=sleeps) as link:
        await link.wait_connected()
        await desk.close(code)
        await desk.until(lambda: len(desk.of(Hello)) == 2)
        await link.wait_connected()
        assert len(sleeps.asked) == 1
        assert 0.5 <= sleeps.asked[0] <= 1
    await link.api.close()


async def test_a_cut_line_is_answered_by_coming_back(desk: FakeDesk) -> None:
    async with connection(desk, sleep=Sleeps()) as link:
        await link.wait_connected()
        desk.cut()
        await desk.until(lambda: len(desk.of(Hello)) == 2)
    await link.api.close()


async def test_delays_grow_while_the_desk_stays_away(desk: FakeDesk) -> None:
    sleeps = Sleeps()
    link = connection(desk, sleep=sleeps)
    await desk._server.close()
    async with link:
        async with asyncio.timeout(5):
            await sleeps.many.wait()
    assert all(0.5 <= asked <= 30 for asked in sleeps.asked)
    assert max(sleeps.asked) > 15
    await link.api.close()


async def test_a_draining_desk_says_when_to_come_back(desk: FakeDesk) -> None:
    sleeps = Sleeps()
    async with connection(desk, sleep=sleeps) as link:
        await link.wait_connected()
        await desk.send(Drain(7.5))
        await desk.close(4012)
        await desk.until(lambda: len(desk.of(Hello)) == 2)
        assert 7.5 <= sleeps.asked[0] <= 8
    await link.api.close()


async def test_a_desk_without_room_says_when_to_come_back(desk: FakeDesk) -> None:
    sleeps = Sleeps()
    busy = True

    async def refuse(request: web.Request, handler: Any) -> web.StreamResponse:
        nonlocal busy
        if busy and request.path == "/ws":
            busy = False
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "3"})
        return await handler(request)

    app = web.Application(middlewares=[web.middleware(refuse)])
    app.router.add_get("/ws", desk._socket)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    api = desk.api()
    api.url = f"http://127.0.0.1:{port}"
    async with Connection(api, sleep=sleeps) as link:
        await link.wait_connected()
        assert 3 <= sleeps.asked[0] <= 3.5
    await api.close()
    await runner.cleanup()


async def test_a_silent_desk_is_left(desk: FakeDesk, caplog: pytest.LogCaptureFixture) -> None:
    desk.heartbeat_s = 0.02
    async with connection(desk, sleep=Sleeps()) as link:
        await link.wait_connected()
        await desk.until(lambda: len(desk.of(Hello)) >= 2)
    await link.api.close()


async def test_a_command_gets_its_own_answer(desk: FakeDesk) -> None:
    held: list[int] = []

    def hold(message: Ping) -> Ok | None:
        held.append(message.id)
        return None

    desk.script[Ping] = hold
    async with connection(desk) as link:
        await link.wait_connected()
        first, second = asyncio.create_task(link.command(Ping)), asyncio.create_task(link.command(Ping))
        await desk.until(lambda: len(held) == 2)
        await desk.send(Error("busy", "try again", True, held[1]))
        await desk.send(Ok(held[0]))
        assert await first is None
        with pytest.raises(ApiError) as refused:
            await second
        assert (refused.value.code, refused.value.retry) == ("busy", True)
    await link.api.close()


async def test_a_command_whose_connection_went_has_an_unknown_outcome(desk: FakeDesk) -> None:
    desk.script[Ping] = lambda message: None
    async with connection(desk) as link:
        await link.wait_connected()
        command = asyncio.create_task(link.command(Ping))
        await desk.until(lambda: desk.of(Ping))
        desk.cut()
        with pytest.raises(Disconnected):
            await command
    await link.api.close()


@pytest.mark.usefixtures("impatient")
async def test_a_call_is_repeated_while_the_refusal_may_pass(desk: FakeDesk) -> None:
    desk.script[Ping] = lambda message: (
        Ok(message.id) if len(desk.of(Ping)) >= 2 else Error("unavailable", "", True, message.id)
    )
    async with connection(desk) as link:
        await link.call(Ping)
        assert len(desk.of(Ping)) == 3
    await link.api.close()


async def test_a_final_refusal_is_not_repeated(desk: FakeDesk) -> None:
    desk.script[Ping] = lambda message: Error("forbidden", "", False, message.id)
    async with connection(desk) as link:
        with pytest.raises(ApiError, match="forbidden"):
            await link.call(Ping)
        assert len(desk.of(Ping)) == 1
    await link.api.close()


def grant(desk: FakeDesk, *tokens: str) -> None:
    left = list(tokens)

    def answer(body: Any) -> web.Response:
        access = left.pop(0) if len(left) > 1 else left[0]
        return web.json_response(
            {"access": access, "access_expires_at": 0, "user": 5, "role": "driver", "refresh": access + "-r"}
        )

    desk.rest["POST", "/api/v1/auth/refresh"] = answer


async def test_the_token_is_renewed_on_the_socket_before_it_ends(desk: FakeDesk) -> None:
    fresh = make_token(900, name="fresh")
    grant(desk, fresh)
    api = desk.api(make_token(61.2), refresh="r1")
    async with Connection(api) as link:
        await desk.until(lambda: desk.of(AuthRenew))
        assert desk.of(AuthRenew)[0].token == fresh
        assert link.connected
        assert desk.connects == 1
    await api.close()


async def test_a_phone_a_day_ahead_of_the_desk_still_keeps_its_fresh_token(desk: FakeDesk) -> None:
    # The desk's tokens look long dead by this phone's clock; their life counts from their receipt.
    grant(desk, make_token(900, issued=time.time() - 86400))
    api = desk.api(make_token(900, issued=time.time() - 86400), refresh="r1")
    await api.access()
    await api.access()
    assert len(desk.requests) == 1
    await api.close()


async def test_a_token_the_desk_finds_expired_is_traded_once_and_the_socket_comes_back(
    desk: FakeDesk,
) -> None:
    stale, fresh = make_token(name="stale"), make_token(name="fresh")
    grant(desk, fresh)
    refused = False

    def judge(message: Hello) -> Any:
        nonlocal refused
        if message.token == stale:
            refused = True
            return Error("token_expired", "", True)
        return desk._answer(message, "")

    desk.script[Hello] = judge
    api = desk.api(stale, refresh="r1")
    async with Connection(api, sleep=Sleeps()) as link:
        await desk.until(lambda: refused)
        await desk.close(4401)
        await link.wait_connected()
        assert [hello.token for hello in desk.of(Hello)] == [stale, fresh]
    await api.close()


async def test_a_revoked_session_is_not_refreshed_in_circles(desk: FakeDesk) -> None:
    desk.rest["POST", "/api/v1/auth/refresh"] = lambda body: problem("session_revoked", 401, False)
    api = desk.api(make_token(-5), refresh="r1")
    async with Connection(api, sleep=Sleeps()) as link:
        with pytest.raises(ApiError, match="session_revoked"):
            await link.wait_connected()
        assert len(desk.requests) == 1
    await api.close()


async def test_closing_wakes_whoever_waits_for_a_connection(desk: FakeDesk) -> None:
    desk.welcomes = False
    link = connection(desk)
    async with link:
        waiting = asyncio.create_task(link.wait_connected())
        await desk.until(lambda: desk.of(Hello))
    with pytest.raises(SessionEnded):
        await waiting
    assert not link.post(Ping(1))
    await link.api.close()


async def test_a_broken_frame_costs_the_connection_and_not_the_client(
    desk: FakeDesk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with connection(desk, sleep=Sleeps()) as link:
        await link.wait_connected()
        await desk.sockets[-1].send_bytes(b"\xc1\xc1")
        await desk.until(lambda: len(desk.of(Hello)) == 2)
        assert "broken frame" in caplog.text
    await link.api.close()


async def test_a_message_newer_than_this_client_is_skipped(desk: FakeDesk) -> None:
    async with connection(desk) as link:
        await link.wait_connected()
        await desk.sockets[-1].send_bytes(b"\x81\xa4type\xa8new.kind")
        await link.command(Ping)
        assert desk.connects == 1
    await link.api.close()
