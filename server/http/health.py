"""Is the process alive, may it be sent traffic, and what does it measure."""

import asyncio

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from server.services import Services
from storage import postgres


def add_health(app: web.Application, services: Services) -> None:
    """`/healthz` says that the loop turns, `/readyz` that requests can be answered, `/metrics` the rest."""

    async def healthz(request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(request: web.Request) -> web.Response:
        parts = {"serving": services.ready, "postgres": await _postgres(services)}
        # Redis is not asked: without it the live view degrades, but points are stored and loads decided.
        parts["bus"] = services.bus.connected
        ready = parts["serving"] and parts["postgres"]
        return web.json_response(
            {"status": "ready" if ready else "not ready", **parts}, status=200 if ready else 503
        )

    async def metrics(request: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(services.metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)


async def _postgres(services: Services) -> bool:
    try:
        async with asyncio.timeout(2.0):
            return bool(await services.pool.fetchval("SELECT true"))
    except postgres.Unreachable:
        return False
