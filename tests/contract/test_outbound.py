"""Addresses that users name lead to the public internet or nowhere, however they are written (C42)."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from server.gateways import outbound
from server.gateways.webhook import WebhookSender

# Ways to say "this machine", "this network" or "the cloud's metadata" in a URL.
TRICKS = (
    "http://example.com/",  # not https
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_SET",
    "https://",
    "https:///x",
    "https://localhost/",
    "https://localhost./",
    "https://foo.localhost/",
    "https://intranet/",
    "https://redis.internal/",
    "https://printer.local/",
    "https://router.lan/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.0.1./",
    "https://2130706433/",
    "https://017700000001/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[fd00::1]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[64:ff9b::7f00:1]/",  # NAT64 of 127.0.0.1
    "https://[2002:7f00:1::]/",  # 6to4 of 127.0.0.1
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://user:pass@example.com/",
    "https://user@example.com/",
    "https://example.com:99999/",
    "https://example.com:x/",
    "https://exam ple.com/",
    "https://example.com\\@127.0.0.1/",
    "https://example.com\n/",
    "https://[127.0.0.1]/",
)


@pytest.mark.parametrize("url", TRICKS)
def test_a_private_or_unclear_address_is_not_acceptable(url: str) -> None:
    assert not outbound.acceptable(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://erp.example.kz/hook",
        "https://example.com:8443/a?b=c",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
    ],
)
def test_a_public_address_is_acceptable(url: str) -> None:
    assert outbound.acceptable(url)


async def test_a_name_that_leads_here_does_not_lead_outside() -> None:
    assert not await outbound.leads_outside("https://localhost/")
    assert not await outbound.leads_outside("https://2130706433/")
    assert not await outbound.leads_outside("https://no-such-name.invalid/")


async def test_one_private_address_among_public_ones_is_one_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    async def both(*arguments: object, **options: object) -> list[object]:
        return [(0, 0, 0, "", ("8.8.8.8", 443)), (0, 0, 0, "", ("10.0.0.1", 443))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)
    assert not await outbound.leads_outside("https://two-faced.example.com/")


@asynccontextmanager
async def private_server() -> AsyncIterator[tuple[int, list[str]]]:
    asked: list[str] = []

    async def take(request: web.Request) -> web.Response:
        asked.append(request.host)
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", take)
    server = TestServer(app)
    await server.start_server()
    assert server.port is not None
    try:
        yield server.port, asked
    finally:
        await server.close()


async def test_a_name_that_changes_its_mind_after_the_check_is_not_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: public when it was registered, this machine when it is called."""
    answers = iter(["93.184.216.34", "127.0.0.1", "127.0.0.1"])
    loop = asyncio.get_running_loop()
    resolve = loop.getaddrinfo

    async def changing(host: str, port: int, **options: object) -> object:
        if host == "rebind.example.com":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]
        return await resolve(host, port, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "getaddrinfo", changing)
    async with private_server() as (port, asked):
        url = f"https://rebind.example.com:{port}/"
        assert outbound.acceptable(url) and await outbound.leads_outside(url)
        sender = WebhookSender()
        attempt = await sender.post(url, b"{}", [b"secret"], delivery=1, kind="ping")
        await sender.close()
        assert not attempt.took and attempt.status is None and asked == []
        assert "127" not in attempt.error, "what is inside is not told outside"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]", "127.1"])
async def test_nothing_on_this_machine_is_ever_called(host: str) -> None:
    async with private_server() as (port, asked):
        sender = WebhookSender()
        for scheme in ("https", "http"):
            attempt = await sender.post(f"{scheme}://{host}:{port}/", b"{}", [b"x"], delivery=1, kind="ping")
            assert not attempt.took
        await sender.close()
        assert asked == []
