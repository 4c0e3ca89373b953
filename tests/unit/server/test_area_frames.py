"""Frames put together by hand are the frames that the declared messages would give."""

import json
import struct

import msgspec
import pytest

from geo.types import Fix
from server.protocol.codec import CODECS, JSON, Codec
from server.protocol.messages import AreaMoved, ServerMessage, Truck
from server.ws import frames
from storage.live import Live, LiveIndex

EPOCH = "0a1b2c3d"


def payload_of(frame: bytes) -> tuple[int, bytes]:
    """Opcode byte and payload of one unmasked frame, read as RFC 6455 says."""
    opcode, length = frame[0], frame[1]
    if length < 126:
        return opcode, frame[2:]
    if length == 126:
        (size,) = struct.unpack("!H", frame[2:4])
        assert size == len(frame) - 4
        return opcode, frame[4:]
    (size,) = struct.unpack("!Q", frame[2:10])
    assert size == len(frame) - 10
    return opcode, frame[10:]


def entries(count: int) -> list[Live]:
    live = LiveIndex()
    for driver in range(1, count + 1):
        speed = None if driver % 3 == 0 else 21.5
        live.put(driver, Fix(1.7e9 + driver, 43.2 + driver * 1e-4, 76.9, speed, 181.0), 0x1, 1.7e9)
    return list(live.all())


@pytest.mark.parametrize("codec", CODECS.values(), ids=lambda codec: codec.subprotocol)
@pytest.mark.parametrize("count", [0, 1, 20, 1000])
def test_joined_trucks_decode_as_the_declared_message(codec: Codec, count: int) -> None:
    builder = frames.AreaFrames(EPOCH)
    trucks = entries(count)
    opcode, payload = payload_of(builder.moved(builder.trucks(trucks, codec), 17, codec))
    assert opcode == (0x82 if codec.binary else 0x81)
    decode = msgspec.json.decode if codec is JSON else msgspec.msgpack.decode
    message = decode(payload, type=ServerMessage)
    assert isinstance(message, AreaMoved)
    assert (message.epoch, message.offset, message.gone) == (EPOCH, 17, [])
    assert [truck.driver for truck in message.trucks] == [entry.driver for entry in trucks]
    if trucks:
        first = trucks[0]
        assert message.trucks[0] == Truck(
            first.driver, first.at, round(first.lat, 6), first.lon, 21.5, 181.0, False
        )


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_frame_lengths_take_the_form_that_their_size_needs(size: int) -> None:
    assert payload_of(frames.frame(b"x" * size, 0x82)) == (0x82, b"x" * size)


def test_a_close_reason_never_exceeds_a_control_frame() -> None:
    frame = frames.close(4008, "ы" * 200)
    assert len(frame) <= 2 + 125
    assert struct.unpack("!H", frame[2:4]) == (4008,)


def test_json_frames_are_plain_json() -> None:
    builder = frames.AreaFrames(EPOCH)
    _, payload = payload_of(builder.moved(builder.trucks(entries(2), JSON), 1, JSON))
    assert json.loads(payload)["trucks"][0][0] == 1
