"""The codecs: what is valid comes back the same, what is not becomes a BadFrame and nothing else."""

import json
import math
from collections.abc import Iterator
from typing import Any

import msgpack
import msgspec
import msgspec.inspect as mi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from server.protocol.codec import CODECS, JSON, MAX_FRAME, MSGPACK, BadFrame, Codec
from server.protocol.codes import ERRORS
from server.protocol.messages import ClientMessage, ServerMessage
from server.protocol.shapes import CLIENT, SERVER
from tests.unit.protocol.strategies import frames

POINT = [1, 1.7e9, 43.25, 76.9, 14.0, 90.0, 5.0]
FAST = settings(deadline=None, max_examples=40)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def pack(codec: Codec, frame: object) -> bytes:
    """As a client's own library writes it."""
    if codec is JSON:
        return json.dumps(frame).encode()
    packed: bytes = msgpack.packb(frame)
    return packed


def refuse(codec: Codec, frame: bytes) -> BadFrame:
    with pytest.raises(BadFrame) as caught:
        codec.decode(frame)
    assert caught.value.code in ERRORS
    assert caught.value.detail
    return caught.value


both = pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=["json", "msgpack"])


# -- what is valid -------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("kind", CLIENT)
def test_what_a_foreign_encoder_writes_is_read_as_the_same_message(codec: Codec, kind: type[Struct]) -> None:
    @FAST
    @given(frames(kind))
    def check(frame: dict[str, Any]) -> None:
        message = codec.decode(pack(codec, frame))
        assert type(message) is kind
        assert message == msgspec.convert(frame, kind)

    check()


@both
@pytest.mark.parametrize("kind", SERVER)
def test_what_the_server_writes_is_read_by_a_foreign_decoder_as_the_same(
    codec: Codec, kind: type[Struct]
) -> None:
    @FAST
    @given(frames(kind))
    def check(frame: dict[str, Any]) -> None:
        message = msgspec.convert(frame, type=ServerMessage)
        written = codec.encode(message)
        told = json.loads(written) if codec is JSON else msgpack.unpackb(written)
        assert type(message) is kind
        assert msgspec.convert(told, kind) == message

    check()


def test_a_codec_is_found_by_its_subprotocol() -> None:
    assert CODECS == {"desk.v1.msgpack": MSGPACK, "desk.v1.json": JSON}
    assert (MSGPACK.binary, JSON.binary) == (True, False)


@both
def test_fields_from_the_future_are_skipped(codec: Codec) -> None:
    plain = {"type": "position.report", "points": [POINT]}
    newer = {"type": "position.report", "points": [[*POINT, "satellites", 11]], "battery": {"level": 0.4}}
    assert codec.decode(pack(codec, newer)) == codec.decode(pack(codec, plain))


def test_of_a_field_given_twice_both_encodings_take_the_last() -> None:
    as_json = JSON.decode(b'{"type":"ping","id":1,"id":2}')
    as_msgpack = MSGPACK.decode(b"\x83\xa4type\xa4ping\xa2id\x01\xa2id\x02")
    assert as_json == as_msgpack == msgspec.convert({"type": "ping", "id": 2}, ClientMessage)


