"""Identity over HTTP: codes, cookies, sign-out, tickets, devices, push endpoints and administration."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientResponse

from dispatch.rights import Grade
from server.app import build_app
from server.auth import Principal
from server.http.routes import ROUTES
from server.provision import Wanted, accounts
from server.services import Services

from .desk import WEB, Client, code_of

PHONE = "8 701 123 45 67"


async def sign_in(client: Client, codes: Callable[[], str], headers: dict[str, str]) -> dict[str, Any]:
    asked = await (await client.post("/api/v1/auth/otp", json={"phone": PHONE})).json()
    answer = await client.post(
        "/api/v1/auth/verify", json={"request": asked["request"], "code": codes()}, headers=headers
    )
    assert answer.status == 200
    content: dict[str, Any] = await answer.json()
    return content


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_an_app_signs_in_refreshes_and_signs_out(client: Client, codes: Callable[[], str]) -> None:
    first = await sign_in(client, codes, {})
    assert first["role"] == "driver" and len(first["refresh"]) == 43
    profile = await (await client.get("/api/v1/me", headers=bearer(first["access"]))).json()
    assert (profile["user"], profile["phone"], profile["vehicle"]) == (first["user"], "+77011234567", None)
    second = await (await client.post("/api/v1/auth/refresh", json={"refresh": first["refresh"]})).json()
    assert second["user"] == first["user"] and second["refresh"] != first["refresh"]
    out = await client.post("/api/v1/auth/sign-out", headers=bearer(second["access"]))
    assert out.status == 204
    # The same instant, although both access tokens have minutes to live.
    for token in (first["access"], second["access"]):
        assert await code_of(await client.get("/api/v1/me", headers=bearer(token))) == "session_revoked"
    gone = await client.post("/api/v1/auth/refresh", json={"refresh": second["refresh"]})
    assert await code_of(gone) == "session_revoked"


async def test_a_browser_never_sees_its_refresh_token(client: Client, codes: Callable[[], str]) -> None:
    asked = await (await client.post("/api/v1/auth/otp", json={"phone": PHONE})).json()
    answer = await client.post(
        "/api/v1/auth/verify", json={"request": asked["request"], "code": codes()}, headers=WEB
    )
    assert (await answer.json())["refresh"] is None
    cookie = answer.headers["Set-Cookie"]
    for part in ("desk_refresh=", "HttpOnly", "SameSite=Strict", "Path=/api/v1/auth"):
        assert part in cookie
    assert "Secure" not in cookie  # plain http on this machine
    again = await client.post("/api/v1/auth/refresh", json={}, headers=WEB)
    assert again.status == 200 and again.headers["Set-Cookie"] != cookie
    access = (await again.json())["access"]
    out = await client.post("/api/v1/auth/sign-out", headers=bearer(access) | WEB)
    assert out.status == 204 and 'desk_refresh=""' in out.headers["Set-Cookie"]
    assert await code_of(await client.post("/api/v1/auth/refresh", json={}, headers=WEB)) == "unauthenticated"


async def test_the_cookie_is_secure_where_the_address_is(
    services: Services, client: Client, codes: Callable[[], str]
) -> None:
    services.config = replace(services.config, public_url="https://desk.example.org")
    asked = await (await client.post("/api/v1/auth/otp", json={"phone": PHONE})).json()
    answer = await client.post(
        "/api/v1/auth/verify", json={"request": asked["request"], "code": codes()}, headers=WEB
    )
    assert "Secure" in answer.headers["Set-Cookie"]


async def test_the_cookie_alone_refreshes_nothing(client: Client, codes: Callable[[], str]) -> None:
    await sign_in(client, codes, WEB)
    for headers in ({}, {"X-Desk-Client": "app"}):
        forged = await client.post("/api/v1/auth/refresh", json={}, headers=headers)
        assert await code_of(forged) == "unauthenticated" and "Set-Cookie" not in forged.headers


async def test_known_and_unknown_numbers_get_the_same_answer(client: Client, services: Services) -> None:
    await accounts(services.pool, services.tokens, Wanted(shippers=1), time.time())
    known = await client.post("/api/v1/auth/otp", json={"phone": "+77016000000"})
    unknown = await client.post("/api/v1/auth/otp", json={"phone": "+77017999999"})
    assert known.status == unknown.status == 201
    assert set(await known.json()) == set(await unknown.json())
    wait = [
        await client.post("/api/v1/auth/otp", json={"phone": p}) for p in ("+77016000000", "+77017999999")
    ]
    first, second = [await answer.json(content_type="application/problem+json") for answer in wait]
    assert first.pop("request") != second.pop("request")
    assert first == second and first["code"] == "rate_limited"


async def test_nobody_becomes_an_admin_by_asking(client: Client) -> None:
    answer = await client.post("/api/v1/auth/otp", json={"phone": PHONE, "role": "admin"})
    assert await code_of(answer) == "bad_request"


async def test_limits_follow_the_caller_behind_a_trusted_proxy(client: Client) -> None:
    statuses = []
    for number in range(35):
        phone = f"+7701{number:07d}"
        answer = await client.post(
            "/api/v1/auth/otp", json={"phone": phone}, headers={"X-Forwarded-For": f"2001:db8::{number:x}"}
        )
        statuses.append(answer.status)
    assert statuses == [201] * 30 + [429] * 5
    other = await client.post(
        "/api/v1/auth/otp", json={"phone": PHONE}, headers={"X-Forwarded-For": "192.0.2.1"}
    )
    assert other.status == 201


async def test_a_replayed_refresh_token_ends_the_session_at_once_and_is_logged(
    client: Client, services: Services, codes: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    first = await sign_in(client, codes, {})
    second = await (await client.post("/api/v1/auth/refresh", json={"refresh": first["refresh"]})).json()
    await services.pool.execute("UPDATE refresh_tokens SET used_at = used_at - interval '31 s'")
    stolen = await client.post("/api/v1/auth/refresh", json={"refresh": first["refresh"]})
    assert await code_of(stolen) == "session_revoked"
    assert (
        await code_of(await client.get("/api/v1/me", headers=bearer(second["access"]))) == "session_revoked"
    )
    (record,) = [record for record in caplog.records if record.getMessage() == "refresh.replayed"]
    assert record.levelname == "WARNING" and record.__dict__["user"] == first["user"]


async def people(services: Services) -> dict[str, list[dict[str, Any]]]:
    return await accounts(services.pool, services.tokens, Wanted(2, 1, 1), time.time())


async def test_a_ticket_carries_the_device_only_with_its_secret(client: Client, services: Services) -> None:
    made = await people(services)
    mine, other = made["drivers"]
    form = {"device": mine["device"], "device_secret": mine["device_secret"]}
    answer = await client.post("/api/v1/ws-ticket", json=form, headers=bearer(mine["access"]))
    assert answer.status == 201
    principal, device = await services.tickets.redeem((await answer.json())["ticket"])
    assert isinstance(principal, Principal) and (principal.user, device) == (mine["user"], mine["device"])
    for caller in (other, made["shippers"][0]):
        refused = await client.post("/api/v1/ws-ticket", json=form, headers=bearer(caller["access"]))
        assert await code_of(refused) == "device_required"
    for secret in ({}, {"device_secret": "x"}):
        guess = await client.post(
            "/api/v1/ws-ticket", json={"device": mine["device"], **secret}, headers=bearer(mine["access"])
        )
        assert await code_of(guess) == "device_required"
    watcher = await client.post("/api/v1/ws-ticket", headers=bearer(made["admins"][0]["access"]))
    assert (await services.tickets.redeem((await watcher.json())["ticket"]))[1] is None


async def test_no_secret_opens_a_door_that_is_not_its_own(client: Client, services: Services) -> None:
    driver = (await people(services))["drivers"][0]
    answer = await client.post("/api/v1/ws-ticket", headers=bearer(driver["access"]))
    ticket = (await answer.json())["ticket"]
    secrets = {"access": driver["access"], "refresh": driver["refresh"], "device": driver["device_secret"]}
    for kind, secret in {**secrets, "ticket": ticket}.items():
        if kind != "access":
            assert await code_of(await client.get("/api/v1/me", headers=bearer(secret))) == "unauthenticated"
        if kind != "refresh":
            refused = await client.post("/api/v1/auth/refresh", json={"refresh": secret})
            assert await code_of(refused) == "unauthenticated"


async def test_a_driver_registers_a_device_and_describes_the_truck(
    client: Client, services: Services
) -> None:
    made = await people(services)
    driver, shipper = made["drivers"][0], made["shippers"][0]
    device = await (
        await client.post("/api/v1/devices", json={"label": "GPS"}, headers=bearer(driver["access"]))
    ).json()
    assert await services.identity.device(device["device"], device["device_secret"]) == driver["user"]
    truck = {"body": "reefer", "capacity_kg": 18000.0, "volume_m3": 80.0, "plate": "123ABC02"}
    put = await client.put("/api/v1/me/vehicle", json=truck, headers=bearer(driver["access"]))
    assert await put.json() == truck
    profile = await (await client.get("/api/v1/me", headers=bearer(driver["access"]))).json()
    assert profile["vehicle"] == truck and profile["on_duty"] is True
    for method, path, body in (("POST", "/api/v1/devices", {}), ("PUT", "/api/v1/me/vehicle", truck)):
        refused = await client.request(method, path, json=body, headers=bearer(shipper["access"]))
        assert await code_of(refused) == "forbidden"


async def test_an_operator_pages_through_drivers_and_sets_a_subscription(
    client: Client, services: Services
) -> None:
    made = await people(services)
    admin, driver, shipper = made["admins"][0], made["drivers"][1], made["shippers"][0]
    first = await (await client.get("/api/v1/admin/drivers?limit=1", headers=bearer(admin["access"]))).json()
    rest = await (
        await client.get(f"/api/v1/admin/drivers?before={first['next']}", headers=bearer(admin["access"]))
    ).json()
    assert [view["driver"] for view in first["drivers"] + rest["drivers"]] == [
        made["drivers"][1]["user"],
        made["drivers"][0]["user"],
    ]
    assert rest["next"] is None
    path = f"/api/v1/admin/drivers/{driver['user']}/subscription"
    paid = await client.put(path, json={"paid_until": 1.9e9}, headers=bearer(admin["access"]))
    assert (await paid.json())["paid_until"] == 1.9e9
    for user in (shipper["user"], 10**9, "x"):
        absent = await client.put(
            f"/api/v1/admin/drivers/{user}/subscription",
            json={"paid_until": 1},
            headers=bearer(admin["access"]),
        )
        assert await code_of(absent) == "not_found"
    for caller in (driver, shipper):
        refused = await client.put(path, json={"paid_until": 2e9}, headers=bearer(caller["access"]))
        assert await code_of(refused) == "forbidden"
    assert (await services.accounts.account(driver["user"])).paid_until == 1.9e9


async def get_as(client: Client, account: dict[str, Any]) -> ClientResponse:
    return await client.get("/api/v1/admin/drivers", headers=bearer(account["access"]))


async def test_a_route_for_some_grades_refuses_the_others_and_never_a_superadmin(
    services: Services, aiohttp_client: Callable[..., Awaitable[Client]], monkeypatch: pytest.MonkeyPatch
) -> None:
    narrowed = tuple(
        replace(route, grades=frozenset({"finance"})) if route.path.endswith("/admin/drivers") else route
        for route in ROUTES
    )
    monkeypatch.setattr("server.app.ROUTES", narrowed)
    client = await aiohttp_client(build_app(services))
    wanted = Wanted(drivers=1, admins=1, staff=(Grade.FINANCE, Grade.SUPPORT))
    made = await accounts(services.pool, services.tokens, wanted, time.time())
    top, finance, support = made["admins"]
    assert [(await get_as(client, admin)).status for admin in (top, finance)] == [200, 200]
    for refused in (support, made["drivers"][0]):
        assert await code_of(await get_as(client, refused)) == "forbidden"
    profile = await (await client.get("/api/v1/me", headers=bearer(finance["access"]))).json()
    assert profile["grade"] == "finance"


async def test_push_endpoints_belong_to_one_user_and_are_public_https(
    client: Client, services: Services
) -> None:
    one, two = (await people(services))["drivers"]
    point = (await (await client.get("/api/v1/push/key", headers=bearer(one["access"]))).json())["key"]
    assert len(point) == 87
    form = {
        "kind": "webpush",
        "address": "https://push.example.org/abc",
        "p256dh": point,  # any point of the curve will do here
        "auth": "A" * 22,
        "locale": "kk",
    }

    async def put(user: dict[str, Any], **changes: str) -> ClientResponse:
        return await client.post(
            "/api/v1/push/endpoints", json=form | changes, headers=bearer(user["access"])
        )

    first = (await (await put(one)).json())["endpoint"]
    assert (await (await put(one)).json())["endpoint"] == first
    assert [e.locale for e in await services.accounts.endpoints([one["user"]])] == ["kk"]
    for address in (
        "http://push.example.org/abc",
        "https://127.0.0.1/abc",
        "https://[::1]/abc",
        "https://169.254.169.254/latest",
        "https://10.0.0.8:8443/",
        "https://2130706433/",
        "https://localhost/",
        "https://redis.internal/",
        "https://user:pass@push.example.org/",
        "https://push.example.org:99999/",
        "file:///etc/passwd",
        "x",
    ):
        assert await code_of(await put(one, address=address)) == "bad_request"
    for keys in ({"p256dh": "AAAA"}, {"auth": "AAAA"}, {"auth": "ы" * 16}, {"p256dh": "A" * 87}):
        assert await code_of(await put(one, **keys)) == "bad_request"
    # The phone changes hands: its address is the new user's alone.
    assert (await (await put(two)).json())["endpoint"] == first
    assert await services.accounts.endpoints([one["user"]]) == []
    path = f"/api/v1/push/endpoints/{first}"
    assert await code_of(await client.delete(path, headers=bearer(one["access"]))) == "not_found"
    assert (await client.delete(path, headers=bearer(two["access"]))).status == 204
    assert await services.accounts.endpoints([two["user"]]) == []
