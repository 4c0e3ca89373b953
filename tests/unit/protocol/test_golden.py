"""The golden frames: one wire, read and written the same by msgspec, by the SDK and by plain libraries."""

import json
from pathlib import Path
from typing import Any

import msgpack
import msgspec
import pytest

from server.protocol.codec import CODECS
from server.protocol.messages import Ok, ServerMessage
from server.protocol.shapes import CLIENT, SERVER, parts, shape
from tracking_desk_client import messages as sdk

FILES = sorted((Path(__file__).parents[2] / "golden").glob("*.json"))
CLIENT_TAGS = {shape(kind).tag for kind in CLIENT}
golden = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])


def load(path: Path) -> dict[str, Any]:
    frame: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return frame


def test_every_message_has_a_golden_frame_named_after_it() -> None:
    assert {load(path)["type"] for path in FILES} == {shape(kind).tag for kind in (*CLIENT, *SERVER)}
    for path in FILES:
        assert path.stem.split("-")[0] == load(path)["type"]


def test_every_result_of_a_command_has_a_golden_frame() -> None:
    (result,) = (field for field in shape(Ok).fields if field.name == "result")
    declared = {getattr(part, "tag", None) for part in parts(result.type)}
    assert {frame["result"]["type"] for frame in map(load, FILES) if "result" in frame} == declared


@golden
def test_both_codecs_read_and_write_a_golden_frame_without_change(path: Path) -> None:
    frame = load(path)
    as_json, as_msgpack = CODECS["desk.v1.json"], CODECS["desk.v1.msgpack"]
    if frame["type"] in CLIENT_TAGS:
        message: Any = as_json.decode(path.read_bytes())
        assert as_msgpack.decode(msgpack.packb(frame)) == message
    else:
        message = msgspec.json.decode(path.read_bytes(), type=ServerMessage)
        assert msgspec.msgpack.decode(msgpack.packb(frame), type=ServerMessage) == message
    assert json.loads(as_json.encode(message)) == frame
    assert msgpack.unpackb(as_msgpack.encode(message)) == frame


@golden
def test_the_sdk_reads_and_writes_a_golden_frame_without_change(path: Path) -> None:
    frame = load(path)
    read = sdk.parse_client if frame["type"] in CLIENT_TAGS else sdk.parse
    message = read(frame)
    assert type(message).TYPE == frame["type"]
    assert message.to_wire() == frame
    assert read(msgpack.unpackb(msgpack.packb(frame))) == message
