"""Websocket frames as ready bytes: encoded once, written raw to as many sockets as want them.

A prepared frame written straight to the transport costs 9.7 us a delivery, aiohttp's own send 14 us
(both measured on the reference machine); so everything that the server sends is framed here.
"""

import struct
from collections.abc import Sequence

import msgspec

from server.protocol.codec import JSON, MSGPACK, Codec
from server.protocol.messages import AreaMoved, ServerMessage
from server.views import truck_of
from storage.live import Live

PING = b"\x89\x00"
_TEXT, _BINARY, _CLOSE, _PONG = 0x81, 0x82, 0x88, 0x8A


def frame(payload: bytes, opcode: int) -> bytes:
    """One unmasked, unfragmented frame (RFC 6455, section 5.2)."""
    length = len(payload)
    if length < 126:
        return bytes((opcode, length)) + payload
    if length < 65536:
        return struct.pack("!BBH", opcode, 126, length) + payload
    return struct.pack("!BBQ", opcode, 127, length) + payload


def data(payload: bytes, codec: Codec) -> bytes:
    """A data frame of the codec's kind."""
    return frame(payload, _BINARY if codec.binary else _TEXT)


def message(content: ServerMessage, codec: Codec) -> bytes:
    """A whole message as a frame."""
    return data(codec.encode(content), codec)


def close(code: int, reason: str) -> bytes:
    """A close frame; a reason beyond the 123 bytes of a control frame is cut."""
    told = reason.encode()[:123].decode(errors="ignore").encode()  # half a letter would break the protocol
    return frame(struct.pack("!H", code) + told, _CLOSE)


def pong(payload: bytes) -> bytes:
    """The answer to a peer's ping."""
    return frame(payload, _PONG)


class AreaFrames:
    """`area.moved` frames put together from trucks that were encoded once, whoever watches them.

    Trucks are arrays on the wire, so the encoded trucks of many cells can be joined behind one array header.
    A test holds these bytes against the declared message.
    """

    def __init__(self, epoch: str) -> None:
        self._epoch = epoch
        self._msgpack = msgspec.msgpack.Encoder()
        self._json = msgspec.json.Encoder()

    def trucks(self, entries: Sequence[Live], codec: Codec) -> list[bytes]:
        """Each truck encoded."""
        encode = self._msgpack.encode if codec is MSGPACK else self._json.encode
        return [encode(truck_of(entry)) for entry in entries]

    def moved(self, trucks: Sequence[bytes], offset: int, codec: Codec) -> bytes:
        """One frame with these encoded trucks."""
        head = codec.encode(AreaMoved(epoch=self._epoch, offset=offset, trucks=[]))
        if codec is JSON:
            # ...,"trucks":[]}  ->  ...,"trucks":[a,b]}
            return data(head[:-2] + b",".join(trucks) + b"]}", codec)
        # The empty array is the last byte, 0x90; array 32 takes any number.
        return data(head[:-1] + struct.pack("!BI", 0xDD, len(trucks)) + b"".join(trucks), codec)