# -- what is not ---------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("frame", "path"),
    [
        ({"type": "position.report", "points": [[1, 1.7e9, 90.5, 76.9]]}, "$.points[0][2]"),
        ({"type": "position.report", "points": [POINT, [2, 1.7e9, 43.2, -180.1]]}, "$.points[1][3]"),
        ({"type": "position.report", "points": [[0, 1.7e9, 43.2, 76.9]]}, "$.points[0][0]"),
        ({"type": "position.report", "points": [[2**31, 1.7e9, 43.2, 76.9]]}, "$.points[0][0]"),
        ({"type": "position.report", "points": [[1, "now", 43.2, 76.9]]}, "$.points[0][1]"),
        ({"type": "position.report", "points": [[1, 1.7e9, 43.2]]}, "$.points[0]"),
        ({"type": "position.report", "points": []}, "$.points"),
        ({"type": "position.report", "points": [POINT] * 501}, "$.points"),
        ({"type": "position.report", "points": "many"}, "$.points"),
        ({"type": "position.live", "point": None}, "$.point"),
        ({"type": "ping", "id": -1}, "$.id"),
        ({"type": "ping", "id": 2**53}, "$.id"),
        ({"type": "ping", "id": 1.5}, "$.id"),
        ({"type": "ping", "id": True}, "$.id"),
        ({"type": "ping"}, None),
        ({"type": "shift.set", "id": 1, "on_duty": "yes"}, "$.on_duty"),
        ({"type": "stream.resume", "stream": "0123456789ABCDEF"}, "$.stream"),
        ({"type": "stream.resume", "stream": "0123456789abcdef\n"}, "$.stream"),
        ({"type": "offer.accept", "id": 1, "offer": 1, "accept_id": "1"}, "$.accept_id"),
        ({"type": "offer.decline", "id": 1, "offer": 1, "reason": "x" * 201}, "$.reason"),
        ({"type": "offer.decline", "id": 1, "offer": 1, "reason": "a\x00b"}, "$.reason"),
        ({"type": "area.watch", "id": 1, "west": 1, "south": 91, "east": 2, "north": 3}, "$.south"),
        ({"type": "welcome"}, "$.type"),
        ({"type": "no.such"}, "$.type"),
        ({"type": 7}, "$.type"),
        ({"id": 1}, None),
        ([], None),
        ("ping", None),
        (None, None),
        (1, None),
    ],
)
def test_a_refused_frame_names_the_field_at_fault(codec: Codec, frame: object, path: str | None) -> None:
    refusal = refuse(codec, pack(codec, frame))
    assert (refusal.code, refusal.path) == ("bad_frame", path)
    assert " - at " not in refusal.detail


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"{",
        b"ping",
        b'{"type":"ping","id":1}{}',
        b'{"type":"ping","id":1',
        b'{"type":"position.live","point":[1,NaN,1,1]}',
        b'{"type":"position.live","point":[1,Infinity,1,1]}',
        b'{"type":"position.live","point":[1,1e999,1,1]}',
        b'{"type":"position.live","point":[1,1,-1e999,1]}',
        b'{"type":"ping","id":1180591620717411303424}',
        b'{"type":"ping","id":-1180591620717411303424}',
        b'{"type":"ping","id":1' + b"0" * 5000 + b"}",
        b'{"type":"hello","version":1,"app":"\xff\xfe"}',
        b'{"type":"hello","version":1,"app":"\\ud800"}',
        b'{"type":"\xff","id":1}',
        b'{"type":"hello","version":1,"type":"ping","id":1}',
        b"[" * MAX_FRAME,
        b'{"type":"ping","id":1,"x":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
        b'{"type":"ping","id":1,"x":' + b'{"x":' * 10_000 + b"1" + b"}" * 10_001,
    ],
    ids=range(19),
)
def test_json_that_is_broken_deep_or_not_finite_is_refused(frame: bytes) -> None:
    assert refuse(JSON, frame).code == "bad_frame"


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\xc1",
        b"\x82\xa4type\xa4ping\xa2id",
        b"\x82\xa4type\xa4ping\xa2id\x01\x00",
        b"\x82\xa4type\xa4ping\xa2id\xd4\x01\x01",
        b"\x83\xa4type\xa4ping\xa2id\x01\x01\x01",
        b"\x83\xa4type\xa5hello\xa7version\x01\xa3app\xa2\xff\xfe",
        b"\x83\xa4type\xa5hello\xa7version\x01\xa3app\xa3\xed\xa0\x80",
        b"\x82\xa4type\xa2\xff\xfe\xa2id\x01",
        b"\x83\xa4type\xa5hello\xa7version\x01\xa4type\xa4ping",
        b"\xdd\xff\xff\xff\xff",
        b"\x82\xa4type\xafposition.report\xa6points\xdd\xff\xff\xff\xff",
        b"\x83\xa4type\xa4ping\xa2id\x01\xa1x\xdd\xff\xff\xff\xff",
        b"\x91" * MAX_FRAME,
        b"\x83\xa4type\xa4ping\xa2id\x01\xa1x" + b"\x91" * 60_000 + b"\x01",
        b"\x83\xa4type\xa4ping\xa2id\x01\xa1x" + b"\x81\xa1x" * 20_000 + b"\x01",
    ],
    ids=range(16),
)
def test_msgpack_that_is_broken_deep_or_of_foreign_types_is_refused(frame: bytes) -> None:
    assert refuse(MSGPACK, frame).code == "bad_frame"


