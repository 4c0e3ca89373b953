"""The sandbox in a served desk: pages behind the edge, the courier among the loops, and nothing when it is off."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import aiohttp
from aiohttp import web

from server.app import build_app
from server.config import load
from server.gateways.acquiring.sandbox.acquirer import Sandbox
from server.services import Services
from tests.contract.acquiring.contract import BACK, FAILED, an_order
from tests.contract.acquiring.sandbox import GOOD
from tests.served import LocalServer


async def test_a_page_is_served_by_the_desk_and_its_courier_knocks_at_our_own_address(
    server: LocalServer,
) -> None:
    acquirer = server.services.paying.acquirers["sandbox"]
    assert isinstance(acquirer, Sandbox)
    page = await acquirer.checkout(an_order(), BACK, FAILED, save_card=True, attempt=uuid4())
    assert page.url.startswith(f"{server.url}/sandbox-pay/p/")
    async with aiohttp.ClientSession() as http:
        async with http.get(page.url) as answer:
            assert answer.status == 200 and "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Server"] == "tracking-desk" and answer.headers["X-Request-Id"]
        async with http.post(page.url, data={"do": "pay", "number": GOOD}) as answer:
            assert answer.status == 200
    async with asyncio.timeout(20):
        knocked = "SELECT count(*) FROM sandbox_deliveries WHERE attempts > 0"
        while not await server.services.pool.fetchval(knocked):  # noqa: ASYNC110 - a row of another loop's
            await asyncio.sleep(0.05)


async def test_a_desk_without_the_sandbox_has_no_pages_of_it(server: LocalServer) -> None:
    config = load(server.environ | {"DESK_ACQUIRERS": "none"})
    now = server.services
    other = Services(
        replace(config, port=0),
        worker="other",
        pool=now.pool,
        redis=now.redis,
        subscriber=now.redis,
        gazetteer=now.gazetteer,
        roads=now.roads,
        epoch=now.epoch,
    )
    assert other.paying.acquirers == {}
    assert not any("sandbox" in resource.canonical for resource in build_app(other).router.resources())
    mine: web.Application = build_app(now)
    assert any("sandbox" in resource.canonical for resource in mine.router.resources())
