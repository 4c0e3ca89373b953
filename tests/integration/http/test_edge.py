"""What every answer has: the request's id, a language, and no more than it should."""

import json
import logging
from collections.abc import AsyncIterator

import aiohttp
import pytest

from server.log import JsonFormatter
from tests.served import LocalServer


@pytest.fixture
async def http(server: LocalServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        yield session


async def test_a_request_keeps_the_id_that_its_caller_gave_it(http: aiohttp.ClientSession) -> None:
    for given in ("erp-2026.11.25_0001", "a" * 64, "5f2c9a3b"):
        async with http.get("/api/v1/me", headers={"X-Request-Id": given}) as answer:
            assert answer.headers["X-Request-Id"] == given
            assert (await answer.json(content_type=None))["request"] == given


@pytest.mark.parametrize(
    "given", ["short", "a" * 65, "two words", "ключ-запроса", "a;b;c;d;e", "<script>x", '"quoted-id"']
)
async def test_an_id_that_could_harm_a_log_is_replaced(http: aiohttp.ClientSession, given: str) -> None:
    async with http.get("/api/v1/me", headers={"X-Request-Id": given}) as answer:
        own = answer.headers["X-Request-Id"]
        assert own != given and len(own) == 16 and int(own, 16) >= 0
        assert (await answer.json(content_type=None))["request"] == own


async def test_log_lines_carry_the_requests_id(
    server: LocalServer, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "desk.http")
    lines: list[dict[str, object]] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(JsonFormatter(0).format(record)))

    handler = Keep()
    logging.getLogger("desk.http").addHandler(handler)
    try:
        async with http.get("/api/v1/me", headers={"X-Request-Id": "followed-through"}) as answer:
            assert answer.status == 401
    finally:
        logging.getLogger("desk.http").removeHandler(handler)
    assert [line["conn"] for line in lines if line["event"] == "http"] == ["followed-through"]


async def test_problems_speak_the_readers_language_and_keep_their_code(http: aiohttp.ClientSession) -> None:
    titles = {}
    for lang in ("en", "ru", "kk", "zh"):
        async with http.get("/api/v1/me", headers={"Accept-Language": lang}) as answer:
            problem = await answer.json(content_type=None)
            assert problem["code"] == "unauthenticated"
            assert answer.headers["Content-Language"] == lang
            assert "Accept-Language" in answer.headers["Vary"]
            titles[lang] = problem["title"]
    assert titles["en"] == "Sign in first."


async def test_private_answers_are_not_cached_and_say_nothing_of_the_server(
    http: aiohttp.ClientSession,
) -> None:
    for path in ("/api/v1/me", "/api/v1/nothing"):
        async with http.get(path) as answer:
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["Server"] == "tracking-desk"
            assert answer.content_type == "application/problem+json"


async def test_a_page_links_to_the_next_one_until_there_is_none(
    server: LocalServer, http: aiohttp.ClientSession
) -> None:
    admin = {"Authorization": f"Bearer {server.accounts['admins'][0]['access']}"}
    path, seen, links = "/api/v1/admin/drivers?limit=2", [], 0
    while path:
        async with http.get(path, headers=admin) as answer:
            page = await answer.json()
            seen += [driver["driver"] for driver in page["drivers"]]
            link = answer.headers.get("Link", "")
            assert bool(link) == (page["next"] is not None)
            path = link.partition("<")[2].partition(">")[0]
            links += bool(link)
            assert not link or (link.endswith('; rel="next"') and "limit=2" in path)
    assert len(seen) == len(set(seen)) == 3 and links == 1