@both
def test_a_frame_over_the_limit_is_too_large_before_it_is_read(codec: Codec) -> None:
    assert refuse(codec, b" " * (MAX_FRAME + 1)).code == "too_large"


@both
def test_a_refusal_does_not_send_a_long_frame_back(codec: Codec) -> None:
    assert len(refuse(codec, pack(codec, {"type": "x" * 60_000})).detail) <= 200


# -- numbers that are none -----------------------------------------------------------------------------------


def floats_of(seen: mi.Type) -> Iterator[mi.FloatType]:
    match seen:
        case mi.Metadata():
            yield from floats_of(seen.type)
        case mi.UnionType():
            for part in seen.types:
                yield from floats_of(part)
        case mi.ListType():
            yield from floats_of(seen.item_type)
        case mi.StructType():
            for field in seen.fields:
                yield from floats_of(field.type)
        case mi.FloatType():
            yield seen
        case mi.DictType() | mi.TupleType():
            raise AssertionError("look into this one too")


@pytest.mark.parametrize("kind", CLIENT)
def test_every_number_a_client_may_send_has_both_bounds(kind: type[Struct]) -> None:
    for seen in floats_of(mi.type_info(kind)):
        assert seen.ge is not None or seen.gt is not None
        assert seen.le is not None or seen.lt is not None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", range(1, 7))
def test_nan_and_infinity_are_refused_at_every_place_of_a_point(value: float, place: int) -> None:
    point = list(POINT)
    point[place] = value
    refusal = refuse(MSGPACK, msgpack.packb({"type": "position.report", "points": [POINT, point]}))
    assert refusal.path == f"$.points[1][{place}]"


# -- anything at all -----------------------------------------------------------------------------------------


def survives(codec: Codec, frame: bytes) -> None:
    try:
        message = codec.decode(frame)
    except BadFrame as refusal:
        assert refusal.code in ERRORS
        assert len(refusal.detail) <= 200
    else:
        assert isinstance(message, CLIENT)


@both
@given(frame=st.binary(max_size=400))
@settings(deadline=None, max_examples=500)
def test_random_bytes_do_nothing_but_be_refused(codec: Codec, frame: bytes) -> None:
    survives(codec, frame)


@both
@given(value=PLAIN, tag=st.sampled_from([kind.__struct_config__.tag for kind in CLIENT]), data=st.data())
@settings(deadline=None, max_examples=300)
def test_foreign_objects_with_our_types_are_read_or_refused(
    codec: Codec, value: Any, tag: str, data: st.DataObject
) -> None:
    kind = next(each for each in CLIENT if each.__struct_config__.tag == tag)
    frame = {"type": tag} | {name: data.draw(PLAIN) for name in kind.__struct_fields__} | {"more": value}
    if codec is JSON:
        survives(codec, json.dumps(frame, default=repr).encode())
    else:
        survives(codec, msgpack.packb(frame, unicode_errors="surrogatepass"))


@both
@given(data=st.data())
@settings(deadline=None, max_examples=500)
def test_a_valid_frame_with_damaged_bytes_is_read_or_refused(codec: Codec, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(CLIENT))
    frame = bytearray(pack(codec, data.draw(frames(kind))))
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    survives(codec, bytes(frame[: data.draw(st.integers(0, len(frame)))]))
