"""Staff who see the product as a user does: they read, they do nothing, and all of it is written down."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from server.audit.as_user import without_numbers
from server.auth import Viewing
from server.http.routes import ROUTES
from tests.e2e.socket.wire import signed_in
from tests.served import Account, LocalServer

WHY = {"reason": "says that the list is empty"}


class Staff:
    """A browser of somebody of the staff, and the view that it has open."""

    def __init__(self, server: LocalServer, account: Account) -> None:
        self.server = server
        self.account = account

    async def ask(
        self, method: str, path: str, *, token: str | None = None, json: object = None
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token or self.account['access']}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, f"{self.server.url}/api/v1{path}", json=json) as answer,
        ):
            return answer.status, await answer.json(content_type=None) if answer.status != 204 else None

    async def see(self, user: int) -> dict[str, Any]:
        status, view = await self.ask("POST", f"/admin/users/{user}/view", json=WHY)
        assert status == 201, view
        return dict(view)


@pytest.fixture
async def support(server: LocalServer) -> AsyncIterator[Staff]:
    account = next(each for each in server.accounts["admins"] if each["grade"] == "support")
    yield Staff(server, account)


async def log(server: LocalServer, what: str = "") -> list[tuple[str, int, dict[str, str], str]]:
    rows = await server.services.pool.fetch(
        "SELECT action, user_id, detail, reason FROM staff_actions WHERE starts_with(action, $1) ORDER BY id",
        what,
    )
    return [tuple(row.values()) for row in rows]  # type: ignore[misc]  # the four of the statement


async def test_a_view_reads_what_the_user_reads_and_names_the_user_for_the_banner(
    server: LocalServer, support: Staff
) -> None:
    shipper = server.accounts["shippers"][0]
    view = await support.see(shipper["user"])
    assert (view["user"], view["role"], view["phone"]) == (shipper["user"], "shipper", shipper["phone"])
    assert 590 < view["expires_at"] - time.time() <= 600
    status, me = await support.ask("GET", "/me", token=view["access"])
    assert (status, me["user"], me["role"]) == (200, shipper["user"], "shipper")
    assert (await support.ask("GET", "/orders", token=view["access"]))[0] == 200
    assert (await support.ask("GET", "/admin/drivers", token=view["access"]))[
        0
    ] == 403  # it is the user's token


UNSAFE = sorted({(route.method, route.path) for route in ROUTES if route.method != "GET"})


async def test_whatever_is_no_get_is_refused_in_a_view_on_every_route(
    server: LocalServer, support: Staff
) -> None:
    view = await support.see(server.accounts["drivers"][0]["user"])
    before = await server.services.pool.fetchval("SELECT count(*) FROM staff_actions")
    for method, path in UNSAFE:
        filled = "/".join(
            "1" if part.startswith("{") else part for part in path.removeprefix("/api/v1").split("/")
        )
        status, answer = await support.ask(method, filled, token=view["access"], json={})
        assert (status, answer["code"]) == (403, "forbidden"), (method, path)
    assert await server.services.pool.fetchval("SELECT count(*) FROM staff_actions") == before


async def test_a_get_that_would_write_is_stopped_by_the_database(server: LocalServer, support: Staff) -> None:
    driver = server.accounts["drivers"][0]
    view = await support.see(driver["user"])
    pool = server.services.pool
    await pool.execute("DELETE FROM driver_codes WHERE driver_id = $1", driver["user"])
    # The first look at the own code makes it.
    status, answer = await support.ask("GET", "/me/code", token=view["access"])
    assert (status, answer["code"]) == (403, "forbidden")
    assert await pool.fetchval("SELECT count(*) FROM driver_codes") == 0


async def test_a_view_and_what_was_read_in_it_are_written_down_once(
    server: LocalServer, support: Staff
) -> None:
    shipper = server.accounts["shippers"][0]["user"]
    view = await support.see(shipper)
    for _ in range(3):
        await support.ask("GET", "/orders?limit=5", token=view["access"])
    await support.ask("GET", "/me", token=view["access"])
    assert (await support.ask("DELETE", f"/admin/views/{view['view']}"))[0] == 204
    number = str(view["view"])
    assert await log(server, "view.") == [
        ("view.start", shipper, {"view": number}, WHY["reason"]),
        (
            "view.read",
            shipper,
            {"view": number, "route": "GET /api/v1/orders", "path": "/api/v1/orders"},
            "",
        ),
        ("view.read", shipper, {"view": number, "route": "GET /api/v1/me", "path": "/api/v1/me"}, ""),
        ("view.end", shipper, {"view": number}, ""),
    ]


async def test_the_user_is_told_when_staff_looked_but_not_who(server: LocalServer, support: Staff) -> None:
    shipper = server.accounts["shippers"][0]
    await support.see(shipper["user"])
    status, told = await Staff(server, shipper).ask("GET", "/me/looks")
    assert status == 200
    [look] = told["looks"]
    assert look["what"] == "account" and abs(look["at"] - time.time()) < 60
    assert "staff" not in look
    assert (await Staff(server, server.accounts["shippers"][1]).ask("GET", "/me/looks"))[1]["looks"] == []


async def test_other_staff_cannot_be_viewed_and_nobody_without_the_right_views(
    server: LocalServer, support: Staff
) -> None:
    shipper = server.accounts["shippers"][0]["user"]
    for account in server.accounts["admins"]:
        status, _ = await support.ask("POST", f"/admin/users/{account['user']}/view", json=WHY)
        assert status == 403
        may = account["grade"] in ("support", "superadmin")
        status, _ = await Staff(server, account).ask("POST", f"/admin/users/{shipper}/view", json=WHY)
        assert status == (201 if may else 403)
    assert (await support.ask("POST", "/admin/users/999999/view", json=WHY))[0] == 404
    assert (await support.ask("POST", f"/admin/users/{shipper}/view", json={"reason": ""}))[0] == 400


ENDINGS = {
    "the staff end it": "",
    "it is over": "UPDATE account_views SET expires_at = now()",
    "the staff sign out": (
        "UPDATE sessions SET revoked_at = now() WHERE id = (SELECT session_id FROM account_views)"
    ),
    "the staff lose the right": (
        "UPDATE users SET grade = 'finance' WHERE id = (SELECT staff_id FROM account_views)"
    ),
    "the staff are blocked": "UPDATE users SET blocked = true WHERE id = (SELECT staff_id FROM account_views)",
    "the user becomes staff": (
        "UPDATE users SET role = 'admin', grade = 'support' WHERE id = (SELECT user_id FROM account_views)"
    ),
}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_view_ends_with_the_next_request_when(
    server: LocalServer, support: Staff, ending: str
) -> None:
    view = await support.see(server.accounts["shippers"][0]["user"])
    assert (await support.ask("GET", "/me", token=view["access"]))[0] == 200
    if statement := ENDINGS[ending]:
        await server.services.pool.execute(statement)
    else:
        await support.ask("DELETE", f"/admin/views/{view['view']}")
    status, answer = await support.ask("GET", "/me", token=view["access"])
    assert (status, answer["code"]) == (401, "session_revoked")


async def test_opening_another_view_ends_the_first(server: LocalServer, support: Staff) -> None:
    one, two = (account["user"] for account in server.accounts["shippers"][:2])
    first, second = await support.see(one), await support.see(two)
    assert (await support.ask("GET", "/me", token=first["access"]))[0] == 401
    assert (await support.ask("GET", "/me", token=second["access"]))[0] == 200
    assert [line[0] for line in await log(server, "view.")][:3] == ["view.start", "view.end", "view.start"]


async def test_a_socket_of_a_view_reads_is_not_the_user_and_ends_with_the_view(
    server: LocalServer, support: Staff
) -> None:
    driver = server.accounts["drivers"][0]
    view = await support.see(driver["user"])
    hub = server.services.hub
    async with signed_in(server, {"access": view["access"]}) as wire:
        assert not hub.connected(driver["user"])  # pushes still go to the phone
        assert (await wire.command("ping"))["type"] == "ok"
        for kind, fields in (
            ("shift.set", {"on_duty": False}),
            ("offer.accept", {"offer": 1, "accept_id": "00000000-0000-4000-8000-000000000001"}),
            ("auth.renew", {"token": view["access"]}),
        ):
            refused = await wire.command(kind, **fields)
            assert (refused["type"], refused["code"]) == ("error", "forbidden"), kind
        await wire.send("stream.resume", stream="0123456789abcdef", upto=0)
        assert (await wire.receive("error"))["code"] == "forbidden"
        await support.ask("DELETE", f"/admin/views/{view['view']}")
        assert await wire.close_code(within=1.0) == 4401
    async with signed_in(server, driver):
        assert hub.connected(driver["user"])


async def test_a_view_opens_no_socket_as_a_device(server: LocalServer, support: Staff) -> None:
    driver = server.accounts["drivers"][0]
    view = await support.see(driver["user"])
    with pytest.raises(AssertionError):  # an error instead of the welcome
        async with asyncio.timeout(5):
            async with signed_in(server, {**driver, "access": view["access"]}):
                pass


def test_a_token_that_looks_as_staff_is_none(server: LocalServer) -> None:
    forged, _ = server.services.tokens.mint(
        1, "admin", "s", time.time(), grade="superadmin", viewing=Viewing(2, 3)
    )
    with pytest.raises(Exception, match="unauthenticated"):
        server.services.tokens.verify(forged)


def test_numbers_are_masked_for_a_grade_that_may_not_see_them() -> None:
    body = b'{"phone":"+77011234567","note":"call +77011234567"}'
    assert without_numbers(body, "support") == body
    assert without_numbers(body, "finance") == b'{"phone":"+7701***4567","note":"call +7701***4567"}'
