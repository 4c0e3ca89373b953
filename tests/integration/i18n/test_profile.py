"""The language of the profile: set by the first sign-in, told by the token, and behind what a client chooses."""

import time
from typing import Any

import aiohttp

from tests.e2e.socket.wire import connect
from tests.served import LocalServer

BROWSER = "en-US,en;q=0.9,ru;q=0.8"
SIGN_IN = {"ru": "Сначала войдите.", "kk": "Алдымен кіріңіз.", "en": "Sign in first.", "zh": "请先登录。"}


async def entered(
    server: LocalServer, http: aiohttp.ClientSession, header: str, phone: str
) -> dict[str, Any]:
    await server.services.pool.execute(
        "DELETE FROM otp_requests"
    )  # nobody waits a minute here for the next code
    code = await server.services.identity.ask(phone, "shipper", "192.0.2.1", time.time())
    async with http.post(
        "/api/v1/auth/verify",
        json={"request": code.request, "code": code.code},
        headers={"Accept-Language": header},
    ) as answer:
        assert answer.status == 200
        signed: dict[str, Any] = await answer.json()
        return signed


async def answered_in(http: aiohttp.ClientSession, access: str, header: str | None) -> str:
    headers = {"Authorization": f"Bearer {access}"}
    if header is not None:
        headers["Accept-Language"] = header
    async with http.get("/api/v1/orders/99999", headers=headers) as answer:
        assert answer.status == 404
        return answer.headers["Content-Language"]


async def test_a_new_account_keeps_the_language_of_its_first_sign_in(server: LocalServer) -> None:
    async with aiohttp.ClientSession(server.url) as http:
        signed = await entered(server, http, "kk-KZ,kk;q=0.9,ru;q=0.5", "+77017778899")
        async with http.get("/api/v1/me", headers={"Authorization": f"Bearer {signed['access']}"}) as me:
            assert (await me.json())["locale"] == "kk"
        again = await entered(server, http, "zh", "+77017778899")  # another device changes nothing
    for session in (signed, again):
        assert server.services.authenticate(session["access"]).lang == "kk"


async def test_the_profile_goes_before_a_browsers_list_and_behind_a_choice(server: LocalServer) -> None:
    async with aiohttp.ClientSession(server.url) as http:
        signed = await entered(server, http, "kk", "+77017778899")
        access = signed["access"]
        assert [await answered_in(http, access, header) for header in (BROWSER, None, "*", "fr")] == [
            "kk"
        ] * 4
        assert [await answered_in(http, access, header) for header in ("zh-CN", "en", "ru")] == [
            "zh",
            "en",
            "ru",
        ]
        # What is changed in the profile is in the next token.
        await server.services.pool.execute("UPDATE users SET locale = 'zh' WHERE id = $1", signed["user"])
        async with http.post("/api/v1/auth/refresh", json={"refresh": signed["refresh"]}) as answer:
            renewed = (await answer.json())["access"]
        assert await answered_in(http, renewed, BROWSER) == "zh"


async def test_a_profile_with_a_language_of_another_time_does_not_keep_anybody_out(
    server: LocalServer,
) -> None:
    async with aiohttp.ClientSession(server.url) as http:
        signed = await entered(server, http, "kk", "+77017778899")
        await server.services.pool.execute("UPDATE users SET locale = 'uz' WHERE id = $1", signed["user"])
        again = await entered(server, http, "kk", "+77017778899")
        assert await answered_in(http, again["access"], BROWSER) == "en"


async def test_a_socket_speaks_the_profiles_language_unless_it_is_told_otherwise(server: LocalServer) -> None:
    async with aiohttp.ClientSession(server.url) as http:
        access = (await entered(server, http, "kk", "+77017778899"))["access"]
        asked = {"Authorization": f"Bearer {access}"}
        async with http.post("/api/v1/ws-ticket", json={}, headers=asked) as answer:
            ticket = (await answer.json())["ticket"]
    headers = {"Accept-Language": BROWSER}
    for path, hello, lang in (
        ("/ws", {"token": access}, "kk"),
        (f"/ws?ticket={ticket}", None, "kk"),
        ("/ws?lang=zh", {"token": access}, "zh"),
        ("/ws?lang=zh", {"token": access, "lang": "ru"}, "ru"),
    ):
        async with connect(server, path=path, headers=headers) as wire:
            if hello is not None:
                await wire.send("hello", version=1, **hello)
            await wire.receive("welcome")
            refused = await wire.command("auth.renew", token="nonsense")
            assert refused["message"] == SIGN_IN[lang], (path, hello)
