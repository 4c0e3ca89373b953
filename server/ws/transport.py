"""The seam between a session and the network: receive bytes, write ready frames, know who is behind.

Only this file knows that aiohttp's WebSocketResponse carries the frames. It only reads and shakes hands:
writing goes straight to the transport, so no lock, task or drain stands between a frame and the kernel.
"""

import asyncio
import socket
from contextlib import suppress

from aiohttp import WSMsgType, web

from server.protocol.codec import CODECS, MAX_FRAME, Codec

from . import frames

TCP_NOTSENT_LOWAT = 25  # Linux; not named by the socket module of Python 3.11
# With these two a peer that stops reading holds ~0.17 MB in kernel and process instead of ~4 MB (measured).
NOTSENT_BYTES = 16 * 1024
SEND_BUFFER = 32 * 1024
CLOSE_WAIT_S = 5.0


class PeerGone(Exception):
    """The connection has ended, by whichever side."""


class Socket:
    """One accepted websocket."""

    __slots__ = ("_abort", "_response", "_transport", "address", "close_code", "codec")

    def __init__(
        self,
        response: "web.WebSocketResponse[bool]",
        transport: asyncio.Transport,
        codec: Codec,
        address: str,
    ) -> None:
        self._response = response
        self._transport = transport
        self.codec = codec
        self.address = address
        self.close_code: int | None = None
        self._abort: asyncio.TimerHandle | None = None

    @classmethod
    async def accept(
        cls, request: web.Request, address: str
    ) -> tuple["Socket", "web.WebSocketResponse[bool]"]:
        """Shakes hands. Compression is off: it costs 103 KiB a socket after one message each way."""
        response = web.WebSocketResponse(
            protocols=tuple(CODECS),
            compress=False,
            heartbeat=None,
            autoping=False,
            autoclose=False,
            max_msg_size=MAX_FRAME + 1024,  # a little more, so that the codec refuses it with a code
            timeout=CLOSE_WAIT_S,
            decode_text=False,
        )
        await response.prepare(request)
        transport = request.transport
        if transport is None:
            raise PeerGone
        raw = transport.get_extra_info("socket")
        if raw is not None:
            with suppress(OSError, AttributeError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
                raw.setsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT, NOTSENT_BYTES)
        # Without a subprotocol the peer speaks JSON: what a person types into a console.
        codec = CODECS[response.ws_protocol or "desk.v1.json"]
        return cls(response, transport, codec, address), response

    async def receive(self) -> bytes:
        """The next data frame; raises PeerGone. b"" is a control frame: a sign of life."""
        message = await self._response.receive()
        kind = message.type
        if kind is WSMsgType.BINARY or kind is WSMsgType.TEXT:
            payload: bytes = message.data
            return payload
        if kind is WSMsgType.PING:
            self.write(frames.pong(message.data))
            return b""
        if kind is WSMsgType.PONG:
            return b""
        if kind is WSMsgType.CLOSE and self.close_code is None:
            self.close_code = message.data or 1005
            self.write(frames.close(1000, ""))
        elif kind is WSMsgType.ERROR and self.close_code is None:
            # aiohttp has answered with the code that RFC 6455 names: 1009 for too long, 1007, 1002.
            self.close_code = getattr(message.data, "code", 1006)
        raise PeerGone

    @property
    def unsent(self) -> int:
        """Bytes that the process holds because the kernel does not take them."""
        return 0 if self._transport.is_closing() else self._transport.get_write_buffer_size()

    def write(self, ready: bytes) -> None:
        """Hands one or more whole frames to the kernel, or to the transport's buffer. ~10 us."""
        if not self._transport.is_closing():
            self._transport.write(ready)

    def close(self, code: int, reason: str) -> None:
        """Sends a close frame; a peer that does not answer is cut off 5 s later. Never waits."""
        if self.close_code is not None:
            return
        self.close_code = code
        self.write(frames.close(code, reason))
        self._abort = asyncio.get_running_loop().call_later(CLOSE_WAIT_S, self._transport.abort)

    def end(self) -> None:
        """The session is over: frees the connection, after what is buffered has gone out."""
        if self._abort is not None:
            self._abort.cancel()
        if self.unsent:
            asyncio.get_running_loop().call_later(CLOSE_WAIT_S, self._transport.abort)
        self._transport.close()
