"""Public links: a secret that is told once, good for one order and one window, gone the moment it is revoked."""

import asyncio
import hashlib
import time
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from dispatch.model import Actor, Party
from storage.sharing.links import LINK_AFTER_S, MAX_LIVE
from tests.e2e.socket.wire import signed_in
from tests.integration.authz.matrix import OF_THE_REQUEST
from tests.integration.orders.market import Market
from tests.served import Account, LocalServer

from .road import Answer, advance, ask, assigned, drive, until

NOWHERE = "A" * 22


async def made(server: LocalServer, account: Account, order: int, **form: object) -> Any:
    answer = await ask(server, account, "POST", f"/orders/{order}/links", {"label": "склад", **form})
    assert answer.status == 201, answer.body
    return answer.body


async def look(server: LocalServer, secret: str, **headers: str) -> Answer:
    return await ask(server, None, "GET", f"/shared/{secret}", **headers)


def gone(answer: Answer, like: Answer) -> bool:
    """Whether this is the very answer that a secret gets which never was."""

    def told(each: Answer) -> tuple[object, ...]:
        headers = {name.lower(): value for name, value in each.headers.items()}
        return (
            each.status,
            {name: value for name, value in each.body.items() if name != "request"},
            {name: value for name, value in headers.items() if name not in OF_THE_REQUEST},
        )

    return answer.status == 404 and told(answer) == told(like)


async def test_a_stranger_with_the_link_follows_the_truck_and_learns_nothing_else(
    server: LocalServer,
) -> None:
    driver, mine = server.accounts["drivers"][0], server.accounts["shippers"][0]
    async with signed_in(server, driver, stream=True) as truck:
        order = await assigned(server, truck, driver)
        link = await made(server, mine, order, label="Айгүл, склад 4")
        seen = await look(server, link["secret"])
        assert seen.status == 200
        assert seen.headers["Cache-Control"] == "no-store"
        assert seen.headers["Referrer-Policy"] == "no-referrer"
        assert seen.headers["X-Robots-Tag"] == "noindex"
        assert seen.headers.get("ETag") is None
        page = seen.body
        assert (page["status"], page["body"]) == ("assigned", driver["body"])
        assert [stop["town"] for stop in page["stops"]] == ["Almaty", "Konaev"]
        assert (page["position"]["lat"], page["position"]["lon"]) == (43.25, 76.91)
        assert page["closes_at"] > time.time()
        assert "склад" not in str(page) and "paused" not in page and "яблоки" not in str(page)
        assert not {str(driver["user"]), str(mine["user"])} & set(str(page).replace(",", " ").split())
        await drive(truck, 2, 43.2503)
        await until(lambda: server.services.live.get(driver["user"]).lat == 43.2503)  # type: ignore[union-attr]
        assert (await look(server, link["secret"])).body["position"]["lat"] == 43.2503


async def test_the_database_holds_a_hash_and_nobody_is_told_the_secret_again(server: LocalServer) -> None:
    market = Market(server.services.pool)
    mine = server.accounts["shippers"][0]
    order = (await market.order(mine["user"])).id
    secret = (await made(server, mine, order))["secret"]
    assert len(secret) == 22
    pool = server.services.pool
    stored = await pool.fetchval("SELECT secret_hash FROM share_links")
    assert stored == hashlib.sha256(secret.encode()).digest()
    tables = await pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    for (table,) in tables:
        rows = await pool.fetch(f"SELECT t::text FROM {table} t")
        assert not [row for row in rows if secret in row[0]], table
    listed = await ask(server, mine, "GET", f"/orders/{order}/links")
    assert secret not in str(listed.body) and stored.hex() not in str(listed.body)


