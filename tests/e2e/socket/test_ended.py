"""A sign-in that is ended at one worker is over at all of them within a moment (C04): sockets and REST."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import Redis

from tests.served import Account, LocalServer

from .test_frames import point
from .wire import signed_in

WITHIN_S = 1.0


@pytest.fixture
async def workers(
    server: LocalServer, dsn: str, redis: Redis, redis_url: str, tmp_path: Path
) -> AsyncIterator[tuple[LocalServer, LocalServer]]:
    """Two workers of one desk, with the same accounts."""
    (tmp_path / "b").mkdir()
    other = LocalServer(dsn, redis_url, tmp_path / "b", secrets=server.secrets)
    await other.start()
    server.accounts = other.accounts  # starting has given the devices new secrets
    async with asyncio.timeout(10):
        while not (server.services.bus.connected and other.services.bus.connected):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    yield server, other
    await other.stop()


async def call(server: LocalServer, account: Account, method: str, path: str, **form: object) -> int:
    headers = {"Authorization": f"Bearer {account['access']}"}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"{server.url}/api/v1{path}", headers=headers, json=form or None) as answer,
    ):
        return answer.status


async def code_of(server: LocalServer, account: Account) -> str | None:
    headers = {"Authorization": f"Bearer {account['access']}"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{server.url}/api/v1/me", headers=headers) as answer,
    ):
        return None if answer.status == 200 else (await answer.json(content_type=None))["code"]


@pytest.mark.parametrize(
    ("who", "method", "path", "form", "code"),
    [
        ("superadmin", "POST", "/admin/users/{user}/block", {"reason": "fraud"}, 4403),
        (
            "superadmin",
            "PUT",
            "/admin/users/{user}/role",
            {"role": "admin", "grade": "support", "reason": "joins the team"},
            4401,
        ),
        ("owner", "POST", "/me/sessions/end", {"scope": "all"}, 4401),
        ("owner", "POST", "/auth/sign-out", {}, 4401),
    ],
)
async def test_sockets_of_both_workers_close_and_their_tokens_are_refused(
    workers: tuple[LocalServer, LocalServer],
    who: str,
    method: str,
    path: str,
    form: dict[str, object],
    code: int,
) -> None:
    here, there = workers
    owner, bystander = here.accounts["shippers"]
    caller = owner if who == "owner" else here.accounts["admins"][0]
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(signed_in(one, owner)) for one in workers]
        other = await stack.enter_async_context(signed_in(there, bystander))
        status = await call(here, caller, method, path.format(user=owner["user"]), **form)
        assert status in (200, 204)
        began = time.monotonic()
        assert await code_of(here, owner) == "session_revoked"  # the next request already
        assert [await socket.close_code(within=WITHIN_S) for socket in sockets] == [code, code]
        async with asyncio.timeout(max(WITHIN_S - (time.monotonic() - began), 0.1)):
            while await code_of(there, owner) != "session_revoked":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (await other.command("ping"))["type"] == "ok"  # nobody else is disturbed


async def test_ending_the_other_sign_ins_leaves_this_one_its_socket(
    workers: tuple[LocalServer, LocalServer],
) -> None:
    here, there = workers
    again = await here.accounts_again()
    first, second = here.accounts["shippers"][0], again["shippers"][0]
    async with signed_in(there, first) as old:
        assert await call(here, second, "POST", "/me/sessions/end", scope="others") == 200
        assert await old.close_code(within=WITHIN_S) == 4401
    assert await code_of(there, second) is None


async def test_a_blocked_driver_s_device_cannot_come_back(workers: tuple[LocalServer, LocalServer]) -> None:
    here, there = workers
    driver, admin = here.accounts["drivers"][0], here.accounts["admins"][0]
    async with signed_in(there, driver, stream=True) as truck:
        assert await call(here, admin, "POST", f"/admin/users/{driver['user']}/block", reason="fraud") == 200
        assert await truck.close_code(within=WITHIN_S) == 4403
    with pytest.raises(AssertionError):  # an error instead of the welcome
        async with asyncio.timeout(5):
            async with signed_in(there, driver):
                pass


async def test_a_blocked_driver_is_off_the_maps_of_all_workers_within_a_second(
    workers: tuple[LocalServer, LocalServer],
) -> None:
    here, there = workers
    driver, admin = here.accounts["drivers"][0], here.accounts["admins"][0]
    world = {"west": -180.0, "south": -90.0, "east": 180.0, "north": 90.0}
    async with (
        signed_in(there, driver, stream=True) as truck,
        signed_in(here, admin) as one,
        signed_in(there, admin) as other,
    ):
        for map_ in (one, other):
            assert (await map_.command("area.watch", **world))["type"] == "ok"
        await truck.send("position.report", points=[point(1, time.time(), 43.25, 76.91)])
        for map_ in (one, other):
            while driver["user"] not in [each[0] for each in (await map_.receive("area.moved"))["trucks"]]:
                pass
        assert await call(here, admin, "POST", f"/admin/users/{driver['user']}/block", reason="fraud") == 200
        async with asyncio.timeout(WITHIN_S):
            for map_ in (one, other):
                while driver["user"] not in (await map_.receive("area.moved")).get("gone", []):
                    pass
        assert await truck.close_code(within=WITHIN_S) == 4403
