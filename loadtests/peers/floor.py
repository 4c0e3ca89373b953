"""The floor: an aiohttp websocket server that only receives frames and counts them.

What it spends on a frame is what any aiohttp server must spend; the ratio of the real server to it is what
our own work costs. Run as `python -m loadtests.peers.floor PORT`.
"""

import sys

import uvloop
from aiohttp import WSMsgType, web

RECEIVED = web.AppKey("received", list[int])


async def receive(request: web.Request) -> web.WebSocketResponse:
    """Reads until the peer leaves."""
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    received = request.app[RECEIVED]
    while (await socket.receive()).type in (WSMsgType.BINARY, WSMsgType.TEXT):
        received[0] += 1
    return socket


async def count(request: web.Request) -> web.Response:
    """How many frames came so far."""
    return web.json_response({"received": request.app[RECEIVED][0]})


def application() -> web.Application:
    """`/ws` receives, `/count` tells, `/readyz` answers."""
    app = web.Application()
    app[RECEIVED] = [0]
    app.add_routes([web.get("/ws", receive), web.get("/count", count), web.get("/readyz", count)])
    return app


if __name__ == "__main__":
    web.run_app(
        application(),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop=uvloop.new_event_loop(),
        print=None,
        access_log=None,
    )
