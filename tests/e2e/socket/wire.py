"""A bare websocket for tests: speaks JSON frames by hand, so that it can also speak them wrongly."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson

from tests.served import Account, Server

STREAM = "0123456789abcdef"
Frame = dict[str, Any]


class Wire:
    """One raw connection."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self._id = 0

    async def send(self, kind: str, **fields: object) -> None:
        await self.socket.send_bytes(orjson.dumps({"type": kind, **fields}))

    async def receive(self, kind: str | None = None, within: float = 5.0) -> Frame:
        """The next frame (of a kind, passing over others)."""
        async with asyncio.timeout(within):
            while True:
                message = await self.socket.receive()
                assert message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), message
                frame: Frame = orjson.loads(message.data)
                if kind is None or frame["type"] == kind:
                    return frame

    async def command(self, kind: str, **fields: object) -> Frame:
        """Sends a command and returns its `ok` or `error`."""
        self._id += 1
        await self.send(kind, id=self._id, **fields)
        while True:
            frame = await self.receive()
            if frame.get("id") == self._id:
                return frame

    async def close_code(self, within: float = 10.0) -> int | None:
        """Reads on until the server closes."""
        return (await self.close_reason(within))[0]

    async def close_reason(self, within: float = 10.0) -> tuple[int | None, str]:
        """Reads on until the server closes; the code and its sentence."""
        async with asyncio.timeout(within):
            while (message := await self.socket.receive()).type not in (
                aiohttp.WSMsgType.CLOSE,
                aiohttp.WSMsgType.CLOSED,
                aiohttp.WSMsgType.CLOSING,
                aiohttp.WSMsgType.ERROR,
            ):
                pass
        return self.socket.close_code, message.extra or ""


@asynccontextmanager
async def connect(server: Server, path: str = "/ws", **kwargs: Any) -> AsyncIterator[Wire]:
    """An upgraded socket, not signed in yet."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{server.url}{path}", protocols=("desk.v1.json",), **kwargs) as socket,
    ):
        yield Wire(socket)


@asynccontextmanager
async def signed_in(
    server: Server, account: Account, *, stream: bool = False, lang: str = ""
) -> AsyncIterator[Wire]:
    """Past hello and welcome; drivers with their device, and with an open stream if asked."""
    async with connect(server) as wire:
        device = {name: account[name] for name in ("device", "device_secret") if name in account}
        await wire.send("hello", version=1, token=account["access"], lang=lang, **device)
        await wire.receive("welcome")
        if stream:
            await wire.send("stream.resume", stream=STREAM, upto=0)
            await wire.receive("stream.resumed")
        yield wire