async def test_a_revoked_link_is_gone_with_the_next_look_whoever_of_the_two_sides_revokes_it(
    server: LocalServer,
) -> None:
    driver, mine, stranger = server.accounts["drivers"][0], *server.accounts["shippers"][:2]
    never = await look(server, NOWHERE)
    assert (never.status, never.body["code"]) == (404, "not_found")
    async with signed_in(server, driver, stream=True) as truck:
        order = await assigned(server, truck, driver)
        for maker, ender in ((mine, mine), (mine, driver), (driver, mine)):
            link = await made(server, maker, order)
            assert (await look(server, link["secret"])).status == 200
            path = f"/orders/{order}/links/{link['link']}"
            assert (await ask(server, stranger, "DELETE", path)).body["code"] == "not_found"
            assert (await ask(server, ender, "DELETE", path)).status == 204
            assert gone(await look(server, link["secret"]), never)
        found = (await ask(server, mine, "GET", f"/orders/{order}/links")).body["links"]
        assert [(each["side"], each["live"]) for each in found] == [
            ("driver", False),
            ("shipper", False),
            ("shipper", False),
        ]


async def test_wrong_early_and_expired_links_answer_the_same(server: LocalServer) -> None:
    market = Market(server.services.pool)
    pool, mine = server.services.pool, server.accounts["shippers"][0]
    order = (await market.order(mine["user"])).id
    never = await look(server, NOWHERE)
    for wrong in ("A" * 21, "A" * 23, "%20" * 22, "я" * 22, "A" * 3000, "..%2f..%2fetc"):
        assert gone(await look(server, wrong), never), wrong
    now = time.time()
    early = await made(server, mine, order, opens_at=now + 3600)
    assert early["view"]["live"] and gone(await look(server, early["secret"]), never)
    window = await made(server, mine, order, closes_at=now + 3600)
    assert (await look(server, window["secret"])).body["closes_at"] == round(now + 3600, 6)
    await pool.execute("UPDATE share_links SET closes_at = now() WHERE id = $1", window["link"])
    assert gone(await look(server, window["secret"]), never)
    # One that follows the haul ends two hours after it.
    follows = await made(server, mine, order)
    await market.orders.cancel(Party(mine["user"], Actor.SHIPPER), order)
    ended = (await look(server, follows["secret"])).body
    assert ended["status"] == "cancelled" and "position" not in ended
    assert abs(ended["closes_at"] - now - LINK_AFTER_S) < 60
    await pool.execute("UPDATE orders SET ended_at = now() - interval '121 minutes' WHERE id = $1", order)
    assert gone(await look(server, follows["secret"]), never)


async def test_the_position_is_shown_while_the_haul_lasts_and_its_driver_shares_it(
    server: LocalServer,
) -> None:
    driver, mine = server.accounts["drivers"][0], server.accounts["shippers"][0]
    async with signed_in(server, driver, stream=True) as truck:
        order = await assigned(server, truck, driver)
        secret = (await made(server, mine, order, closes_at=time.time() + 86_400))["secret"]

        async def page() -> Any:
            return (await look(server, secret)).body

        await ask(server, driver, "POST", f"/orders/{order}/sharing", {"paused": True})
        held = await page()
        assert held["paused"] and "position" not in held
        assert "cell" not in str(held) and "city" not in held
        await ask(server, driver, "POST", f"/orders/{order}/sharing", {"paused": False})
        assert (await page())["position"]
        await advance(truck, order, "delivered")
        assert (await page())["position"]
        await ask(server, driver, "PUT", "/me/sharing", {"after_trip_min": 0})
        over = await page()
        assert over["status"] == "delivered" and "position" not in over
        await ask(server, driver, "PUT", "/me/sharing", {"after_trip_min": 5})
        await server.services.pool.execute(
            "UPDATE orders SET ended_at = now() - interval '6 minutes' WHERE id = $1", order
        )
        assert "position" not in await page()


