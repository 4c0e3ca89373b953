"""Which pages may talk to us: CORS by list, the socket's Origin, and other sites' forged requests (C24, C38)."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import Redis

from server.http.origins import Origins
from tests.served import LocalServer

OWN = "https://desk.example.org"
# 20 ways to look like our page without being it.
TRICKS = (
    "null",
    "",
    " ",
    "*",
    "https://desk.example.org.evil.com",
    "https://evil.com/desk.example.org",
    "https://evildesk.example.org",
    "https://desk.example.org:8443",
    "https://desk.example.org:443",
    "http://desk.example.org",
    "HTTPS://desk.example.org",
    "https://DESK.example.org",
    "https://desk.example.org/",
    "https://desk.example.org.",
    "https://desk-example.org",
    "https://user@desk.example.org",
    "https://desk.example.org@evil.com",
    "https://desk.example.org%2eevil.com",
    "https://desk.example.org https://evil.com",
    "https://desk.example.org, https://evil.com",
    "//desk.example.org",
    "file://",
    "https://localhost.evil.com",
    "capacitor://localhost.evil.com",
    "http://127.0.0.1.evil.com",
)


@pytest.fixture
async def server(dsn: str, redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[LocalServer]:
    local = LocalServer(dsn, redis_url, tmp_path)
    local.extra = {
        "DESK_PUBLIC_URL": OWN,
        "DESK_CORS_ORIGINS": "https://erp.example.kz,capacitor://localhost",
    }
    await local.start()
    yield local
    await local.stop()


@pytest.fixture
async def http(server: LocalServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        yield session


def test_there_are_at_least_twenty_tricks_and_none_is_let_in() -> None:
    origins = Origins(OWN, ("capacitor://localhost", "https://localhost"))
    assert len(set(TRICKS)) >= 20
    for host in ("desk.example.org", "127.0.0.1:8080", "localhost:8080", "evil.com"):
        assert not [trick for trick in TRICKS if origins.allows(trick, host)]


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (OWN, "anything", True),
        ("capacitor://localhost", "desk.example.org", True),
        ("http://127.0.0.1:8080", "127.0.0.1:8080", True),  # the page was opened under a number
        ("http://localhost:8080", "localhost:8080", True),
        ("http://[::1]:8080", "[::1]:8080", True),
        ("https://192.168.1.20", "192.168.1.20", True),
        ("http://evil.com:8080", "evil.com:8080", False),  # DNS rebinding: the name points at us
        ("http://localhost:3000", "localhost:8080", False),
        ("http://10.0.0.1", "127.0.0.1:8080", False),
    ],
)
def test_a_page_under_another_address_counts_only_if_nobody_could_have_pointed_it_here(
    origin: str, host: str, allowed: bool
) -> None:
    assert Origins(OWN, ("capacitor://localhost",)).allows(origin, host) is allowed


async def test_a_listed_page_may_ask_and_read(http: aiohttp.ClientSession) -> None:
    ask = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization,if-match"}
    for origin in ("https://erp.example.kz", "capacitor://localhost", OWN):
        async with http.options("/api/v1/orders", headers={"Origin": origin, **ask}) as answer:
            assert answer.status == 204
            assert answer.headers["Access-Control-Allow-Origin"] == origin
            assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
            for name in ("Authorization", "If-Match", "Idempotency-Key"):
                assert name in answer.headers["Access-Control-Allow-Headers"]
            assert "X-Desk-Client" not in answer.headers["Access-Control-Allow-Headers"]
            assert "Access-Control-Allow-Credentials" not in answer.headers
            assert "Origin" in answer.headers["Vary"]
        async with http.get("/api/v1/orders", headers={"Origin": origin}) as answer:
            assert answer.status == 401 and answer.headers["Access-Control-Allow-Origin"] == origin
            exposed = answer.headers["Access-Control-Expose-Headers"]
            for name in ("ETag", "RateLimit-Remaining", "X-Request-Id", "Idempotency-Replayed", "Link"):
                assert name in exposed


async def test_no_other_page_is_ever_reflected(http: aiohttp.ClientSession) -> None:
    for origin in (*filter(str.strip, TRICKS), "https://evil.com"):
        headers = {"Origin": origin}
        async with http.options(
            "/api/v1/orders", headers={**headers, "Access-Control-Request-Method": "POST"}
        ) as answer:
            assert answer.status == 403 and "Access-Control-Allow-Origin" not in answer.headers
        async with http.get("/api/v1/orders", headers=headers) as answer:
            assert "Access-Control-Allow-Origin" not in answer.headers
            assert "Origin" in answer.headers["Vary"]


async def test_the_socket_refuses_every_trick_and_takes_programs_and_own_pages(
    server: LocalServer, http: aiohttp.ClientSession
) -> None:
    for trick in filter(str.strip, TRICKS):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect("/ws", origin=trick)
        assert refused.value.status == 403, trick
    for origin in (None, OWN, "capacitor://localhost", server.url):
        async with http.ws_connect("/ws", origin=origin, protocols=("desk.v1.json",)):
            pass


FORGED = (
    ({"Origin": "https://evil.com"}, "application/json"),
    ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, "text/plain"),
    ({"Origin": "https://evil.com", "Sec-Fetch-Site": "cross-site"}, "application/x-www-form-urlencoded"),
    ({"Origin": "https://evil.com"}, "multipart/form-data; boundary=x"),
    ({"Sec-Fetch-Site": "cross-site"}, "application/json"),
    ({"Sec-Fetch-Site": "same-site"}, "application/json"),
    ({"X-HTTP-Method-Override": "DELETE"}, "application/json"),
    ({"X-HTTP-Method": "PUT"}, "application/json"),
    ({"X-Method-Override": "PATCH"}, "application/json"),
    # Beside the cookie also where no origin was said.
    ({}, "text/plain"),
    ({}, "application/x-www-form-urlencoded"),
    ({}, "multipart/form-data; boundary=x"),
    ({"Origin": "capacitor://localhost", "Sec-Fetch-Site": "cross-site"}, "application/json"),
)


@pytest.mark.parametrize(("headers", "kind"), FORGED)
async def test_another_sites_page_cannot_use_the_cookie(
    server: LocalServer, headers: dict[str, str], kind: str
) -> None:
    from server.http.origins import FOREIGN
    from server.http.routes import ROUTES

    assert len(FOREIGN) == 1
    refresh = server.accounts["drivers"][0]["refresh"]
    cookie = {"Cookie": f"desk_refresh={refresh}", "X-Desk-Client": "web", "Content-Type": kind}
    # Apple's page must post to its callback, which looks at no cookie (test_ios.py).
    unsafe = [route for route in ROUTES if route.method != "GET" and route.path not in FOREIGN]
    async with aiohttp.ClientSession(server.url) as http:
        for route in unsafe:
            path = route.path.replace("{", "").replace("}", "")
            async with http.request(route.method, path, data=b"{}", headers=cookie | headers) as answer:
                problem = await answer.json(content_type=None)
                assert (answer.status, problem["code"]) == (403, "forbidden"), route.path
        # The sign-in still stands: nothing was carried out.
        async with http.post(
            "/api/v1/auth/refresh", json={}, headers={**cookie, "Content-Type": "application/json"}
        ) as answer:
            assert answer.status == 200


async def test_a_method_override_in_the_address_does_nothing(
    server: LocalServer, http: aiohttp.ClientSession
) -> None:
    bearer = {"Authorization": f"Bearer {server.accounts['shippers'][0]['access']}"}
    async with http.get("/api/v1/orders?_method=DELETE", headers=bearer) as answer:
        assert answer.status == 400
    async with http.delete("/api/v1/orders", headers=bearer) as answer:
        problem = await answer.json(content_type=None)
        assert (answer.status, problem["code"], problem["status"]) == (405, "method_not_allowed", 405)
        assert set(answer.headers["Allow"].split(",")) >= {"GET", "POST"}