async def test_a_link_shows_its_own_order_and_is_no_key_to_another(server: LocalServer) -> None:
    market = Market(server.services.pool)
    mine, stranger = server.accounts["shippers"][:2]
    one, two = [(await market.order(mine["user"])).id for _ in range(2)]
    link = await made(server, mine, one)
    for path in (f"/orders/{two}/links/{link['link']}", f"/orders/{two}/links/{link['link']}/views"):
        method = "GET" if path.endswith("views") else "DELETE"
        assert (await ask(server, mine, method, path)).body["code"] == "not_found"
    for method, path in (("GET", "/links"), ("POST", "/links"), ("GET", f"/links/{link['link']}/views")):
        form = {"label": "x"} if method == "POST" else None
        answer = await ask(server, stranger, method, f"/orders/{one}{path}", form)
        assert answer.body["code"] == "not_found"
    # The secret signs nobody in.
    headers = {"Authorization": f"Bearer {link['secret']}"}
    assert (await ask(server, None, "GET", f"/orders/{one}", **headers)).body["code"] == "unauthenticated"
    assert (await look(server, link["secret"])).status == 200


async def test_an_order_has_ten_live_links_and_no_more_however_many_ask_at_once(server: LocalServer) -> None:
    market = Market(server.services.pool)
    mine = server.accounts["shippers"][0]
    order = (await market.order(mine["user"])).id
    path, form = f"/orders/{order}/links", {"label": "склад"}
    answers = await asyncio.gather(*(ask(server, mine, "POST", path, form) for _ in range(MAX_LIVE + 5)))
    codes = [each.body.get("code") for each in answers]
    assert codes.count(None) <= MAX_LIVE and set(codes) <= {None, "limit_reached", "busy"}
    for _ in range(MAX_LIVE - codes.count(None)):
        await made(server, mine, order)
    assert (await ask(server, mine, "POST", path, form)).body["code"] == "limit_reached"
    first = (await ask(server, mine, "GET", f"{path}?limit=3")).body
    assert len(first["links"]) == 3
    rest = (await ask(server, mine, "GET", f"{path}?limit=100&before={first['next']}")).body
    assert len(rest["links"]) == MAX_LIVE - 3 and rest["next"] is None
    await ask(server, mine, "DELETE", f"{path}/{first['links'][0]['link']}")
    await made(server, mine, order)


async def test_a_window_is_refused_that_makes_no_sense(server: LocalServer) -> None:
    market = Market(server.services.pool)
    mine = server.accounts["shippers"][0]
    order = (await market.order(mine["user"])).id
    now = time.time()
    for form, code, path in (
        ({"closes_at": now - 1}, "window_past", "closes_at"),
        ({"opens_at": now + 7200, "closes_at": now + 3600}, "window_invalid", "closes_at"),
        ({"closes_at": now + 32 * 86_400}, "window_invalid", "closes_at"),
        ({"opens_at": now + 40 * 86_400}, "window_invalid", "opens_at"),
    ):
        answer = await ask(server, mine, "POST", f"/orders/{order}/links", {"label": "x", **form})
        assert (answer.body["code"], answer.body["path"]) == (code, path)
    await market.orders.cancel(Party(mine["user"], Actor.SHIPPER), order)
    answer = await ask(server, mine, "POST", f"/orders/{order}/links", {"label": "x"})
    assert answer.body["code"] == "order_closed"


async def test_a_link_that_is_asked_for_twice_under_a_key_is_one_with_one_secret(server: LocalServer) -> None:
    market = Market(server.services.pool)
    mine = server.accounts["shippers"][0]
    order = (await market.order(mine["user"])).id
    path, key = f"/orders/{order}/links", {"Idempotency-Key": "the same"}
    first, again = [await ask(server, mine, "POST", path, {"label": "x"}, **key) for _ in range(2)]
    assert first.body == again.body and again.headers["Idempotency-Replayed"] == "true"


async def test_strangers_are_limited_by_network_also_when_they_guess(
    dsn: str, redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    limits = "read=9999/99999,write=9999/99999,heavy=9999/99999,anonymous=1/5"
    server = LocalServer(dsn, redis_url, tmp_path, extra={"DESK_RATE_LIMITS": limits})
    await server.start()
    try:
        answers = [await look(server, NOWHERE) for _ in range(8)]
        assert [answer.status for answer in answers][:5] == [404] * 5
        assert answers[-1].status == 429 and "Retry-After" in answers[-1].headers
        assert answers[-1].headers["X-Robots-Tag"] == "noindex"
    finally:
        await server.stop()
